//! Selects the excerpts of the sources that answer the question: the best segment of a source and the
//! segments around it.

use super::candidates::{Candidate, can_be_anchor};
use super::expansion::Expansion;
use crate::embed::{Similarity, Vector, cosine};
use crate::markdown::Segment;
use crate::vocabulary::Source;

/// The approximate limit of words in the best excerpt, in the next one, and so on.
const MAX_WORDS: [usize; 4] = [200, 120, 80, 60];
/// The least score of a further excerpt as a share of the best one's, source relevance included.
const MIN_SHARE_OF_BEST: f32 = 0.75;
/// The weight of the share of terms in the confidence, beside its part of the score.
const TERMS_CONFIDENCE_WEIGHT: f32 = 0.3;
/// The similarity above which two segments are duplicates.
const DUPLICATE_SIMILARITY: f32 = 0.92;
/// The score of a segment with all terms of the question, in units of similarity.
const TERMS_WEIGHT: f32 = 0.2;
/// The estimated similarity of a segment that was not compared, as a share of its source's relevance.
const UNCOMPARED: f32 = 0.5;
/// A heading is an answer where no other segment of its source comes near to it: questions often repeat
/// headings.
const HEADING_FACTOR: f32 = 0.7;

/// Consecutive segments of one source.
pub(super) type Excerpt = Vec<Candidate>;

/// The segments with their scores.
pub(super) struct Scored<'a> {
    pub(super) candidates: &'a [Candidate],
    /// The similarity with the question, raised by the share of its terms.
    pub(super) scores: Vec<f32>,
    /// The share of the question's terms.
    pub(super) shares: Vec<f32>,
    /// The vectors of the segments that were compared.
    pub(super) vectors: Vec<Option<Vector>>,
    /// Scale of cosines.
    pub(super) similarity: Similarity,
}

impl<'a> Scored<'a> {
    /// Scores each segment. `vectors` belong to the segments at the positions in `compared`.
    pub(super) fn new(
        similarity: Similarity,
        question: &[f32],
        candidates: &'a [Candidate],
        shares: Vec<f32>,
        compared: &[usize],
        compared_vectors: Vec<Vector>,
    ) -> Self {
        let mut vectors = vec![None; candidates.len()];
        for (index, vector) in compared.iter().zip(compared_vectors) {
            vectors[*index] = Some(vector);
        }
        let lowest = vectors.iter().flatten().map(|vector| similarity.of(cosine(question, vector)));
        let estimate = UNCOMPARED * lowest.fold(1.0, f32::min);
        let score = |(index, vector): (usize, &Option<Vector>)| {
            let meaning = vector.as_ref().map_or(estimate, |vector| similarity.of(cosine(question, vector)));
            let score = meaning + TERMS_WEIGHT * shares[index];
            match candidates[index].segment {
                Segment::Heading(_) => score * HEADING_FACTOR,
                _ => score,
            }
        };
        let scores = vectors.iter().enumerate().map(score).collect();
        Self { candidates, scores, shares, vectors, similarity }
    }
}

impl Scored<'_> {
    /// Scores the segments by their terms alone, for a language that the model does not know.
    pub(super) fn judge_by_terms(&mut self) {
        self.scores = self.shares.iter().map(|share| (1.0 + TERMS_WEIGHT) * share).collect();
    }
}

/// The highest confidence in a segment: its score, raised by its share of terms. `None` without a segment.
pub(super) fn confidence(scored: &Scored<'_>) -> Option<f32> {
    let of = |anchor: usize| scored.scores[anchor] + TERMS_CONFIDENCE_WEIGHT * scored.shares[anchor];
    anchors(scored).into_iter().map(of).max_by(f32::total_cmp)
}

/// Selects the excerpts to quote, best first; none without a segment that can be quoted.
pub(super) fn select(sources: &[Source], scored: &Scored<'_>) -> Vec<Excerpt> {
    let Scored { candidates, scores, shares, vectors, similarity } = scored;
    let mut anchors = anchors(scored);
    for anchor in &anchors {
        let (score, share) = (scores[*anchor], shares[*anchor]);
        tracing::trace!(source = candidates[*anchor].source, score, share, "anchor");
    }
    let worth = |anchor: usize| scores[anchor] + sources[candidates[anchor].source].relevance;
    let min_worth = anchors.iter().map(|anchor| worth(*anchor)).fold(0.0, f32::max) * MIN_SHARE_OF_BEST;
    // The score of a passage predicts better than that of a single sentence which source answers
    // the question.
    let source_score = |anchor: usize| sources[candidates[anchor].source].score;
    anchors.sort_by(|a, b| source_score(*b).total_cmp(&source_score(*a)).then(a.cmp(b)));
    let mut quoted: Vec<usize> = Vec::new();
    let mut excerpts = Vec::new();
    let best = anchors.first().copied();
    for anchor in anchors.into_iter().filter(|anchor| Some(*anchor) == best || worth(*anchor) >= min_worth) {
        let Some(max_words) = MAX_WORDS.get(excerpts.len()) else { break };
        let is_duplicate = |other: &usize| {
            let vectors = vectors[*other].as_ref().zip(vectors[anchor].as_ref());
            vectors.is_some_and(|(a, b)| similarity.of(cosine(a, b)) > DUPLICATE_SIMILARITY)
        };
        if quoted.iter().any(is_duplicate) {
            continue;
        }
        let expansion = Expansion { candidates, scores, shares, is_best: excerpts.is_empty() };
        let range = expansion.around(anchor, *max_words);
        quoted.extend(range.clone());
        excerpts.push(range.map(|index| candidates[index].clone()).collect());
    }
    excerpts
}

/// Returns the index of the best segment of each source, among those that were compared.
fn anchors(scored: &Scored<'_>) -> Vec<usize> {
    let Scored { candidates, scores, vectors, .. } = scored;
    let mut anchors: Vec<usize> = Vec::new();
    let can_be = |index: &usize| vectors[*index].is_some() && can_be_anchor(&candidates[*index].segment);
    for index in (0..candidates.len()).filter(can_be) {
        match anchors.last_mut() {
            Some(anchor) if candidates[*anchor].source == candidates[index].source => {
                if scores[index] > scores[*anchor] {
                    *anchor = index;
                }
            }
            _ => anchors.push(index),
        }
    }
    anchors
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::candidates::candidates;
    use super::*;
    use crate::vocabulary::{DocumentId, PassageId, PassageText};

    fn source(text: &str, score: f32) -> Source {
        Source {
            id: PassageId { document_id: DocumentId::from(Uuid::nil()), ordinal: 0 },
            passage: PassageText { title: String::new(), heading: vec![], text: text.into(), place: None },
            score,
            relevance: score,
            merged: 0,
        }
    }

    /// Selects in a space of two dimensions, in which a segment with `yes` scores high and any other low.
    fn selected(sources: &[Source]) -> Vec<String> {
        let candidates = candidates(sources);
        let vector = |(index, candidate): (usize, &Candidate)| {
            let fit: f32 = if candidate.segment.text().contains("yes") { 0.8 } else { 0.1 };
            let side = (1.0 - fit * fit).sqrt();
            vec![fit, if index % 2 == 0 { side } else { -side }]
        };
        let vectors: Vec<Option<Vector>> = candidates.iter().enumerate().map(vector).map(Some).collect();
        let scores = vectors.iter().flatten().map(|vector| vector[0]).collect();
        let shares = vec![0.0; candidates.len()];
        let excerpts = select(
            sources,
            &Scored {
                candidates: &candidates,
                scores,
                shares,
                vectors,
                similarity: Similarity { unrelated_cosine: 0.0 },
            },
        );
        let text = |excerpt: &Excerpt| excerpt.iter().map(|c| c.segment.text()).collect::<Vec<_>>().join("|");
        excerpts.iter().map(text).collect()
    }

    #[test]
    fn the_best_sentence_is_quoted_with_its_neighbours() {
        let text = "A first one. And yes it is so. It ends.";
        assert_eq!(selected(&[source(text, 0.5)]), ["A first one.|And yes it is so.|It ends."]);
    }

    #[test]
    fn a_sentence_with_a_colon_is_quoted_with_the_list_it_introduces() {
        let text = "We say yes to all these:\n\n- one\n- two\n\nThe end of it all.";
        assert_eq!(selected(&[source(text, 0.5)]), ["We say yes to all these:|one|two|The end of it all."]);
        assert_eq!(
            selected(&[source("Say yes to it all. Something follows here:", 0.5)]),
            ["Say yes to it all."]
        );
    }

    #[test]
    fn excerpts_follow_the_order_of_the_sources_and_a_poor_source_is_left_out() {
        let sources = [
            source("Truly yes it is.", 0.5),
            source("Rather yes it may be.", 0.6),
            source("No, never at all.", 0.3),
        ];
        assert_eq!(selected(&sources), ["Rather yes it may be.", "Truly yes it is."]);
    }

    #[test]
    fn nothing_is_selected_without_sources() {
        assert!(selected(&[]).is_empty());
    }

    #[test]
    fn long_code_is_not_quoted() {
        let text = format!("Look, yes it is this:\n\n```\n{}\n```\n", "line\n".repeat(30));
        assert_eq!(selected(&[source(&text, 0.5)]), ["Look, yes it is this:"]);
    }
}
