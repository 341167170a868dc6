//! What can go wrong with the store, told apart by constraint and by SQLSTATE.

use cqrs_es::persist::PersistenceError;
use sqlx::postgres::PgDatabaseError;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else appended to the aggregate first.
    #[error("append events: another command came first")]
    Conflict,
    /// A command with this Idempotency-Key was carried out before.
    #[error("append events: the idempotency key was used before")]
    IdempotencyKeyUsed,
    /// The store cannot be reached, is starting or is full. Asking again later can help.
    #[error("reach the store: {0}")]
    Away(#[source] sqlx::Error),
    /// It was not answered in time.
    #[error("reach the store: timed out")]
    TimedOut,
    /// What is stored cannot be read.
    #[error("read what is stored: {0}")]
    Corrupt(String),
    /// A key could not be used.
    #[error("use a key: {0}")]
    Key(#[from] sealing::SealError),
    /// The owner's keys are gone: the account was erased or never opened.
    #[error("use a key: it does not exist any more")]
    KeyDestroyed,
    /// The owner has asked to be erased: nothing is written for them any more.
    #[error("append events: their owner is being erased")]
    OwnerErased,
    /// Anything else the database says.
    #[error("ask the store: {0}")]
    Database(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether the same call can succeed later without anybody changing anything.
    pub const fn is_away(&self) -> bool {
        matches!(self, Self::Away(_) | Self::TimedOut)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => match (database.code().as_deref(), database.constraint()) {
                (Some("23505"), Some("events_sequence" | "keys_subject")) => Self::Conflict,
                (Some("23502"), _) if names_no_owner(database.as_ref()) => Self::OwnerErased,
                (Some("23505"), Some("idempotency_key")) => Self::IdempotencyKeyUsed,
                (Some(code), _) if means_away(code) => Self::Away(error),
                _ => Self::Database(error),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Away(error),
            _ => Self::Database(error),
        }
    }
}

/// An append leaves the owner out where it is being erased, which the table refuses.
fn names_no_owner(error: &dyn sqlx::error::DatabaseError) -> bool {
    error
        .try_downcast_ref::<PgDatabaseError>()
        .is_some_and(|error| (error.table(), error.column()) == (Some("events"), Some("owner")))
}

/// SQLSTATE classes of a server that is going, coming, crowded or full; and of transactions that may simply be repeated.
/// (PostgreSQL documentation, appendix "Error Codes".)
fn means_away(code: &str) -> bool {
    matches!(code.get(..2), Some("08" | "53" | "57" | "58"))
        || matches!(code, "40001" | "40P01" | "25006" | "55P03")
}

impl From<StoreError> for PersistenceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::OptimisticLockError,
            away @ (StoreError::Away(_) | StoreError::TimedOut) => Self::ConnectionError(Box::new(away)),
            other => Self::UnknownError(Box::new(other)),
        }
    }
}
