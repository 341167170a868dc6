//! What each search found, and what became of it: the explanation of a retrieval.

use std::collections::HashMap;

use super::Hit;
use super::fusion::Ranked;
use super::select::{Outcome, outcomes};
use crate::embed::Similarity;
use crate::index::Candidate;
use crate::vocabulary::PassageId;

/// A passage that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// The passage.
    pub id: PassageId,
    /// The place by meaning, from 1, and the cosine.
    pub meaning: (u32, f32),
    /// The place by terms, from 1, and the BM25 score; `None` without any of the terms.
    pub terms: Option<(u32, f32)>,
    /// The fused score. The passages are in its order.
    pub score: f32,
    /// Use of the passage.
    pub outcome: Outcome,
}

/// The passages to answer from, and all that were found, both best first.
#[derive(Debug, Clone, Default)]
pub struct Retrieved {
    /// The selected passages.
    pub hits: Vec<Hit>,
    /// All passages that were found.
    pub found: Vec<Found>,
}

/// The places and scores of the candidates of one retrieval, before they are fused.
pub(super) struct Places {
    meaning: HashMap<PassageId, (u32, f32)>,
    terms: HashMap<PassageId, (u32, f32)>,
}

impl Places {
    pub(super) fn of(candidates: &[Candidate]) -> Self {
        let meaning = candidates.iter().map(|candidate| (candidate.id, candidate.cosine));
        let terms = candidates.iter().map(|candidate| (candidate.id, candidate.bm25));
        Self {
            meaning: places(meaning.collect()),
            terms: places(terms.filter(|(_, score)| *score > 0.0).collect()),
        }
    }

    /// Selects from the fused passages. Returns the selected ones, and all that were found.
    pub(super) fn select(&self, ranked: Vec<Ranked>, similarity: Similarity) -> (Vec<Ranked>, Vec<Found>) {
        let outcomes = outcomes(&ranked, similarity);
        let (mut selected, mut found) = (Vec::new(), Vec::with_capacity(ranked.len()));
        for (ranked, outcome) in ranked.into_iter().zip(outcomes) {
            let Ranked { id, score, .. } = ranked;
            let meaning = self.meaning.get(&id).copied().unwrap_or_default();
            let terms = self.terms.get(&id).copied();
            found.push(Found { id, meaning, terms, score, outcome });
            if outcome == Outcome::Selected {
                selected.push(ranked);
            }
        }
        (selected, found)
    }
}

/// The place of each passage by its score, from 1.
fn places(mut scores: Vec<(PassageId, f32)>) -> HashMap<PassageId, (u32, f32)> {
    scores.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    (1..).zip(scores).map(|(place, (id, score))| (id, (place, score))).collect()
}
