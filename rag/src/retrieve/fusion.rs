//! Fuses the scores of a passage: its meaning (cosine), the question's terms (BM25), its agreement with the
//! best passages by meaning, and the other passages of its document.
//!
//! Fusion of ranks alone (RRF) puts a passage that shares one common term above a passage of the same
//! meaning. The scores are therefore added, and terms count only as far as they exceed the share that all
//! candidates have.

use std::collections::HashMap;

use crate::embed::{Similarity, Vector, cosine};
use crate::index::Candidate;
use crate::vocabulary::{ContentVersion, DocumentId, PassageId};

/// The weight of the share of terms, in units of similarity.
const TERMS_WEIGHT: f32 = 0.8;
/// The same where the model does not know the language of the question.
const TERMS_WEIGHT_ALONE: f32 = 8.0;
/// The BM25 score of a passage about one term of average rarity.
const BM25_PER_TERM: f32 = 9.0;
/// The weight of the agreement with the best passages by meaning, in units of similarity.
const AGREEMENT_WEIGHT: f32 = 0.05;
/// The number of best passages by meaning.
const BEST_BY_MEANING: usize = 3;
/// The weight of the score of a document's second best passage. The weight of each further passage is half
/// the one before it.
const SUPPORT_WEIGHT: f32 = 0.06;
/// The number of passages of a document that support the others.
const MAX_SUPPORTERS: usize = 3;
/// The weight of the share of terms in the relevance, in units of similarity.
const TERMS_RELEVANCE_WEIGHT: f32 = 0.3;

/// A candidate with its scores, which are those of [`Hit`](super::Hit).
#[derive(Debug, Clone)]
pub(super) struct Ranked {
    pub(super) id: PassageId,
    pub(super) version: ContentVersion,
    pub(super) score: f32,
    pub(super) relevance: f32,
    pub(super) vector: Vector,
}

/// What the ranking has to know of a question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    /// The number of the question's terms.
    pub(super) term_count: usize,
    /// How cosines are read.
    pub(super) similarity: Similarity,
    /// Whether the model knows the language. Where it does not, terms decide.
    pub(super) is_known: bool,
}

/// Ranks the candidates, best first. `depth` is the limit of the BM25 search.
pub(super) fn fuse(candidates: Vec<Candidate>, question: Question, depth: usize) -> Vec<Ranked> {
    let Question { term_count, similarity, is_known } = question;
    let shares: Vec<f32> =
        candidates.iter().map(|candidate| share_of_terms(candidate.bm25, term_count)).collect();
    let common = common_share(&shares, depth);
    let centroid = centroid_of_best(&candidates);
    let terms_weight = if is_known { TERMS_WEIGHT } else { TERMS_WEIGHT_ALONE };
    let max_score = 1.0 + terms_weight + AGREEMENT_WEIGHT;
    let mut ranked: Vec<Ranked> = candidates
        .into_iter()
        .zip(shares)
        .map(|(Candidate { id, version, vector, cosine: meaning, .. }, share)| {
            let meaning = similarity.of(meaning);
            let agreement =
                centroid.as_ref().map_or(0.0, |centroid| similarity.of(cosine(centroid, &vector)));
            let excess = (share - common).max(0.0);
            tracing::trace!(
                document = %id.document_id,
                ordinal = id.ordinal,
                meaning,
                share,
                common,
                agreement,
                "candidate"
            );
            let score = (meaning + terms_weight * excess + AGREEMENT_WEIGHT * agreement) / max_score;
            let relevance = if is_known { meaning } else { share } + TERMS_RELEVANCE_WEIGHT * share;
            Ranked { id, version, score, relevance, vector }
        })
        .collect();
    sort_by_score(&mut ranked);
    add_support(&mut ranked);
    sort_by_score(&mut ranked);
    ranked
}

fn sort_by_score(ranked: &mut [Ranked]) {
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
}

/// Adds to each score a part of the scores of its document's further passages. Expects the passages sorted
/// by score.
fn add_support(ranked: &mut [Ranked]) {
    let mut scores_of: HashMap<DocumentId, Vec<f32>> = HashMap::new();
    for Ranked { id, score, .. } in ranked.iter() {
        scores_of.entry(id.document_id).or_default().push(*score);
    }
    for Ranked { id, score, .. } in ranked.iter_mut() {
        let scores = scores_of.get(&id.document_id).map_or(&[][..], Vec::as_slice);
        let mut weight = SUPPORT_WEIGHT;
        for supporter in scores.iter().skip(1).take(MAX_SUPPORTERS) {
            *score += weight * supporter;
            weight /= 2.0;
        }
    }
}

/// Returns the share of terms that all candidates have: the lowest share of a full BM25 result, else 0.
fn common_share(shares: &[f32], depth: usize) -> f32 {
    let found = shares.iter().copied().filter(|share| *share > 0.0);
    if found.clone().count() < depth { 0.0 } else { found.fold(1.0, f32::min) }
}

/// Returns the normalized sum of the best vectors by meaning.
fn centroid_of_best(candidates: &[Candidate]) -> Option<Vector> {
    let mut by_meaning: Vec<&Candidate> = candidates.iter().collect();
    by_meaning.sort_by(|a, b| b.cosine.total_cmp(&a.cosine).then(a.id.cmp(&b.id)));
    let mut sum = by_meaning.first()?.vector.clone();
    for other in by_meaning.iter().skip(1).take(BEST_BY_MEANING - 1) {
        sum.iter_mut().zip(&other.vector).for_each(|(sum, x)| *sum += x);
    }
    let length = cosine(&sum, &sum).sqrt();
    (length > 0.0).then(|| sum.into_iter().map(|x| x / length).collect())
}

#[expect(clippy::cast_precision_loss, reason = "a question has few terms")]
fn share_of_terms(bm25: f32, term_count: usize) -> f32 {
    if term_count == 0 { 0.0 } else { (bm25 / (BM25_PER_TERM * term_count as f32)).clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn candidate(document: u128, ordinal: u32, angle: f32, bm25: f32) -> Candidate {
        let document_id = DocumentId::from(Uuid::from_u128(document));
        Candidate {
            id: PassageId { document_id, ordinal },
            version: ContentVersion::ONLY,
            vector: vec![angle.cos(), angle.sin()],
            cosine: angle.cos(),
            bm25,
        }
    }

    fn order(candidates: Vec<Candidate>, depth: usize) -> Vec<(Uuid, u32)> {
        let similarity = Similarity { unrelated_cosine: 0.0 };
        let ranked = fuse(candidates, Question { term_count: 2, similarity, is_known: true }, depth);
        ranked.iter().map(|r| (Uuid::from(r.id.document_id), r.id.ordinal)).collect()
    }

    #[test]
    fn terms_decide_between_passages_of_similar_meaning() {
        let found = order(vec![candidate(1, 0, 1.0, 0.0), candidate(2, 0, 1.02, 14.0)], 40);
        assert_eq!(found[0].0, Uuid::from_u128(2));
    }

    #[test]
    fn a_term_that_all_candidates_have_does_not_outweigh_meaning() {
        let mut candidates = vec![candidate(1, 0, 0.9, 0.0)];
        candidates.extend((2..10).map(|document| candidate(document, 0, 1.1, 6.0)));
        assert_eq!(order(candidates, 8)[0].0, Uuid::from_u128(1));
    }

    #[test]
    fn further_passages_raise_the_rank_of_their_document() {
        let found = vec![candidate(1, 0, 1.0, 0.0), candidate(2, 4, 1.0, 0.0), candidate(2, 5, 1.1, 0.0)];
        assert_eq!(order(found, 40)[0], (Uuid::from_u128(2), 4));
    }

    #[test]
    fn terms_decide_where_the_model_does_not_know_the_language() {
        let candidates = vec![candidate(1, 0, 0.2, 4.0), candidate(2, 0, 1.0, 12.0)];
        let similarity = Similarity { unrelated_cosine: 0.0 };
        let question = |is_known| Question { term_count: 2, similarity, is_known };
        let first = |is_known| fuse(candidates.clone(), question(is_known), 40)[0].id.document_id;
        assert_eq!(Uuid::from(first(true)), Uuid::from_u128(1));
        assert_eq!(Uuid::from(first(false)), Uuid::from_u128(2));
    }

    #[test]
    fn no_candidates_give_no_hits() {
        assert!(order(Vec::new(), 40).is_empty());
    }
}
