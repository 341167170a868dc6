//! Finds the passages that answer a question, among those the person may see. Writes nothing.

mod choose;
mod fuse;
mod join;

use crate::embed::{EmbedError, Embedder};
use crate::followup;
use crate::index::{IndexError, PassageIndex};
use crate::passage::{OwnerId, PassageBody, PassageId, PassageText, UnreadablePassage};
use crate::prompt::Turn;
use crate::sparse::SparseVector;
use fuse::Ranked;

pub use join::join_neighbours;

/// Passages each of the two searches contributes.
const DEPTH: usize = 40;

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

/// A passage found that can be read: what an answer is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Which passage.
    pub id: PassageId,
    /// What it says.
    pub passage: PassageText,
    /// As in [`Hit::score`].
    pub score: f32,
    /// As in [`Hit::relevance`].
    pub relevance: f32,
    /// How many passages that follow it in its document were joined with it.
    pub joined: u32,
}

impl Source {
    /// The passages it is made of, with its score.
    pub fn passages(&self) -> impl Iterator<Item = (PassageId, f32)> + use<> {
        let (first, score) = (self.id, self.score);
        (0..=self.joined).map(move |more| (PassageId { ordinal: first.ordinal + more, ..first }, score))
    }
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
        Ok(Source { id: self.id, passage, score: self.score, relevance: self.relevance, joined: 0 })
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
    Unreadable(UnreadablePassage),
}

/// Searches the index.
#[derive(Clone)]
pub struct Retriever {
    embedder: Embedder,
    index: PassageIndex,
}

impl Retriever {
    /// Searches this index with this model's vectors.
    pub fn new(embedder: Embedder, index: PassageIndex) -> Self {
        Self { embedder, index }
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
        let candidates = Box::pin(self.index.candidates(&vector, &terms, owner, DEPTH as u64)).await?;
        Ok(fuse::fuse(candidates, terms.indices.len(), DEPTH))
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
}

impl RetrieveError {
    /// Whether trying again later can help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Embed(_) => false,
            Self::Index(error) => error.is_transient(),
        }
    }
}
