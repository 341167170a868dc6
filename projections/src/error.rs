//! The error of queries and projections.

use aggregates::Position;
use aggregates::operation::QuarantineCause;

use crate::ReadModel;

/// A query or a change of read models that was not completed.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The database did not complete a statement.
    #[error("statement on read models was not completed")]
    Statement(#[from] sqlx::Error),
    /// The projection of an event panicked.
    #[error("the projection panicked; the log has the panic")]
    Panicked,
    /// Many aggregates failed for one cause, which is therefore a fault of the database or of the release. None
    /// of them was quarantined.
    #[error(
        "{aggregates} aggregates cannot be applied to {} since an hour for one cause ({}); none is quarantined, \
         and the read models wait until the cause is gone",
        model.name(), cause.name()
    )]
    TooManyFailures {
        /// The read model.
        model: ReadModel,
        /// The number of aggregates, those that are quarantined already included.
        aggregates: usize,
        /// The cause.
        cause: QuarantineCause,
    },
    /// The events do not follow those that a read model has applied.
    #[error("read model {name} lacks the event at position {position}")]
    Gap {
        /// The table of the read model.
        name: String,
        /// The position that is missing.
        position: Position,
    },
    /// Another process fills the table of a rebuild, or has replaced the read model by it.
    #[error("another rebuild of {name} is under way, or has just ended")]
    Overtaken {
        /// The table of the rebuild.
        name: String,
    },
}

impl QueryError {
    /// Whether the statement gave up waiting for the lock of another transaction.
    pub fn is_lock_timeout(&self) -> bool {
        let Self::Statement(error) = self else { return false };
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        code.as_deref() == Some("55P03")
    }
}

impl From<QueryError> for sqlx::Error {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Statement(error) => error,
            other => Self::Protocol(other.to_string()),
        }
    }
}
