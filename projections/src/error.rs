//! The error of queries and projections.

/// A statement on read models that the database did not complete.
#[derive(Debug, thiserror::Error)]
#[error("statement on read models was not completed")]
pub struct QueryError(#[from] sqlx::Error);

impl From<QueryError> for sqlx::Error {
    fn from(error: QueryError) -> Self {
        error.0
    }
}
