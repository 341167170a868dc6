//! Writes passages that the index lacks: after a loss, or in the collection of another model.

use aggregates::DocumentId;
use rag::vocabulary::ContentVersion;

use super::Indexing;
use crate::knowledge::models::ActiveModel;

/// Documents read by one query.
const PAGE: u32 = 200;

impl Indexing {
    /// Whether the index has as many passages of a document as its events record, none of them as an earlier
    /// release wrote it.
    pub async fn is_whole(&self, active: &ActiveModel, id: DocumentId) -> anyhow::Result<bool> {
        let document = self.document(id).await?;
        let (Some(indexed), Some(owner)) = (document.indexed(), document.owner()) else { return Ok(true) };
        let generation = ContentVersion(document.content_version().0);
        let there = active.index.count_version(id.uuid().into(), generation, &active.embedder).await?;
        // Documents of an erased owner have no passages.
        Ok(there == u64::from(indexed.passages) || self.store.keyring().user(owner).await?.is_none())
    }

    /// Writes the missing passages of all documents. Returns how many documents were written, and how many
    /// could not be written because another process holds them or their files cannot be read now.
    pub async fn repair_all(
        &self,
        active: &ActiveModel,
        written: impl Fn(DocumentId),
    ) -> anyhow::Result<(u64, u64)> {
        let (mut repaired, mut left, mut after) = (0, 0, None);
        loop {
            let documents = self.store.indexed_documents(after, PAGE).await?;
            let Some(last) = documents.last() else { return Ok((repaired, left)) };
            after = Some(*last);
            for id in documents {
                match self.repair(active, id).await {
                    Ok(true) => {
                        repaired += 1;
                        written(id);
                    }
                    Ok(false) if self.is_whole(active, id).await? => {}
                    Ok(false) => left += 1,
                    Err(error) => {
                        left += 1;
                        tracing::warn!(error = format!("{error:#}"), document.id = %id, "a document could not be indexed yet");
                    }
                }
            }
        }
    }

    /// Writes the missing passages of a document; returns whether any were written.
    pub async fn repair(&self, active: &ActiveModel, id: DocumentId) -> anyhow::Result<bool> {
        if self.is_whole(active, id).await? {
            return Ok(false);
        }
        let Some(claim) = self.claim(id).await? else { return Ok(false) };
        let repaired = self.repair_claimed(active, id).await;
        claim.release().await;
        repaired
    }

    /// Like [`Self::repair`], for a document that the caller has claimed.
    pub async fn repair_claimed(&self, active: &ActiveModel, id: DocumentId) -> anyhow::Result<bool> {
        if self.is_whole(active, id).await? {
            return Ok(false);
        }
        let document = self.document(id).await?;
        self.write(active, id, &document).await?;
        Ok(true)
    }
}
