//! Which version of a document counts, by its events: at once, however far the read models are. And who is indexing it.

use std::collections::HashMap;
use std::time::Duration;

use aggregates::{DocumentId, Version};
use uuid::Uuid;

use super::{Store, StoreError};

/// The version of a document that is answered from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountingVersion {
    /// The event that brought it.
    pub brought: Version,
    /// Since when.
    pub age: Duration,
}

impl Store {
    /// The versions that count of these documents: of each the last that was indexed, while it is not rejected or removed.
    pub async fn counting_versions(
        &self,
        documents: &[DocumentId],
    ) -> Result<HashMap<DocumentId, CountingVersion>, StoreError> {
        let ids: Vec<Uuid> = documents.iter().map(|id| id.uuid()).collect();
        let rows: Vec<(Uuid, i64, f64)> = sqlx::query_as(COUNTING).bind(ids).fetch_all(self.pool()).await?;
        let counting = rows.into_iter().map(|(id, brought, age)| {
            let age = Duration::try_from_secs_f64(age.max(0.0)).unwrap_or_default();
            (DocumentId::new(id), CountingVersion { brought: Version(brought.unsigned_abs()), age })
        });
        Ok(counting.collect())
    }

    /// Claims a document for a time, or keeps it for longer; `false` while somebody else has it.
    pub async fn claim_document(
        &self,
        document: DocumentId,
        holder: Uuid,
        time: Duration,
    ) -> Result<bool, StoreError> {
        let claimed = sqlx::query(CLAIM).bind(document.uuid()).bind(holder).bind(time.as_secs_f64());
        Ok(claimed.execute(self.pool()).await?.rows_affected() > 0)
    }

    /// Lets a document go.
    pub async fn release_document(&self, document: DocumentId, holder: Uuid) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM document_claims WHERE document_id = $1 AND holder = $2")
            .bind(document.uuid())
            .bind(holder)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// Documents that were ever indexed, from one on in the order of their ids: for whoever looks whether the index has them.
    pub async fn indexed_documents(
        &self,
        after: Option<DocumentId>,
        limit: u32,
    ) -> Result<Vec<DocumentId>, StoreError> {
        let after = after.map_or(Uuid::nil(), DocumentId::uuid);
        let ids: Vec<Uuid> =
            sqlx::query_scalar(INDEXED).bind(after).bind(i64::from(limit)).fetch_all(self.pool()).await?;
        Ok(ids.into_iter().map(DocumentId::new).collect())
    }
}

/// A claim that ends far ahead was made before the clock went back; nobody waits for its end.
const CLAIM: &str = "
INSERT INTO document_claims (document_id, holder, until) VALUES ($1, $2, now() + make_interval(secs => $3))
    ON CONFLICT (document_id) DO UPDATE SET holder = excluded.holder, until = excluded.until
 WHERE document_claims.holder = excluded.holder OR document_claims.until < now()
    OR document_claims.until > now() + make_interval(secs => 2 * $3)";

const COUNTING: &str = "
SELECT wanted.id, brought.sequence, extract(epoch FROM clock_timestamp() - last.recorded_at)::float8
  FROM UNNEST($1::uuid[]) AS wanted(id)
 CROSS JOIN LATERAL (SELECT sequence, event_type, recorded_at FROM events
                      WHERE aggregate_type = 'document' AND aggregate_id = wanted.id AND event_type <> 'DocumentAdded'
                      ORDER BY sequence DESC LIMIT 1) AS last
 CROSS JOIN LATERAL (SELECT sequence FROM events
                      WHERE aggregate_type = 'document' AND aggregate_id = wanted.id
                        AND event_type = 'DocumentAdded' AND sequence < last.sequence
                      ORDER BY sequence DESC LIMIT 1) AS brought
 WHERE last.event_type = 'DocumentIndexed'";

const INDEXED: &str = "
SELECT DISTINCT aggregate_id FROM events
 WHERE aggregate_type = 'document' AND event_type = 'DocumentIndexed' AND aggregate_id > $1
 ORDER BY aggregate_id LIMIT $2";
