//! Weighs meaning (cosine) and terms (BM25) against each other, and knows when nothing is relevant.
//!
//! Ranks alone (RRF) let a passage that shares one weak word climb over one that means the same. So the scores
//! themselves are added: the cosine, and BM25 as the share of the question's terms it amounts to, which stays small
//! when only a weak word matches.

use crate::index::Candidate;
use crate::retrieve::Hit;

/// What a passage that has all of the question's terms gains on one that has none, in units of cosine.
const TERMS_WEIGHT: f32 = 0.3;
/// The BM25 one term of usual rarity gives a passage of usual length.
const TERM_SCORE: f32 = 4.5;
/// Below this cosine a passage is about something else …
const RELEVANT: f32 = 0.25;
/// … unless it has this share of the question's terms, and at least …
const TERMS_RELEVANT: f32 = 0.6;
/// … this cosine.
const RELEVANT_WITH_TERMS: f32 = 0.2;

/// The relevant candidates, the best first; `terms` is how many terms the question has.
pub(super) fn fuse(candidates: Vec<Candidate>, terms: usize) -> Vec<Hit> {
    let mut hits: Vec<Hit> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let share = share_of_terms(candidate.bm25, terms);
            is_relevant(candidate.dense, share).then_some(Hit {
                id: candidate.id,
                body: candidate.body,
                score: candidate.dense + TERMS_WEIGHT * share,
                dense_score: candidate.dense,
            })
        })
        .collect();
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
    hits
}

fn is_relevant(cosine: f32, share: f32) -> bool {
    cosine >= RELEVANT || (share >= TERMS_RELEVANT && cosine >= RELEVANT_WITH_TERMS)
}

#[expect(clippy::cast_precision_loss, reason = "a question has few terms")]
fn share_of_terms(bm25: f32, terms: usize) -> f32 {
    if terms == 0 { 0.0 } else { (bm25 / (TERM_SCORE * terms as f32)).clamp(0.0, 1.0) }
}
