//! Answers that are requested and have not ended, of all owners.

use std::time::Duration;

use aggregates::{AnswerId, ConversationId, Position, UserId};
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
}

/// Answers that have been pending for longer than `pending`, oldest first, at most `limit`.
pub async fn pending_answers(
    executor: impl PgExecutor<'_>,
    pending: Duration,
    limit: u32,
) -> Result<Vec<PendingAnswer>, QueryError> {
    Ok(sqlx::query_as(
        "SELECT owner, conversation_id, id, ordinal FROM messages
          WHERE status = 'requested' AND created_at < now() - $1::interval
          ORDER BY ordinal LIMIT $2",
    )
    .bind(pending)
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?)
}

/// The position of the oldest request whose answer is pending, up to the projected position.
pub async fn oldest_pending_position(executor: impl PgExecutor<'_>) -> Result<Option<Position>, QueryError> {
    Ok(sqlx::query_scalar("SELECT min(ordinal) FROM messages WHERE status = 'requested'")
        .fetch_one(executor)
        .await?)
}
