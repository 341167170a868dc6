//! Puts a document into the index: split, embed, write. It reads no files and seals nothing itself.

use crate::embed::{EmbedError, Embedder};
use crate::index::{IndexError, IndexedPassage, PassageIndex};
use crate::sparse::SparseVector;
use crate::split::{Splitter, title};
use crate::vocabulary::{ContentVersion, DocumentId, Markup, PassageBody, PassageId, PassageText, Scope};

/// Passages embedded and written together.
const BATCH: usize = 32;

/// A document to index.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// Which version of it this is; indexing the same one again replaces it.
    pub version: ContentVersion,
    /// Who may find it.
    pub scope: Scope,
    /// What it is called; when empty, its first heading or line.
    pub title: String,
    /// How it is written.
    pub markup: Markup,
    /// All of it.
    pub text: String,
}

/// Indexes documents.
pub struct Ingester {
    embedder: Embedder,
    index: PassageIndex,
    splitter: Splitter,
}

impl Ingester {
    /// Indexes with this model into this index.
    pub fn new(embedder: Embedder, index: PassageIndex) -> Self {
        let splitter = Splitter::new(embedder.tokenizer());
        Self { embedder, index, splitter }
    }

    /// The document's passages as they would be indexed.
    pub fn passages(&self, document: &Document) -> Vec<PassageText> {
        let named = Some(document.title.trim().to_owned()).filter(|title| !title.is_empty());
        let title = named.or_else(|| title(document.markup, &document.text)).unwrap_or_default();
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

    /// Indexes a shared document beside its other versions, and says how many passages it has. `told` is told how many of
    /// them are done, and of how many.
    pub async fn shared(
        &self,
        document: &Document,
        told: impl Fn(u32, u32) + Sync,
    ) -> Result<u32, IngestError> {
        let open =
            |_, passage: &PassageText| Ok::<_, std::convert::Infallible>(PassageBody::Open(passage.clone()));
        self.index(document, open, told).await.map_err(|error| match error {
            SealedIngestError::Ingest(error) => error,
            SealedIngestError::Seal(never) => match never {},
        })
    }

    /// Indexes somebody's own document: as [`Ingester::shared`], with `seal` closing each passage's bytes.
    pub async fn own<E>(
        &self,
        document: &Document,
        seal: impl Fn(PassageId, Vec<u8>) -> Result<Vec<u8>, E>,
        told: impl Fn(u32, u32) + Sync,
    ) -> Result<u32, SealedIngestError<E>> {
        let sealed = |id, passage: &PassageText| seal(id, passage.to_bytes()).map(PassageBody::Sealed);
        self.index(document, sealed, told).await
    }

    async fn index<E>(
        &self,
        document: &Document,
        body: impl Fn(PassageId, &PassageText) -> Result<PassageBody, E>,
        told: impl Fn(u32, u32) + Sync,
    ) -> Result<u32, SealedIngestError<E>> {
        let version = document.version;
        let passages = self.passages(document);
        let all = u32::try_from(passages.len()).unwrap_or(u32::MAX);
        let mut ordinal = 0;
        told(ordinal, all);
        for batch in passages.chunks(BATCH) {
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
            told(ordinal, all);
        }
        let beyond = self.index.delete_passages_from(document.id, version, ordinal);
        beyond.await.map_err(IngestError::from)?;
        Ok(ordinal)
    }
}

/// Why a document is not indexed, or only in part; indexing it again completes it.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A passage could not be embedded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The index did not take it.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// As [`IngestError`], for a document that had to be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealedIngestError<E> {
    /// Not indexed.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// Not sealed.
    #[error("seal a passage")]
    Seal(#[source] E),
}
