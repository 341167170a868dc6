//! Finds the passages that answer a question, among those the person may see. Writes nothing.

mod fuse;

use crate::embed::{EmbedError, Embedder};
use crate::followup;
use crate::index::{IndexError, PassageIndex};
use crate::passage::{OwnerId, PassageBody, PassageId, PassageText, UnreadablePassage};
use crate::prompt::Turn;
use crate::sparse::SparseVector;

/// Passages each of the two searches contributes.
const DEPTH: u64 = 40;

/// A passage found, perhaps still sealed.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Which passage.
    pub id: PassageId,
    /// What it says, or that sealed.
    pub body: PassageBody,
    /// How well it fits by meaning and terms together; higher is better.
    pub score: f32,
    /// How well it fits by meaning: the cosine, -1 to 1.
    pub dense_score: f32,
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
    /// As in [`Hit::dense_score`].
    pub dense_score: f32,
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
        Ok(Source { id: self.id, passage, score: self.score, dense_score: self.dense_score })
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

    /// Passages that answer the question, the best first, at most `limit`; none when nothing is relevant. A question
    /// that leans on the conversation is read with what was said before.
    pub async fn retrieve(
        &self,
        question: &str,
        history: &[Turn],
        owner: OwnerId,
        limit: usize,
    ) -> Result<Vec<Hit>, RetrieveError> {
        let mut hits = self.rank(question, history, owner).await?;
        hits.truncate(limit);
        Ok(hits)
    }

    /// All passages that have to do with the question, the best first: what [`Retriever::retrieve`] chooses from.
    pub async fn rank(
        &self,
        question: &str,
        history: &[Turn],
        owner: OwnerId,
    ) -> Result<Vec<Hit>, RetrieveError> {
        let question = followup::standing_alone(question, history);
        let dense = self.embedder.embed_query(&question).await?;
        let sparse = SparseVector::of_query(&question);
        let candidates = Box::pin(self.index.candidates(&dense, &sparse, owner, DEPTH)).await?;
        Ok(fuse::fuse(candidates, sparse.indices.len()))
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
