//! Weighs what speaks for a passage: its meaning (cosine), the question's terms (BM25), its agreement with the best by
//! meaning, and what else its document holds.
//!
//! Ranks alone (RRF) let a passage that shares one weak word climb over one that means the same. So the scores
//! themselves are added, and terms count only by how far they stand out from what every candidate has.

use std::collections::HashMap;

use crate::embed::{Vector, cosine};
use crate::index::Candidate;
use crate::retrieve::Hit;
use crate::vocabulary::DocumentId;

/// What a passage gains that has all of the question's terms and stands alone in this, in units of cosine.
const TERMS_WEIGHT: f32 = 0.4;
/// The BM25 that one term of usual rarity gives a passage that is about it.
const TERM_SCORE: f32 = 9.0;
/// What agreeing with the best by meaning adds, in units of cosine.
const AGREEMENT_WEIGHT: f32 = 0.3;
/// How many are the best by meaning.
const BEST: usize = 3;
/// What the further passages of its document add to a passage, as a part of their own scores …
const SUPPORT_WEIGHT: f32 = 0.1;
/// … the next best in full, the one after it half, and so on, this many.
const SUPPORTERS: usize = 3;
/// What all of the question's terms count towards relevance, in units of cosine.
const TERMS_RELEVANCE: f32 = 0.3;

/// A passage in its place, with its vector.
#[derive(Debug, Clone)]
pub(super) struct Ranked {
    pub(super) hit: Hit,
    pub(super) vector: Vector,
}

/// The candidates, the best first. `terms` is how many terms the question has; by terms the `depth` best were asked for.
pub(super) fn fuse(candidates: Vec<Candidate>, terms: usize, depth: usize) -> Vec<Ranked> {
    let shares: Vec<f32> = candidates.iter().map(|candidate| share_of_terms(candidate.bm25, terms)).collect();
    let common = common_share(&shares, depth);
    let centre = centre_of_best(&candidates);
    let most = 1.0 + TERMS_WEIGHT + AGREEMENT_WEIGHT;
    let mut ranked: Vec<Ranked> = candidates
        .into_iter()
        .zip(shares)
        .map(|(Candidate { id, body, vector, cosine: meaning, .. }, share)| {
            let agreement = centre.as_ref().map_or(0.0, |centre| cosine(centre, &vector));
            let standing_out = (share - common).max(0.0);
            let score = (meaning + TERMS_WEIGHT * standing_out + AGREEMENT_WEIGHT * agreement) / most;
            let relevance = meaning + TERMS_RELEVANCE * share;
            Ranked { hit: Hit { id, body, score, relevance }, vector }
        })
        .collect();
    by_score(&mut ranked);
    support(&mut ranked);
    by_score(&mut ranked);
    ranked
}

fn by_score(ranked: &mut [Ranked]) {
    ranked.sort_by(|a, b| b.hit.score.total_cmp(&a.hit.score).then(a.hit.id.cmp(&b.hit.id)));
}

/// Adds to each passage what the others of its document speak for it. They must be in order.
fn support(ranked: &mut [Ranked]) {
    let mut of_document: HashMap<DocumentId, Vec<f32>> = HashMap::new();
    for Ranked { hit, .. } in ranked.iter() {
        of_document.entry(hit.id.document_id).or_default().push(hit.score);
    }
    for Ranked { hit, .. } in ranked.iter_mut() {
        let scores = of_document.get(&hit.id.document_id).map_or(&[][..], Vec::as_slice);
        let mut part = SUPPORT_WEIGHT;
        for further in scores.iter().skip(1).take(SUPPORTERS) {
            hit.score += part * further;
            part /= 2.0;
        }
    }
}

/// The share of its terms that anything may have: what the last of a full list has by terms.
fn common_share(shares: &[f32], depth: usize) -> f32 {
    let found = shares.iter().copied().filter(|share| *share > 0.0);
    if found.clone().count() < depth { 0.0 } else { found.fold(1.0, f32::min) }
}

/// Where the best by meaning lie together.
fn centre_of_best(candidates: &[Candidate]) -> Option<Vector> {
    let mut order: Vec<&Candidate> = candidates.iter().collect();
    order.sort_by(|a, b| b.cosine.total_cmp(&a.cosine).then(a.id.cmp(&b.id)));
    let mut centre = order.first()?.vector.clone();
    for other in order.iter().skip(1).take(BEST - 1) {
        centre.iter_mut().zip(&other.vector).for_each(|(sum, x)| *sum += x);
    }
    let length = cosine(&centre, &centre).sqrt();
    (length > 0.0).then(|| centre.into_iter().map(|x| x / length).collect())
}

#[expect(clippy::cast_precision_loss, reason = "a question has few terms")]
fn share_of_terms(bm25: f32, terms: usize) -> f32 {
    if terms == 0 { 0.0 } else { (bm25 / (TERM_SCORE * terms as f32)).clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::vocabulary::{PassageBody, PassageId};

    fn candidate(document: u128, ordinal: u32, angle: f32, bm25: f32) -> Candidate {
        let document_id = DocumentId::from(Uuid::from_u128(document));
        Candidate {
            id: PassageId { document_id, ordinal },
            body: PassageBody::Sealed(Vec::new()),
            version: crate::vocabulary::ContentVersion::ONLY,
            vector: vec![angle.cos(), angle.sin()],
            cosine: angle.cos(),
            bm25,
        }
    }

    fn order(candidates: Vec<Candidate>, depth: usize) -> Vec<(Uuid, u32)> {
        let ranked = fuse(candidates, 2, depth);
        ranked.iter().map(|r| (Uuid::from(r.hit.id.document_id), r.hit.id.ordinal)).collect()
    }

    #[test]
    fn terms_decide_between_passages_of_like_meaning() {
        let found = order(vec![candidate(1, 0, 1.0, 0.0), candidate(2, 0, 1.02, 14.0)], 40);
        assert_eq!(found[0].0, Uuid::from_u128(2));
    }

    #[test]
    fn a_word_that_all_share_does_not_drown_meaning() {
        let mut candidates = vec![candidate(1, 0, 0.9, 0.0)];
        candidates.extend((2..10).map(|document| candidate(document, 0, 1.1, 6.0)));
        assert_eq!(order(candidates, 8)[0].0, Uuid::from_u128(1));
    }

    #[test]
    fn a_document_with_more_to_say_comes_before_one_as_good() {
        let found = vec![candidate(1, 0, 1.0, 0.0), candidate(2, 4, 1.0, 0.0), candidate(2, 5, 1.1, 0.0)];
        assert_eq!(order(found, 40)[0], (Uuid::from_u128(2), 4));
    }

    #[test]
    fn of_nothing_comes_nothing() {
        assert!(order(Vec::new(), 40).is_empty());
    }
}
