//! Indexes a document: embeds and upserts its passages. Reads no files, and neither splits nor encrypts.

use crate::embed::{EmbedError, Embedder};
use crate::index::{IndexError, IndexedPassage, PassageIndex};
use crate::sparse::{SparseVector, TermSpace};
use crate::vocabulary::{ContentVersion, DocumentId, PassageBody, PassageId, PassageText, Scope, TermKey};

/// Passages embedded and upserted in one step.
const PASSAGES_PER_BATCH: usize = 32;

/// The version of a document that passages belong to.
#[derive(Debug, Clone, Copy)]
pub struct DocumentVersion {
    /// The id of the document.
    pub id: DocumentId,
    /// The version of the content. Indexing a version again replaces its passages.
    pub version: ContentVersion,
    /// The users whose searches find the document.
    pub scope: Scope,
}

/// Indexes documents with one embedding model into its collection.
pub struct Ingester {
    embedder: Embedder,
    index: PassageIndex,
}

impl Ingester {
    /// Embeds with this model and writes into this collection.
    pub const fn new(embedder: Embedder, index: PassageIndex) -> Self {
        Self { embedder, index }
    }

    /// Indexes the passages of a shared document and returns their number. Other versions of the document
    /// stay. `progress` is called with the number of finished passages and the number of all.
    pub async fn index_shared(
        &self,
        document: DocumentVersion,
        passages: impl ExactSizeIterator<Item = PassageText> + Send,
        progress: impl Fn(u32, u32) + Sync,
    ) -> Result<u32, IngestError> {
        let open =
            |_, passage: &PassageText| Ok::<_, std::convert::Infallible>(PassageBody::Open(passage.clone()));
        self.index(document, passages, TermSpace::Shared, open, progress).await.map_err(|error| match error {
            SealedIngestError::Ingest(error) => error,
            SealedIngestError::Seal(never) => match never {},
        })
    }

    /// Indexes a user's document as [`Ingester::index_shared`] does, with term ids under the user's key and
    /// passages encrypted by `seal`.
    pub async fn index_sealed<E>(
        &self,
        document: DocumentVersion,
        passages: impl ExactSizeIterator<Item = PassageText> + Send,
        terms: &TermKey,
        seal: impl Fn(PassageId, Vec<u8>) -> Result<Vec<u8>, E>,
        progress: impl Fn(u32, u32) + Sync,
    ) -> Result<u32, SealedIngestError<E>> {
        let sealed = |id, passage: &PassageText| seal(id, passage.to_bytes()).map(PassageBody::Sealed);
        self.index(document, passages, TermSpace::Owner(terms), sealed, progress).await
    }

    async fn index<E>(
        &self,
        document: DocumentVersion,
        mut passages: impl ExactSizeIterator<Item = PassageText> + Send,
        terms: TermSpace<'_>,
        body: impl Fn(PassageId, &PassageText) -> Result<PassageBody, E>,
        progress: impl Fn(u32, u32) + Sync,
    ) -> Result<u32, SealedIngestError<E>> {
        let (version, has_segments) = (document.version, self.embedder.makes_segments());
        let total = u32::try_from(passages.len()).unwrap_or(u32::MAX);
        let mut ordinal = 0;
        progress(ordinal, total);
        loop {
            let batch: Vec<PassageText> = passages.by_ref().take(PASSAGES_PER_BATCH).collect();
            if batch.is_empty() {
                break;
            }
            let embedded = self.embedder.embed_in_segments(batch).await.map_err(IngestError::from)?;
            let mut points = Vec::with_capacity(embedded.len());
            for (passage, dense) in embedded {
                let id = PassageId { document_id: document.id, ordinal };
                let body = body(id, &passage).map_err(SealedIngestError::Seal)?;
                let sparse = SparseVector::of_passage(&passage, terms);
                let scope = document.scope;
                points.push(IndexedPassage { id, version, scope, body, dense, sparse, has_segments });
                ordinal += 1;
            }
            self.index.upsert(points).await.map_err(IngestError::from)?;
            progress(ordinal, total);
        }
        let deleting = self.index.delete_passages_from(document.id, version, ordinal);
        deleting.await.map_err(IngestError::from)?;
        Ok(ordinal)
    }
}

/// A document was not indexed, or only in part. Indexing it again completes it.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A passage was not embedded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The index did not store the passages.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// A user's document was not indexed, or only in part. Indexing it again completes it.
#[derive(Debug, thiserror::Error)]
pub enum SealedIngestError<E> {
    /// The failures of shared documents.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The caller did not encrypt a passage.
    #[error("a passage could not be encrypted")]
    Seal(#[source] E),
}
