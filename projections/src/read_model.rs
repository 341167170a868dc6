//! What all read models share: the batch they are made from, and how far they are.

use aggregates::{AnswerId, ConversationId, Position, RecordedEvent, UserId};
use sealing::{BlindKey, ContentKey};
use sqlx::{PgExecutor, PgTransaction};

use crate::purge::Gone;
use crate::{accounts, conversations, documents, messages, purge, search, usage};

/// An event with what it takes to project it. Without keys it projects without its texts: they were erased.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The event, its private part open if there is a key for it.
    pub recorded: RecordedEvent,
    /// The key of its conversation or document.
    pub key: Option<ContentKey>,
    /// The key of its owner's blind index.
    pub blind: Option<BlindKey>,
}

/// The read models there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReadModel {
    /// The list of conversations.
    Conversations,
    /// The tree of messages.
    Messages,
    /// The blind index.
    SearchEntries,
    /// Tokens and answers by day.
    UsageDays,
    /// Accounts as this service knows them.
    Accounts,
    /// The documents people brought.
    Documents,
}

impl ReadModel {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Conversations,
        Self::Messages,
        Self::SearchEntries,
        Self::UsageDays,
        Self::Accounts,
        Self::Documents,
    ];

    /// The name of its table and of its checkpoint.
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

    /// The read model of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.name() == name)
    }
}

/// Applies a batch to every read model that has not seen it yet, and moves the checkpoints, in the caller's transaction.
///
/// The batch is contiguous. Checkpoints are locked first, so that of two projectors the second finds nothing left to do.
pub async fn apply(transaction: &mut PgTransaction<'_>, batch: &[Opened]) -> Result<(), sqlx::Error> {
    let Some(last) = batch.last().map(|event| event.recorded.position) else {
        return Ok(());
    };
    let checkpoints: Vec<(String, i64)> = sqlx::query_as(
        "SELECT name, position FROM checkpoints WHERE name = ANY($1) ORDER BY name FOR UPDATE",
    )
    .bind(ReadModel::ALL.map(ReadModel::name))
    .fetch_all(&mut **transaction)
    .await?;
    for model in ReadModel::ALL {
        let checkpoint = checkpoints.iter().find(|(name, _)| name == model.name());
        let seen = Position(checkpoint.map_or(0, |(_, position)| position.unsigned_abs()));
        let unseen = batch.partition_point(|event| event.recorded.position <= seen);
        apply_one(model, model.name(), transaction, batch.get(unseen..).unwrap_or_default()).await?;
    }
    sqlx::query("UPDATE checkpoints SET position = $1 WHERE name = ANY($2) AND position < $1")
        .bind(last.0.cast_signed())
        .bind(ReadModel::ALL.map(ReadModel::name))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Applies a batch to one read model in a table of its form. Moves no checkpoint.
pub async fn apply_one(
    model: ReadModel,
    table: &str,
    transaction: &mut PgTransaction<'_>,
    batch: &[Opened],
) -> Result<(), sqlx::Error> {
    if batch.is_empty() {
        return Ok(());
    }
    // An erasure takes what came before it, so a batch ends at each: where batches end makes no difference.
    for batch in batch.split_inclusive(|event| Gone::told_by(event).is_some()) {
        match model {
            ReadModel::Conversations => conversations::apply(table, transaction, batch).await,
            ReadModel::Messages => messages::apply(table, transaction, batch).await,
            ReadModel::SearchEntries => search::apply(table, transaction, batch).await,
            ReadModel::UsageDays => usage::apply(table, transaction, batch).await,
            ReadModel::Accounts => accounts::apply(table, transaction, batch).await,
            ReadModel::Documents => documents::apply(table, transaction, batch).await,
        }?;
        if let Some(gone) = batch.last().and_then(Gone::told_by) {
            purge::apply(model, table, transaction, gone).await?;
        }
    }
    Ok(())
}

/// Gives read models whose checkpoint was lost a new one, before the first event.
pub async fn begin_checkpoints(executor: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO checkpoints (name, position) SELECT name, 0 FROM UNNEST($1::text[]) AS model (name) ON CONFLICT DO NOTHING")
        .bind(ReadModel::ALL.map(ReadModel::name))
        .execute(executor)
        .await?;
    Ok(())
}

/// How far a read model is.
pub async fn checkpoint(executor: impl PgExecutor<'_>, model: ReadModel) -> Result<Position, sqlx::Error> {
    let position: Option<i64> = sqlx::query_scalar("SELECT position FROM checkpoints WHERE name = $1")
        .bind(model.name())
        .fetch_optional(executor)
        .await?;
    Ok(Position(position.unwrap_or(0).unsigned_abs()))
}

/// How far the slowest read model is.
pub async fn lowest_checkpoint(executor: impl PgExecutor<'_>) -> Result<Position, sqlx::Error> {
    Ok(checkpoint_range(executor).await?.0)
}

/// The position to which one read model at least has come.
pub async fn highest_checkpoint(executor: impl PgExecutor<'_>) -> Result<Position, sqlx::Error> {
    Ok(checkpoint_range(executor).await?.1)
}

async fn checkpoint_range(executor: impl PgExecutor<'_>) -> Result<(Position, Position), sqlx::Error> {
    let (lowest, highest): (i64, i64) = sqlx::query_as(
        "SELECT coalesce(min(position), 0), coalesce(max(position), 0) FROM checkpoints WHERE name = ANY($1)",
    )
    .bind(ReadModel::ALL.map(ReadModel::name))
    .fetch_one(executor)
    .await?;
    Ok((Position(lowest.unsigned_abs()), Position(highest.unsigned_abs())))
}

/// The position of the oldest request for an answer that has not ended, as far as the read models are.
pub async fn oldest_pending_position(executor: impl PgExecutor<'_>) -> Result<Option<Position>, sqlx::Error> {
    let position: Option<i64> =
        sqlx::query_scalar("SELECT min(ordinal) FROM messages WHERE status = 'requested'")
            .fetch_one(executor)
            .await?;
    Ok(position.map(|position| Position(position.unsigned_abs())))
}

/// An answer somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingAnswer {
    /// Whose it is.
    pub owner: UserId,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The answer.
    pub answer_id: AnswerId,
    /// The position of its request.
    pub requested: Position,
}

/// The answers requested at least this many seconds ago that have not ended, oldest first: for the worker's sweep.
pub async fn pending_answers(
    executor: impl PgExecutor<'_>,
    older_than_seconds: f64,
    limit: u32,
) -> Result<Vec<PendingAnswer>, sqlx::Error> {
    let rows: Vec<(uuid::Uuid, uuid::Uuid, uuid::Uuid, i64)> = sqlx::query_as(
        "SELECT owner, conversation_id, id, ordinal FROM messages
          WHERE status = 'requested' AND created_at < now() - make_interval(secs => $1)
          ORDER BY ordinal LIMIT $2",
    )
    .bind(older_than_seconds)
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(owner, conversation, answer, ordinal)| PendingAnswer {
            owner: UserId::new(owner),
            conversation_id: ConversationId::new(conversation),
            answer_id: AnswerId::new(answer),
            requested: Position(ordinal.unsigned_abs()),
        })
        .collect())
}
