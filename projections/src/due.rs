//! What is over by time, for whoever ends it. These queries name no owner: they are the system's, and read ids alone.

use aggregates::{UserId, Version};
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

/// Something that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Whose it is.
    pub owner: UserId,
    /// Its id.
    pub id: Uuid,
    /// The version at which it is over.
    pub version: Version,
}

type Row = (Uuid, Uuid, i64);

fn due(rows: Vec<Row>) -> Vec<Due> {
    let read = |(owner, id, version): Row| Due {
        owner: UserId::new(owner),
        id,
        version: Version(version.unsigned_abs()),
    };
    rows.into_iter().map(read).collect()
}

/// Conversations thrown away before a moment, or last touched before another, by id after one.
pub async fn conversations(
    executor: impl PgExecutor<'_>,
    deleted_before: DateTime<Utc>,
    untouched_since: Option<DateTime<Utc>>,
    after: Uuid,
    limit: u32,
) -> Result<Vec<Due>, sqlx::Error> {
    let found = sqlx::query_as(
        "SELECT owner, id, version FROM conversations
          WHERE (deleted_at < $1 OR updated_at < $2) AND id > $3 ORDER BY id LIMIT $4",
    )
    .bind(deleted_before)
    .bind(untouched_since)
    .bind(after)
    .bind(i64::from(limit));
    Ok(due(found.fetch_all(executor).await?))
}

/// People's own documents last touched before a moment, by id after one.
pub async fn documents(
    executor: impl PgExecutor<'_>,
    untouched_since: DateTime<Utc>,
    after: Uuid,
    limit: u32,
) -> Result<Vec<Due>, sqlx::Error> {
    let found = sqlx::query_as(
        "SELECT owner, id, version FROM documents
          WHERE scope = 'user' AND status <> 'removed' AND updated_at < $1 AND id > $2 ORDER BY id LIMIT $3",
    )
    .bind(untouched_since)
    .bind(after)
    .bind(i64::from(limit));
    Ok(due(found.fetch_all(executor).await?))
}
