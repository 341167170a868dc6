//! Errors of the store. Constraint names and SQLSTATE codes tell database errors apart.

use std::sync::Arc;

use aggregates::{Position, UnknownName, Version};
use sqlx::postgres::PgDatabaseError;
use uuid::Uuid;

/// An operation of the store that failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The connection string cannot be used.
    #[error(transparent)]
    Connect(#[from] crate::ConnectError),
    /// A concurrent command appended to the aggregate first.
    #[error("another command changed the aggregate first")]
    Conflict,
    /// A command with this Idempotency-Key was executed before.
    #[error("idempotency key was used before")]
    IdempotencyKeyUsed,
    /// The database is unreachable, starting or full, or a lock or a statement exceeded its time limit there.
    /// Nothing was written. A repetition can succeed.
    #[error("database is unavailable")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// The database did not answer in time. A repetition can succeed.
    #[error("database did not answer in time")]
    TimedOut,
    /// So many appends wait, or the database takes so long for one, that another one would wait in vain.
    /// Nothing was written. A repetition can succeed.
    #[error("too many appends wait for the database")]
    Overloaded,
    /// The answer to an append was lost: its events are stored, will be stored, or will never be. A
    /// repetition of the command with the same ids settles it.
    #[error("the outcome of the append is not known")]
    OutcomeUnknown,
    /// A key or a text cannot be encrypted or decrypted.
    #[error("key cannot be used")]
    Key(#[from] sealing::SealError),
    /// The key was destroyed with its owner's account, or the account was never opened.
    #[error("key does not exist")]
    KeyDestroyed,
    /// The kind of a stored key has no name in this version.
    #[error("kind of a stored key is unknown")]
    UnknownKeyKind(#[source] UnknownName),
    /// A stored secret is encrypted by a master key that is not configured.
    #[error("master key {id} is not configured")]
    UnknownMasterKey {
        /// The id of the master key.
        id: String,
    },
    /// The key that signs checkpoints cannot be used.
    #[error("signing key is invalid")]
    InvalidSigningKey(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The owner of the aggregate is being erased. Nothing is appended for the owner.
    #[error("owner is being erased")]
    OwnerErased,
    /// The metadata of an event to append names no owner.
    #[error("metadata of an event names no owner")]
    MissingOwner,
    /// The id of an aggregate is not a UUID.
    #[error("aggregate id is invalid")]
    InvalidAggregateId(#[source] uuid::Error),
    /// The type of an aggregate has no name in the store.
    #[error("aggregate type is unknown")]
    UnknownAggregateType(#[from] UnknownName),
    /// A stored event is not an event of its aggregate's type.
    #[error("event {sequence} of aggregate {aggregate_id} is invalid")]
    InvalidEvent {
        /// The id of the aggregate.
        aggregate_id: Uuid,
        /// The place of the event in the aggregate's history.
        sequence: Version,
        /// The field that is missing or wrong.
        source: serde_json::Error,
    },
    /// The events of an aggregate cannot be applied to it.
    #[error("history of aggregate {aggregate_id} is invalid")]
    InvalidHistory {
        /// The id of the aggregate.
        aggregate_id: Uuid,
        /// The event that is wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An event cannot be written as JSON.
    #[error("event cannot be serialized")]
    UnserializableEvent(#[source] serde_json::Error),
    /// The ledger ends before a position that exists, or lacks it.
    #[error("ledger has no event at position {position}")]
    MissingPosition {
        /// The position after the last event that was found.
        position: Position,
    },
    /// The ledger has another event at a position than it had before, or none: the database went
    /// back in time.
    #[error("ledger has another event at position {position} than before")]
    AnotherHistory {
        /// A position at which the histories differ.
        position: Position,
    },
    /// A stored value is not of its type: a negative counter, an unknown name, a hash of another length.
    #[error("stored row is invalid")]
    InvalidRow(#[source] sqlx::Error),
    /// The database refused a statement.
    #[error("database refused the statement")]
    Database(#[source] sqlx::Error),
    /// The event framework failed with an error of its own.
    #[error("event framework failed")]
    Framework(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A command that had no effect.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<E: std::error::Error> {
    /// The aggregate refused the command.
    #[error(transparent)]
    Refused(E),
    /// The events were not appended.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StoreError {
    /// The error of a statement that `projections` ran on the connections of the store.
    pub fn from_query(error: impl Into<sqlx::Error>) -> Self {
        Self::from(error.into())
    }

    /// Whether a stored event has a type or a version that this release does not know, or is damaged. Another
    /// release may be able to read it.
    pub const fn is_unreadable(&self) -> bool {
        matches!(self, Self::InvalidEvent { .. } | Self::InvalidHistory { .. })
    }

    /// Whether the data of one aggregate is at fault: its events, its keys or its rows. The same call fails
    /// again until the data or the release changes.
    pub const fn is_of_data(&self) -> bool {
        matches!(
            self,
            Self::Key(_)
                | Self::UnknownKeyKind(_)
                | Self::UnknownMasterKey { .. }
                | Self::UnknownAggregateType(_)
                | Self::InvalidEvent { .. }
                | Self::InvalidHistory { .. }
                | Self::InvalidRow(_)
        )
    }

    /// Whether the same call can succeed later without a change of configuration or data.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::TimedOut | Self::Overloaded | Self::OutcomeUnknown)
    }
}

impl StoreError {
    /// Whether the database could not be reached or did not answer, rather than refuse a statement.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Unavailable(cause) => !matches!(**cause, sqlx::Error::Database(_)),
            other => other.is_unavailable(),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => match (database.code().as_deref(), database.constraint()) {
                (Some("23505"), Some("events_sequence" | "keys_subject")) => Self::Conflict,
                (Some("23502"), _) if names_no_owner(database.as_ref()) => Self::OwnerErased,
                (Some("23505"), Some("idempotency_key")) => Self::IdempotencyKeyUsed,
                (Some(code), _) if means_unavailable(code) => Self::Unavailable(Arc::new(error)),
                _ => Self::Database(error),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(Arc::new(error)),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::InvalidRow(error),
            _ => Self::Database(error),
        }
    }
}

/// An append leaves the owner out while the owner is being erased, and the table refuses the row.
fn names_no_owner(error: &dyn sqlx::error::DatabaseError) -> bool {
    error
        .try_downcast_ref::<PgDatabaseError>()
        .is_some_and(|error| (error.table(), error.column()) == (Some("events"), Some("owner")))
}

/// SQLSTATE classes of a server that stops, starts, is crowded or full, and of transactions that can be
/// repeated as they are. (PostgreSQL documentation, appendix "Error Codes".)
fn means_unavailable(code: &str) -> bool {
    matches!(code.get(..2), Some("08" | "53" | "57" | "58"))
        || matches!(code, "40001" | "40P01" | "25006" | "55P03")
}
