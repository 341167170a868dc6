//! Tells failures of one event from failures of the database.

use std::panic::AssertUnwindSafe;

use aggregates::operation::QuarantineCause;
use futures::FutureExt as _;

use crate::QueryError;

/// The error of a projection, or [`QueryError::Panicked`] if it panics. The panic hook has logged the panic:
/// its message can quote a text, and is not kept.
pub(crate) async fn caught<T>(
    projecting: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, QueryError> {
    match AssertUnwindSafe(projecting).catch_unwind().await {
        Ok(projected) => Ok(projected?),
        Err(_) => Err(QueryError::Panicked),
    }
}

impl QueryError {
    /// Why the same events fail again whenever they are applied; `None` for a failure that may pass: of the
    /// connection, by a time limit, for lack of resources, in a conflict of transactions, and of a schema
    /// that is not migrated.
    pub fn lasting_cause(&self) -> Option<(QuarantineCause, String)> {
        match self {
            Self::Panicked => Some((QuarantineCause::Panicked, self.to_string())),
            Self::Statement(sqlx::Error::Database(error)) => {
                let code = error.code()?;
                let refused = matches!(code.get(..2), Some("21" | "22" | "23" | "44" | "54"));
                refused.then(|| (QuarantineCause::Refused, format!("{code}: {}", error.message())))
            }
            Self::Statement(
                error @ (sqlx::Error::Encode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)),
            ) => Some((QuarantineCause::Refused, error.to_string())),
            Self::Statement(_) | Self::TooManyFailures { .. } | Self::Gap { .. } | Self::Overtaken { .. } => {
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_that_may_pass_has_no_lasting_cause() {
        for passing in [
            sqlx::Error::PoolTimedOut,
            sqlx::Error::WorkerCrashed,
            sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()),
        ] {
            assert_eq!(QueryError::from(passing).lasting_cause(), None);
        }
    }

    #[tokio::test]
    async fn a_panic_lasts() {
        let projecting = std::future::poll_fn(|_| -> std::task::Poll<Result<(), sqlx::Error>> {
            panic!("in a test");
        });
        let panicked = caught(projecting).await.unwrap_err();
        let (cause, _) = panicked.lasting_cause().unwrap();
        assert_eq!(cause, QuarantineCause::Panicked);
    }
}
