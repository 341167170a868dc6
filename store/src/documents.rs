//! The versions of documents, by their events and not by the read models: what was recorded before a search
//! is seen by it.

use std::collections::HashMap;
use std::time::Duration;

use aggregates::{DocumentId, Version};
use sqlx::FromRow;

use crate::{Store, StoreError};

/// The version of a document that answers use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrentVersion {
    /// The sequence of the `DocumentAdded` event with the content.
    pub content_version: Version,
    /// The time since the version was indexed.
    pub age: Duration,
}

#[derive(FromRow)]
struct Row {
    id: DocumentId,
    content_version: Version,
    age_seconds: f64,
}

impl Store {
    /// The current versions of these documents: of each, the version indexed last, unless the document was
    /// rejected or removed since.
    pub async fn current_versions(
        &self,
        documents: &[DocumentId],
    ) -> Result<HashMap<DocumentId, CurrentVersion>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(CURRENT).bind(documents).fetch_all(&self.pool).await?;
        let versions = rows.into_iter().map(|Row { id, content_version, age_seconds }| {
            let age = Duration::try_from_secs_f64(age_seconds.max(0.0)).unwrap_or_default();
            (id, CurrentVersion { content_version, age })
        });
        Ok(versions.collect())
    }

    /// Those of these documents whose newest content is neither indexed nor rejected yet.
    pub async fn unindexed(&self, documents: &[DocumentId]) -> Result<Vec<DocumentId>, StoreError> {
        Ok(sqlx::query_scalar(UNINDEXED).bind(documents).fetch_all(&self.pool).await?)
    }

    /// The documents that were ever indexed, in the order of their ids, after one of them.
    pub async fn indexed_documents(
        &self,
        after: Option<DocumentId>,
        limit: u32,
    ) -> Result<Vec<DocumentId>, StoreError> {
        let after = after.unwrap_or(DocumentId::new(uuid::Uuid::nil()));
        Ok(sqlx::query_scalar(INDEXED).bind(after).bind(i64::from(limit)).fetch_all(&self.pool).await?)
    }
}

const CURRENT: &str = "
SELECT wanted.id, added.sequence AS content_version,
       extract(epoch FROM clock_timestamp() - last.recorded_at)::float8 AS age_seconds
  FROM UNNEST($1::uuid[]) AS wanted(id)
 CROSS JOIN LATERAL (SELECT sequence, event_type, recorded_at FROM events
                      WHERE aggregate_type = 'document' AND aggregate_id = wanted.id
                        AND event_type IN ('DocumentIndexed', 'DocumentRejected', 'DocumentRemoved')
                      ORDER BY sequence DESC LIMIT 1) AS last
 CROSS JOIN LATERAL (SELECT sequence FROM events
                      WHERE aggregate_type = 'document' AND aggregate_id = wanted.id
                        AND event_type = 'DocumentAdded' AND sequence < last.sequence
                      ORDER BY sequence DESC LIMIT 1) AS added
 WHERE last.event_type = 'DocumentIndexed'";

const UNINDEXED: &str = "
SELECT wanted.id
  FROM UNNEST($1::uuid[]) AS wanted(id)
 CROSS JOIN LATERAL (SELECT event_type FROM events
                      WHERE aggregate_type = 'document' AND aggregate_id = wanted.id
                        AND event_type IN ('DocumentAdded', 'DocumentIndexed', 'DocumentRejected', 'DocumentRemoved')
                      ORDER BY sequence DESC LIMIT 1) AS last
 WHERE last.event_type = 'DocumentAdded'";

const INDEXED: &str = "
SELECT DISTINCT aggregate_id FROM events
 WHERE aggregate_type = 'document' AND event_type = 'DocumentIndexed' AND aggregate_id > $1
 ORDER BY aggregate_id LIMIT $2";
