//! The set of read models, the events they are projected from, and the projection of a batch
//! into all of them.

use std::str::FromStr;
use std::time::Duration;

use aggregates::{Position, RecordedEvent};
use sealing::{BlindKey, ContentKey};
use sqlx::{Acquire, PgTransaction, Postgres};

use crate::erased;
use crate::purge::PurgeScope;
use crate::{QueryError, accounts, conversations, documents, messages, purge, search, usage};

/// An event with the keys that its projection needs. Without keys, because they were destroyed, it is
/// projected without its private part.
#[derive(Debug, Clone)]
pub struct DecryptedEvent {
    /// The event. Its private part is open if the content key exists.
    pub recorded: RecordedEvent,
    /// The key of the event's conversation or document.
    pub content_key: Option<ContentKey>,
    /// The key of the owner's blind index.
    pub blind_key: Option<BlindKey>,
}

/// A read model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReadModel {
    /// The list of conversations.
    Conversations,
    /// The tree of messages.
    Messages,
    /// The blind index.
    SearchEntries,
    /// Answers and tokens by day and model.
    UsageDays,
    /// Accounts as this service knows them.
    Accounts,
    /// The list of documents.
    Documents,
}

/// A name that is not the name of a read model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read model {0:?} does not exist; the read models are {names}", names = ReadModel::ALL.map(ReadModel::name).join(", "))]
pub struct UnknownReadModel(String);

impl ReadModel {
    /// All read models.
    pub const ALL: [Self; 6] = [
        Self::Conversations,
        Self::Messages,
        Self::SearchEntries,
        Self::UsageDays,
        Self::Accounts,
        Self::Documents,
    ];

    /// The name of the read model's table and of its checkpoint.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conversations => "conversations",
            Self::Messages => "messages",
            Self::SearchEntries => "search_entries",
            Self::UsageDays => "usage_days",
            Self::Accounts => "accounts",
            Self::Documents => "documents",
        }
    }

    /// Applies a batch to the read model in a table of its form. The checkpoint stays as it is.
    pub(crate) async fn apply(
        self,
        table: &str,
        transaction: &mut PgTransaction<'_>,
        batch: &[DecryptedEvent],
    ) -> Result<(), sqlx::Error> {
        // A purge deletes the rows of earlier events only. The batch is split after each event that purges,
        // so that the result does not depend on the boundaries of batches.
        for part in batch.split_inclusive(|event| PurgeScope::of(event).is_some()) {
            match self {
                Self::Conversations => conversations::apply(table, transaction, part).await,
                Self::Messages => messages::apply(table, transaction, part).await,
                Self::SearchEntries => search::apply(table, transaction, part).await,
                Self::UsageDays => usage::apply(table, transaction, part).await,
                Self::Accounts => accounts::apply(table, transaction, part).await,
                Self::Documents => documents::apply(table, transaction, part).await,
            }?;
            if let Some(scope) = part.last().and_then(PurgeScope::of) {
                purge::apply(self, table, transaction, scope).await?;
            }
        }
        Ok(())
    }
}

impl FromStr for ReadModel {
    type Err = UnknownReadModel;

    fn from_str(name: &str) -> Result<Self, UnknownReadModel> {
        let model = Self::ALL.into_iter().find(|model| model.name() == name);
        model.ok_or_else(|| UnknownReadModel(name.to_owned()))
    }
}

/// Time for which a projector may stand still between two statements of its transaction, with the locks.
const STANDSTILL: &str = "5s";

/// Applies a contiguous batch of the ledger to all read models and moves their checkpoints,
/// in one transaction.
///
/// A read model skips the events that it has applied before. The checkpoints are locked first: of two
/// concurrent projectors, the second one waits and then finds nothing to apply. A batch that begins after
/// the event that a read model needs next is refused.
///
/// Each statement after the first may take `statement_limit` in PostgreSQL. A process that stands still in the
/// transaction for `STANDSTILL` loses it, so that another one takes over.
pub async fn project(
    database: impl Acquire<'_, Database = Postgres>,
    batch: &[DecryptedEvent],
    statement_limit: Duration,
) -> Result<(), QueryError> {
    let (Some(first), Some(last)) = (batch.first(), batch.last()) else {
        return Ok(());
    };
    let (first, last) = (first.recorded.position, last.recorded.position);
    let mut transaction = database.begin().await?;
    let checkpoints: Vec<(String, Position)> = sqlx::query_as(LOCK_CHECKPOINTS)
        .bind(ReadModel::ALL.map(ReadModel::name))
        .bind(statement_limit.as_millis().to_string())
        .bind(STANDSTILL)
        .fetch_all(&mut *transaction)
        .await?;
    if let Some((name, applied)) = checkpoints.iter().find(|(_, applied)| applied.next() < first) {
        return Err(QueryError::Gap { name: name.clone(), position: applied.next() });
    }
    let batch = &*erased::without_late_events(&mut transaction, batch).await?;
    for model in ReadModel::ALL {
        let checkpoint = checkpoints.iter().find(|(name, _)| name == model.name());
        let applied = checkpoint.map_or(Position(0), |(_, position)| *position);
        let first = batch.partition_point(|event| event.recorded.position <= applied);
        model.apply(model.name(), &mut transaction, batch.get(first..).unwrap_or_default()).await?;
    }
    sqlx::query("UPDATE checkpoints SET position = $1 WHERE name = ANY($2) AND position < $1")
        .bind(last)
        .bind(ReadModel::ALL.map(ReadModel::name))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

const LOCK_CHECKPOINTS: &str = "
SELECT c.name, c.position
  FROM (SELECT set_config('statement_timeout', $2, true),
               set_config('idle_in_transaction_session_timeout', $3, true) OFFSET 0) AS limits
 CROSS JOIN checkpoints c
 WHERE c.name = ANY($1) ORDER BY c.name FOR UPDATE OF c";
