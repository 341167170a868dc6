//! Puts right what the index lacks of documents that should be found: after it was lost, or in another model's collection.

use aggregates::DocumentId;
use rag::vocabulary::ContentVersion;

use super::Indexing;
use crate::knowledge::models::Stock;

/// Documents looked at with one query.
const PAGE: u32 = 200;

impl Indexing {
    /// Whether the index has all passages of a document that it should have, as counting shows.
    pub async fn is_whole(&self, stock: &Stock, id: DocumentId) -> anyhow::Result<bool> {
        let document = self.document(id).await?;
        let (Some(indexed), Some(owner)) = (document.indexed(), document.owner()) else { return Ok(true) };
        let generation = ContentVersion(document.brought().0);
        let there = stock.index.count_of_version(id.uuid().into(), generation).await?;
        // Of somebody who was erased nothing should be there.
        Ok(there == u64::from(indexed.passages) || self.store.keyring().user(owner).await?.is_none())
    }

    /// Looks through all documents, and writes of them what the index should have and has not. Says how many were written, and
    /// how many could not be: somebody else is at them, or their files cannot be read now.
    pub async fn mend_all(&self, stock: &Stock, written: impl Fn(DocumentId)) -> anyhow::Result<(u64, u64)> {
        let (mut mended, mut left, mut after) = (0, 0, None);
        loop {
            let documents = self.store.indexed_documents(after, PAGE).await?;
            let Some(last) = documents.last() else { return Ok((mended, left)) };
            after = Some(*last);
            for id in documents {
                match self.mend(stock, id).await {
                    Ok(true) => {
                        mended += 1;
                        written(id);
                    }
                    Ok(false) if self.is_whole(stock, id).await? => {}
                    Ok(false) => left += 1,
                    Err(error) => {
                        left += 1;
                        tracing::warn!(error = format!("{error:#}"), document.id = %id, "a document waits for the index");
                    }
                }
            }
        }
    }

    /// Writes again what the index should have and has not; says whether something was written.
    pub async fn mend(&self, stock: &Stock, id: DocumentId) -> anyhow::Result<bool> {
        if self.is_whole(stock, id).await? {
            return Ok(false);
        }
        let Some(claim) = self.claim(id).await? else { return Ok(false) };
        let mended = self.mend_claimed(stock, id).await;
        claim.release().await;
        mended
    }

    /// The same of a document that is claimed already.
    pub async fn mend_claimed(&self, stock: &Stock, id: DocumentId) -> anyhow::Result<bool> {
        if self.is_whole(stock, id).await? {
            return Ok(false);
        }
        let document = self.document(id).await?;
        self.bring_in(stock, id, &document).await?;
        Ok(true)
    }
}
