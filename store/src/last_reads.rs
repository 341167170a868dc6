//! The days on which owners last opened their conversations and documents, for retention.

use aggregates::UserId;
use chrono::NaiveDate;
use uuid::Uuid;

use crate::{Store, StoreError};

/// A conversation or document that its owner opened on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRead {
    /// The owner.
    pub owner: UserId,
    /// The id of the conversation or document.
    pub id: Uuid,
    /// The day, in UTC.
    pub read_on: NaiveDate,
}

impl Store {
    /// Records reads with one statement. Earlier days do not replace later ones; nothing is recorded for an
    /// owner whose key is destroyed.
    pub async fn record_reads(&self, reads: &[LastRead]) -> Result<(), StoreError> {
        sqlx::query(RECORD)
            .bind(reads.iter().map(|read| read.owner).collect::<Vec<_>>())
            .bind(reads.iter().map(|read| read.id).collect::<Vec<_>>())
            .bind(reads.iter().map(|read| read.read_on).collect::<Vec<_>>())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

const RECORD: &str = "
INSERT INTO last_reads AS known (owner, id, read_on)
SELECT r.owner, r.id, max(r.read_on)
  FROM UNNEST($1::uuid[], $2::uuid[], $3::date[]) AS r (owner, id, read_on)
  JOIN keys k ON k.kind = 'user' AND k.id = r.owner AND k.destroyed_at IS NULL
 GROUP BY r.owner, r.id
    ON CONFLICT (owner, id) DO UPDATE SET read_on = excluded.read_on WHERE known.read_on < excluded.read_on";
