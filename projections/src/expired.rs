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
pub async fn conversations(
    executor: impl PgExecutor<'_>,
    deleted_before: DateTime<Utc>,
    unused_since: Option<DateTime<Utc>>,
    after: Uuid,
    limit: u32,
) -> Result<Vec<Expired>, QueryError> {
    Ok(sqlx::query_as(
        "SELECT c.owner, c.id, c.version FROM conversations c
          WHERE (c.deleted_at < $1
              OR c.updated_at < $2 AND (NOT c.pinned OR c.deleted_at IS NOT NULL)
                 AND $2 > (SELECT e.recorded_at FROM events e
                            WHERE e.aggregate_type = 'conversation' AND e.aggregate_id = c.id
                            ORDER BY e.sequence DESC LIMIT 1)
                 AND NOT EXISTS (SELECT FROM last_reads r WHERE r.owner = c.owner AND r.id = c.id
                                    AND r.read_on >= ($2 AT TIME ZONE 'UTC')::date))
            AND c.id > $3 ORDER BY c.id LIMIT $4",
    )
    .bind(deleted_before)
    .bind(unused_since)
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?)
}

/// Documents of users that last changed before `unused_since` and of which no passage was opened since, to
/// the day, ordered by id. Shared documents do not expire. Returns at most `limit`, with ids above `after`.
pub async fn documents(
    executor: impl PgExecutor<'_>,
    unused_since: DateTime<Utc>,
    after: Uuid,
    limit: u32,
) -> Result<Vec<Expired>, QueryError> {
    Ok(sqlx::query_as(
        "SELECT owner, id, version FROM documents
          WHERE scope = 'user' AND status <> 'removed' AND updated_at < $1 AND id > $2
            AND NOT EXISTS (SELECT FROM last_reads r WHERE r.owner = documents.owner AND r.id = documents.id
                               AND r.read_on >= ($1 AT TIME ZONE 'UTC')::date)
          ORDER BY id LIMIT $3",
    )
    .bind(unused_since)
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?)
}
