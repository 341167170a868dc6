//! Finds the passages that answer a question, among those the person may see. Writes nothing.

mod choose;
mod fuse;
mod join;
mod versions;

use std::time::Instant;

use crate::embed::{EmbedError, Embedder, Vector};
use crate::followup;
use crate::index::{Candidate, IndexError, PassageIndex};
use crate::sparse::SparseVector;
use crate::vocabulary::{OwnerId, PassageBody, PassageDecodeError, PassageId, PassageText, Source, Turn};
use fuse::Ranked;

pub use join::join_neighbours;
pub use versions::{Current, NotKnown, Versions};

/// Passages each of the two searches contributes.
const DEPTH: usize = 40;
/// How often it is looked at most, while documents change.
const LOOKS: u32 = 3;

/// A passage found, perhaps still sealed.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Which passage.
    pub id: PassageId,
    /// What it says, or that sealed.
    pub body: PassageBody,
    /// How well it fits by meaning and terms together; higher is better.
    pub score: f32,
    /// Whether it has to do with the question at all: the cosine, raised by the share of the question's terms it has.
    pub relevance: f32,
}

impl Hit {
    /// Makes it readable; `open` gets the sealed bytes of somebody's own passage, and is not called for a shared one.
    pub fn open_with<E>(
        self,
        open: impl FnOnce(PassageId, &[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Source, OpenError<E>> {
        let passage = match self.body {
            PassageBody::Open(passage) => passage,
            PassageBody::Sealed(sealed) => {
                let bytes = open(self.id, &sealed).map_err(OpenError::Sealed)?;
                PassageText::from_bytes(&bytes).map_err(OpenError::Unreadable)?
            }
        };
        Ok(Source { id: self.id, passage, score: self.score, relevance: self.relevance, merged: 0 })
    }
}

/// Why a sealed passage stays closed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError<E> {
    /// The caller could not open it; its key may be destroyed.
    #[error("open a sealed passage")]
    Sealed(#[source] E),
    /// It opened to something else.
    #[error(transparent)]
    Unreadable(PassageDecodeError),
}

/// Searches the index.
#[derive(Clone)]
pub struct Retriever {
    embedder: Embedder,
    index: PassageIndex,
    versions: Option<Versions>,
}

impl Retriever {
    /// Searches this index with this model's vectors; all that is in it counts.
    pub fn new(embedder: Embedder, index: PassageIndex) -> Self {
        Self { embedder, index, versions: None }
    }

    /// Finds of each document the version that counts alone.
    #[must_use]
    pub fn with_versions(self, versions: Versions) -> Self {
        Self { versions: Some(versions), ..self }
    }

    /// Passages to answer the question from, the best first; none when nothing is relevant. How many is decided by how
    /// far they stand out. A question that leans on the conversation is read with what was said before.
    pub async fn retrieve(
        &self,
        question: &str,
        history: &[Turn],
        owner: OwnerId,
    ) -> Result<Vec<Hit>, RetrieveError> {
        self.ranked(question, history, owner).await.map(choose::choose)
    }

    /// All passages found, the best first: what [`Retriever::retrieve`] chooses from.
    pub async fn rank(
        &self,
        question: &str,
        history: &[Turn],
        owner: OwnerId,
    ) -> Result<Vec<Hit>, RetrieveError> {
        let ranked = self.ranked(question, history, owner).await?;
        Ok(ranked.into_iter().map(|ranked| ranked.hit).collect())
    }

    async fn ranked(
        &self,
        question: &str,
        history: &[Turn],
        owner: OwnerId,
    ) -> Result<Vec<Ranked>, RetrieveError> {
        let question = followup::standing_alone(question, history);
        let terms = SparseVector::of_query(&question);
        let vector = self.embedder.embed_query(&question).await?;
        let candidates = self.candidates(&vector, &terms, owner).await?;
        Ok(fuse::fuse(candidates, terms.indices.len(), DEPTH))
    }

    /// What is found of the versions that count. Looks again when one began to count during the search: it may have been
    /// written in part when it was searched.
    async fn candidates(
        &self,
        vector: &Vector,
        terms: &SparseVector,
        owner: OwnerId,
    ) -> Result<Vec<Candidate>, RetrieveError> {
        let mut looks = LOOKS;
        loop {
            let began = Instant::now();
            let found = Box::pin(self.index.candidates(vector, terms, owner, DEPTH as u64)).await?;
            let Some(versions) = &self.versions else { return Ok(found) };
            let (counting, settled) = versions::counting(versions, found, began).await?;
            looks -= 1;
            if settled || looks == 0 {
                return Ok(counting);
            }
        }
    }
}

/// Why nothing could be searched.
#[derive(Debug, thiserror::Error)]
pub enum RetrieveError {
    /// The question could not be embedded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The index did not answer.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Which versions count could not be learnt.
    #[error(transparent)]
    Versions(#[from] NotKnown),
}

impl RetrieveError {
    /// Whether trying again later can help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Embed(error) => error.is_transient(),
            Self::Versions(_) => true,
            Self::Index(error) => error.is_transient(),
        }
    }
}
