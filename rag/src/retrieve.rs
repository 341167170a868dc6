//! Finds the passages that answer a question, among shared passages and the user's own. Writes nothing.

mod found;
mod fusion;
mod merge;
mod select;
mod versions;

use std::time::Instant;

use crate::embed::{EmbedError, Embedder, Vector, cosine};
use crate::followup;
use crate::index::{Candidate, IndexError, PassageIndex};
use crate::sparse::SparseVector;
use crate::vocabulary::{Asker, PassageBody, PassageDecodeError, PassageId, PassageText, Source, Turn};
use found::Places;
use fusion::Ranked;

pub use found::{Found, Retrieved};
pub use merge::merge_adjacent;
pub use select::Outcome;
pub use versions::{CurrentVersion, VersionLookup, VersionLookupError};

/// Passages that each of the two searches contributes.
const PASSAGES_PER_SEARCH: usize = 40;
/// Searches for one question while documents get new versions or are removed.
const MAX_SEARCHES: u32 = 3;

/// A retrieved passage, whose body may be encrypted.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The id of the passage.
    pub id: PassageId,
    /// The plaintext or encrypted content.
    pub body: PassageBody,
    /// The fused score of meaning and terms; higher is better.
    pub score: f32,
    /// The similarity with the question, raised by the share of the question's terms in the passage.
    pub relevance: f32,
}

impl Hit {
    /// Converts the hit to a source. `open` decrypts the body of a user's passage; it is not called for a
    /// shared one.
    pub fn open_with<E>(
        self,
        open: impl FnOnce(PassageId, &[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Source, OpenError<E>> {
        let passage = match self.body {
            PassageBody::Open(passage) => passage,
            PassageBody::Sealed(sealed) => {
                let bytes = open(self.id, &sealed).map_err(OpenError::Sealed)?;
                PassageText::from_bytes(&bytes)?
            }
        };
        Ok(Source { id: self.id, passage, score: self.score, relevance: self.relevance, merged: 0 })
    }
}

/// A retrieved passage could not be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError<E> {
    /// The caller could not decrypt the passage, for example because its key is destroyed.
    #[error("the passage could not be decrypted")]
    Sealed(#[source] E),
    /// The decrypted bytes are not a passage.
    #[error(transparent)]
    Decode(#[from] PassageDecodeError),
}

/// Searches one collection with the embedding model that filled it.
#[derive(Clone)]
pub struct Retriever {
    embedder: Embedder,
    index: PassageIndex,
    versions: Option<VersionLookup>,
}

impl Retriever {
    /// Searches all versions of all documents in the collection.
    pub fn new(embedder: Embedder, index: PassageIndex) -> Self {
        Self { embedder, index, versions: None }
    }

    /// Limits the searches to the current version of each document.
    #[must_use]
    pub fn with_versions(self, versions: VersionLookup) -> Self {
        Self { versions: Some(versions), ..self }
    }

    /// Returns the passages to answer the question from, best first, none if no passage is relevant; and what
    /// each search found. The number of passages depends on the distribution of the scores. A follow-up
    /// question is searched with the one before it.
    pub async fn retrieve(
        &self,
        question: &str,
        history: &[Turn],
        asker: impl Into<Asker>,
    ) -> Result<Retrieved, RetrieveError> {
        let Some(search) = self.search(question, history, asker.into()).await? else {
            return Ok(Retrieved::default());
        };
        let mut searches = 0;
        loop {
            let (ranked, places) = self.ranked(&search).await?;
            let (selected, found) = places.select(ranked, search.question.similarity);
            let (retrieved, is_whole) = self.read(selected, found).await?;
            searches += 1;
            if is_whole || searches == MAX_SEARCHES {
                return Ok(retrieved);
            }
        }
    }

    /// Returns all passages found, best first. [`Retriever::retrieve`] selects from these.
    pub async fn rank(
        &self,
        question: &str,
        history: &[Turn],
        asker: impl Into<Asker>,
    ) -> Result<Vec<PassageId>, RetrieveError> {
        let Some(search) = self.search(question, history, asker.into()).await? else {
            return Ok(Vec::new());
        };
        let (ranked, _) = self.ranked(&search).await?;
        Ok(ranked.into_iter().map(|ranked| ranked.id).collect())
    }

    /// Prepares the search for a question; `None` if it has no word.
    async fn search(
        &self,
        question: &str,
        history: &[Turn],
        asker: Asker,
    ) -> Result<Option<Search>, RetrieveError> {
        let query = followup::search_query(question, history);
        if !query.chars().any(char::is_alphanumeric) {
            return Ok(None);
        }
        let question_terms = words::of_question(&query);
        let terms = SparseVector::of_terms(&question_terms, asker.terms.as_ref());
        let vector = self.embedder.distinct(self.embedder.embed_query(&query).await?);
        let question = fusion::Question {
            term_count: question_terms.len(),
            similarity: self.embedder.similarity(),
            is_known: self.embedder.knows_language_of(&query),
        };
        Ok(Some(Search { vector, terms, asker, question }))
    }

    async fn ranked(&self, search: &Search) -> Result<(Vec<Ranked>, Places), RetrieveError> {
        let mut candidates = self.candidates(search).await?;
        for candidate in &mut candidates {
            candidate.vector = self.embedder.distinct(std::mem::take(&mut candidate.vector));
            candidate.cosine = cosine(&search.vector, &candidate.vector);
        }
        let places = Places::of(&candidates);
        Ok((fusion::fuse(candidates, search.question, PASSAGES_PER_SEARCH), places))
    }

    /// Reads the content of the selected passages. Returns them with what was found, and whether all of them
    /// were there: a document that was removed or replaced since the search has none of its passages left.
    async fn read(
        &self,
        selected: Vec<Ranked>,
        mut found: Vec<Found>,
    ) -> Result<(Retrieved, bool), RetrieveError> {
        let wanted: Vec<_> = selected.iter().map(|ranked| (ranked.id, ranked.version)).collect();
        let mut bodies = self.index.bodies(&wanted).await?;
        let mut hits = Vec::with_capacity(selected.len());
        for Ranked { id, version, score, relevance, .. } in selected {
            match bodies.remove(&(id, version)) {
                Some(body) => hits.push(Hit { id, body, score, relevance }),
                None => found.retain(|found| found.id != id),
            }
        }
        let is_whole = hits.len() == wanted.len();
        Ok((Retrieved { hits, found }, is_whole))
    }

    /// Returns the candidates of current versions. Searches again if a version became current during the
    /// search, because the search may have found only a part of it.
    async fn candidates(&self, search: &Search) -> Result<Vec<Candidate>, RetrieveError> {
        let Search { vector, terms, asker, .. } = search;
        let mut searches = 0;
        loop {
            let started = Instant::now();
            let search = self.index.candidates(vector, terms, asker, PASSAGES_PER_SEARCH as u64);
            let found = Box::pin(search).await?;
            let Some(versions) = &self.versions else { return Ok(found) };
            let (current, is_consistent) = versions::retain_current(versions, found, started).await?;
            searches += 1;
            if is_consistent || searches == MAX_SEARCHES {
                return Ok(current);
            }
        }
    }
}

/// What is searched for.
struct Search {
    vector: Vector,
    terms: SparseVector,
    asker: Asker,
    question: fusion::Question,
}

/// A question could not be searched.
#[derive(Debug, thiserror::Error)]
pub enum RetrieveError {
    /// The question was not embedded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The index did not answer.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The current versions of the documents are unknown.
    #[error(transparent)]
    Versions(#[from] VersionLookupError),
}

impl RetrieveError {
    /// Whether the same search can succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Embed(error) => error.is_transient(),
            Self::Versions(_) => true,
            Self::Index(error) => error.is_transient(),
        }
    }
}
