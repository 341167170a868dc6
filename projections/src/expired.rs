//! Conversations and documents that have expired, for retention.
//!
//! These queries read ids of all owners and no private columns.

use aggregates::{UserId, Version};
use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgExecutor};
use uuid::Uuid;

use crate::QueryError;

/// An expired aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Expired {
    /// The user to whom the aggregate belongs.
    pub owner: UserId,
    /// The id of the conversation or document.
    pub id: Uuid,
    /// The version at which it had expired. A command with this version as expected version has no effect on
    /// an aggregate that was used again since.
    pub version: Version,
}

/// Conversations that were deleted before `deleted_before` or not used since `unused_since`, ordered by id.
/// Every event is a use, and so is a read, to the day; a conversation is used while it is pinned. Returns at
/// most `limit`, with ids above `after`.
///
/// A conversation in quarantine has no row. Its events tell the same, and its owner could not use it since, so
/// that the beginning of the quarantine counts as a use.
pub async fn conversations(
    executor: impl PgExecutor<'_>,
    deleted_before: DateTime<Utc>,
    unused_since: Option<DateTime<Utc>>,
    after: Uuid,
    limit: u32,
) -> Result<Vec<Expired>, QueryError> {
    Ok(sqlx::query_as(CONVERSATIONS)
        .bind(deleted_before)
        .bind(unused_since)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(executor)
        .await?)
}

/// Documents of users that last changed before `unused_since` and of which no passage was opened since, to
/// the day, ordered by id. Shared documents do not expire. Returns at most `limit`, with ids above `after`.
/// The beginning of a quarantine counts as a change.
pub async fn documents(
    executor: impl PgExecutor<'_>,
    unused_since: DateTime<Utc>,
    after: Uuid,
    limit: u32,
) -> Result<Vec<Expired>, QueryError> {
    Ok(sqlx::query_as(DOCUMENTS)
        .bind(unused_since)
        .bind(after)
        .bind(i64::from(limit))
        .bind(UserId::SHARED)
        .fetch_all(executor)
        .await?)
}

const CONVERSATIONS: &str = "
(SELECT c.owner, c.id, c.version FROM conversations c
  WHERE (c.deleted_at < $1
      OR c.updated_at < $2 AND (NOT c.pinned OR c.deleted_at IS NOT NULL)
         AND $2 > (SELECT e.recorded_at FROM events e
                    WHERE e.aggregate_type = 'conversation' AND e.aggregate_id = c.id
                    ORDER BY e.sequence DESC LIMIT 1)
         AND NOT EXISTS (SELECT FROM last_reads r WHERE r.owner = c.owner AND r.id = c.id
                            AND r.read_on >= ($2 AT TIME ZONE 'UTC')::date))
    AND c.id > $3 ORDER BY c.id LIMIT $4)
UNION ALL
(SELECT q.owner, q.aggregate_id, last.sequence FROM quarantine q
  CROSS JOIN LATERAL (
      SELECT e.sequence, e.event_type, greatest(e.recorded_at, q.quarantined_at) AS used_at FROM events e
       WHERE e.aggregate_type = 'conversation' AND e.aggregate_id = q.aggregate_id
       ORDER BY e.sequence DESC LIMIT 1) AS last
   LEFT JOIN LATERAL (
      SELECT e.recorded_at AS deleted_at, e.event_type = 'ConversationDeleted' AS is_deleted FROM events e
       WHERE e.aggregate_type = 'conversation' AND e.aggregate_id = q.aggregate_id
         AND e.event_type IN ('ConversationDeleted', 'ConversationRestored')
       ORDER BY e.sequence DESC LIMIT 1) AS deletion ON deletion.is_deleted
   LEFT JOIN LATERAL (
      SELECT e.event_type = 'ConversationPinned' AS is_pinned FROM events e
       WHERE e.aggregate_type = 'conversation' AND e.aggregate_id = q.aggregate_id
         AND e.event_type IN ('ConversationPinned', 'ConversationUnpinned')
       ORDER BY e.sequence DESC LIMIT 1) AS pin ON true
  WHERE q.read_model = 'conversations' AND q.aggregate_type = 'conversation' AND q.aggregate_id > $3
    AND last.event_type <> 'ConversationErased'
    AND (deletion.deleted_at < $1
      OR last.used_at < $2 AND (pin.is_pinned IS NOT TRUE OR deletion.deleted_at IS NOT NULL)
         AND NOT EXISTS (SELECT FROM last_reads r WHERE r.owner = q.owner AND r.id = q.aggregate_id
                            AND r.read_on >= ($2 AT TIME ZONE 'UTC')::date))
  ORDER BY q.aggregate_id LIMIT $4)
ORDER BY id LIMIT $4";

const DOCUMENTS: &str = "
(SELECT d.owner, d.id, d.version FROM documents d
  WHERE d.scope = 'user' AND d.status <> 'removed' AND d.updated_at < $1 AND d.id > $2
    AND NOT EXISTS (SELECT FROM last_reads r WHERE r.owner = d.owner AND r.id = d.id
                       AND r.read_on >= ($1 AT TIME ZONE 'UTC')::date)
  ORDER BY d.id LIMIT $3)
UNION ALL
(SELECT q.owner, q.aggregate_id, last.sequence FROM quarantine q
  CROSS JOIN LATERAL (
      SELECT e.sequence, e.event_type, greatest(e.recorded_at, q.quarantined_at) AS used_at FROM events e
       WHERE e.aggregate_type = 'document' AND e.aggregate_id = q.aggregate_id
       ORDER BY e.sequence DESC LIMIT 1) AS last
  WHERE q.read_model = 'documents' AND q.aggregate_type = 'document' AND q.aggregate_id > $2 AND q.owner <> $4
    AND last.event_type <> 'DocumentRemoved' AND last.used_at < $1
    AND NOT EXISTS (SELECT FROM last_reads r WHERE r.owner = q.owner AND r.id = q.aggregate_id
                       AND r.read_on >= ($1 AT TIME ZONE 'UTC')::date)
  ORDER BY q.aggregate_id LIMIT $3)
ORDER BY id LIMIT $3";
