//! Indexes a document: splits, embeds and upserts its passages. Reads no files and does not encrypt.

use crate::embed::{EmbedError, Embedder};
use crate::index::{IndexError, IndexedPassage, PassageIndex};
use crate::sparse::SparseVector;
use crate::split::{Splitter, title};
use crate::vocabulary::{ContentVersion, DocumentId, Markup, PassageBody, PassageId, PassageText, Scope};

/// Passages embedded and upserted in one step.
const PASSAGES_PER_BATCH: usize = 32;

/// A document to index.
#[derive(Debug, Clone)]
pub struct Document {
    /// The id of the document.
    pub id: DocumentId,
    /// The version of the content. Indexing a version again replaces its passages.
    pub version: ContentVersion,
    /// The users whose searches find the document.
    pub scope: Scope,
    /// The title; if empty, the title that the text names.
    pub title: String,
    /// The markup language of the text.
    pub markup: Markup,
    /// The whole text.
    pub text: String,
}

/// Indexes documents with one embedding model into its collection.
pub struct Ingester {
    embedder: Embedder,
    index: PassageIndex,
    splitter: Splitter,
}

impl Ingester {
    /// Embeds with this model and writes into this collection.
    pub fn new(embedder: Embedder, index: PassageIndex) -> Self {
        let splitter = Splitter::new(embedder.tokenizer());
        Self { embedder, index, splitter }
    }

    /// Splits a document into the passages that would be indexed.
    pub fn passages(&self, document: &Document) -> Vec<PassageText> {
        let given = Some(document.title.trim().to_owned()).filter(|title| !title.is_empty());
        let title = given.or_else(|| title(document.markup, &document.text)).unwrap_or_default();
        let passages = self.splitter.split(document.markup, &document.text).into_iter();
        passages
            .map(|passage| {
                let mut heading = passage.heading;
                if heading.first() == Some(&title) {
                    heading.remove(0);
                }
                PassageText { title: title.clone(), heading, text: passage.text }
            })
            .collect()
    }

    /// Indexes a shared document and returns its number of passages. Other versions of the document stay.
    /// `progress` is called with the number of finished passages and the number of all.
    pub async fn index_shared(
        &self,
        document: &Document,
        progress: impl Fn(u32, u32) + Sync,
    ) -> Result<u32, IngestError> {
        let open =
            |_, passage: &PassageText| Ok::<_, std::convert::Infallible>(PassageBody::Open(passage.clone()));
        self.index(document, open, progress).await.map_err(|error| match error {
            SealedIngestError::Ingest(error) => error,
            SealedIngestError::Seal(never) => match never {},
        })
    }

    /// Indexes a user's document as [`Ingester::index_shared`] does, with passages encrypted by `seal`.
    pub async fn index_sealed<E>(
        &self,
        document: &Document,
        seal: impl Fn(PassageId, Vec<u8>) -> Result<Vec<u8>, E>,
        progress: impl Fn(u32, u32) + Sync,
    ) -> Result<u32, SealedIngestError<E>> {
        let sealed = |id, passage: &PassageText| seal(id, passage.to_bytes()).map(PassageBody::Sealed);
        self.index(document, sealed, progress).await
    }

    async fn index<E>(
        &self,
        document: &Document,
        body: impl Fn(PassageId, &PassageText) -> Result<PassageBody, E>,
        progress: impl Fn(u32, u32) + Sync,
    ) -> Result<u32, SealedIngestError<E>> {
        let version = document.version;
        let passages = self.passages(document);
        let total = u32::try_from(passages.len()).unwrap_or(u32::MAX);
        let mut ordinal = 0;
        progress(ordinal, total);
        for batch in passages.chunks(PASSAGES_PER_BATCH) {
            let vectors = self.embedder.embed_passages(batch).await.map_err(IngestError::from)?;
            let mut points = Vec::with_capacity(batch.len());
            for (passage, dense) in batch.iter().zip(vectors) {
                let id = PassageId { document_id: document.id, ordinal };
                let body = body(id, passage).map_err(SealedIngestError::Seal)?;
                let sparse = SparseVector::of_passage(passage);
                points.push(IndexedPassage { id, version, scope: document.scope, body, dense, sparse });
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
