//! Answers that are requested and have not ended, of all owners.

use std::collections::HashSet;
use std::time::Duration;

use aggregates::{AnswerId, ConversationId, Position, UserId, Version};
use sqlx::{FromRow, PgExecutor};

use crate::QueryError;

/// An answer that is requested and has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct PendingAnswer {
    /// The owner of the conversation.
    pub owner: UserId,
    /// The id of the conversation.
    pub conversation_id: ConversationId,
    /// The id of the answer.
    #[sqlx(rename = "id")]
    pub answer_id: AnswerId,
    /// The position of the request in the ledger.
    #[sqlx(rename = "ordinal")]
    pub requested: Position,
    /// The sequence of the request in the conversation's history.
    pub sequence: Version,
}

/// Answers that have been pending for longer than `pending`, oldest first, at most `limit`.
pub async fn pending_answers(
    executor: impl PgExecutor<'_>,
    pending: Duration,
    limit: u32,
) -> Result<Vec<PendingAnswer>, QueryError> {
    Ok(sqlx::query_as(
        "SELECT owner, conversation_id, id, ordinal, sequence FROM messages
          WHERE status = 'requested' AND created_at < now() - $1::interval
          ORDER BY ordinal LIMIT $2",
    )
    .bind(pending)
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?)
}

/// The number of answers of an owner that have not ended, with the events that the read model has not applied
/// yet. Reads the owner's pending answers and newest events.
pub async fn pending_answers_of(executor: impl PgExecutor<'_>, owner: UserId) -> Result<u64, QueryError> {
    let pending: i64 = sqlx::query_scalar(PENDING_OF).bind(owner).fetch_one(executor).await?;
    Ok(u64::try_from(pending).unwrap_or_default())
}

/// One statement sees the read model, its checkpoint, the ledger and the outbox at one moment, so that each
/// event counts once.
const PENDING_OF: &str = "
WITH unapplied AS (
    SELECT e.event_type
      FROM ledger l JOIN events e
        ON e.aggregate_type = l.aggregate_type AND e.aggregate_id = l.aggregate_id AND e.sequence = l.sequence
     WHERE l.owner = $1 AND l.position > (SELECT position FROM checkpoints WHERE name = 'messages')
     UNION ALL
    SELECT e.event_type
      FROM outbox o JOIN events e
        ON e.aggregate_type = o.aggregate_type AND e.aggregate_id = o.aggregate_id AND e.sequence = o.sequence
     WHERE e.owner = $1
)
SELECT (SELECT count(*) FROM messages WHERE status = 'requested' AND owner = $1)
     + (SELECT count(*) FROM unapplied WHERE event_type = 'AnswerRequested')
     - (SELECT count(*) FROM unapplied
         WHERE event_type IN ('AnswerCompleted', 'AnswerStopped', 'AnswerFailed'))";

/// The answers among these that have ended, up to the projected position.
pub async fn ended_answers(
    executor: impl PgExecutor<'_>,
    answers: &[(ConversationId, AnswerId)],
) -> Result<HashSet<(ConversationId, AnswerId)>, QueryError> {
    let (conversations, ids): (Vec<ConversationId>, Vec<AnswerId>) = answers.iter().copied().unzip();
    let ended: Vec<(ConversationId, AnswerId)> = sqlx::query_as(
        "SELECT m.conversation_id, m.id FROM UNNEST($1::uuid[], $2::uuid[]) AS a (conversation_id, id)
           JOIN messages m ON m.conversation_id = a.conversation_id AND m.id = a.id
          WHERE m.status IN ('completed', 'stopped', 'failed')",
    )
    .bind(conversations)
    .bind(ids)
    .fetch_all(executor)
    .await?;
    Ok(ended.into_iter().collect())
}

/// The position of the oldest request whose answer is pending, up to the projected position.
pub async fn oldest_pending_position(executor: impl PgExecutor<'_>) -> Result<Option<Position>, QueryError> {
    Ok(sqlx::query_scalar("SELECT min(ordinal) FROM messages WHERE status = 'requested'")
        .fetch_one(executor)
        .await?)
}
