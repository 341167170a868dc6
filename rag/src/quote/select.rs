//! Selects the excerpts of the sources that answer the question: the best segment of a source and the
//! segments around it.

use super::candidates::{Candidate, can_be_anchor};
use super::expansion::Expansion;
use crate::embed::{Similarity, Vector, cosine};
use crate::markdown::Segment;
use crate::vocabulary::Source;

/// The approximate limit of words in the best excerpt, in the next one, and so on.
const MAX_WORDS: [usize; 5] = [160, 100, 80, 60, 60];
/// The least score of a further excerpt as a share of the best one's, source relevance included.
const MIN_SHARE_OF_BEST: f32 = 0.5;
/// The weight of a definition of the subject of the question beside its score: that of all of its terms.
const DEFINITION_WEIGHT: f32 = 0.2;
/// The weight of the score of a segment beside that of its source in the order of the excerpts.
const SEGMENT_WEIGHT: f32 = 0.25;
/// The difference from which on a row has more of the question's terms than another.
const MIN_SHARE_ABOVE: f32 = 0.1;
/// What the key of a row counts among its terms, if the question names it: as much as half of the question's terms.
const KEY_WEIGHT: f32 = 0.5;
/// The similarity above which two segments are duplicates.
const DUPLICATE_SIMILARITY: f32 = 0.92;
/// The score of a segment with all terms of the question, in units of similarity, where segments are compared
/// alone.
const TERMS_WEIGHT_ALONE: f32 = 0.2;
/// The same where segments are compared in their context.
const TERMS_WEIGHT_IN_CONTEXT: f32 = 0.4;
/// The estimated similarity of a segment that was not compared, as a share of the lowest one of those that were.
const UNCOMPARED: f32 = 0.5;
/// A heading is an answer where no other segment of its source comes near to it: questions
/// often repeat headings.
const HEADING_FACTOR: f32 = 0.7;

/// How the vectors of segments were made. Their cosines differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Each segment below its heading, of few segments.
    Alone,
    /// Each segment in its passage, of all segments.
    InContext,
}

impl Reading {
    const fn terms_weight(self) -> f32 {
        match self {
            Self::Alone => TERMS_WEIGHT_ALONE,
            Self::InContext => TERMS_WEIGHT_IN_CONTEXT,
        }
    }
}

/// Consecutive segments of one source.
pub(super) type Excerpt = Vec<Candidate>;

/// What the words of each segment tell.
pub(super) struct Signs {
    /// The share of the question's terms.
    pub(super) shares: Vec<f32>,
    /// Which segments are rows whose key the question names.
    pub(super) keyed: Vec<bool>,
    /// Which segments define what the question asks for.
    pub(super) defining: Vec<bool>,
}

/// The segments with their scores.
pub(super) struct Scored<'a> {
    pub(super) candidates: &'a [Candidate],
    /// The similarity with the question, raised by the share of its terms.
    pub(super) scores: Vec<f32>,
    /// The share of the question's terms.
    pub(super) shares: Vec<f32>,
    /// Which segments are rows whose key the question names.
    pub(super) keyed: Vec<bool>,
    /// Which segments define what the question asks for.
    pub(super) defining: Vec<bool>,
    /// The vectors of the segments that were compared.
    pub(super) vectors: Vec<Option<Vector>>,
    /// Scale of cosines.
    pub(super) similarity: Similarity,
}

impl<'a> Scored<'a> {
    /// Scores each segment. `vectors` are those of the segments.
    pub(super) fn new(
        similarity: Similarity,
        question: &[f32],
        candidates: &'a [Candidate],
        Signs { shares, keyed, defining }: Signs,
        vectors: Vec<Option<Vector>>,
        reading: Reading,
    ) -> Self {
        let lowest = vectors.iter().flatten().map(|vector| similarity.of(cosine(question, vector)));
        let estimate = UNCOMPARED * lowest.fold(1.0, f32::min);
        let score = |(index, vector): (usize, &Option<Vector>)| {
            let meaning = vector.as_ref().map_or(estimate, |vector| similarity.of(cosine(question, vector)));
            let score = meaning + reading.terms_weight() * shares[index];
            match candidates[index].segment {
                Segment::Heading(_) => score * HEADING_FACTOR,
                _ => score,
            }
        };
        let scores = vectors.iter().enumerate().map(score).collect();
        Self { candidates, scores, shares, keyed, defining, vectors, similarity }
    }
}

impl Scored<'_> {
    /// Scores the segments by their terms alone, for a language that the model does not know.
    pub(super) fn judge_by_terms(&mut self) {
        self.scores = self.shares.iter().map(|share| (1.0 + TERMS_WEIGHT_ALONE) * share).collect();
    }

    /// The score of a segment among others that may be quoted.
    fn merit(&self, index: usize) -> f32 {
        self.scores[index] + if self.defining[index] { DEFINITION_WEIGHT } else { 0.0 }
    }

    /// How well a row fits the question.
    fn fit(&self, row: usize) -> f32 {
        self.shares[row] + if self.keyed[row] { KEY_WEIGHT } else { 0.0 }
    }

    /// Whether a row of the same table, of another source, has more of the question's terms. A row
    /// stands for itself: without the key that is asked for it is about something else.
    fn has_better_row(&self, sources: &[Source], anchors: &[usize], row: usize) -> bool {
        let document = |index: usize| sources[self.candidates[index].source].id.document_id;
        let is_of_table =
            |other: usize| document(other) == document(row) && self.are_rows_of_a_table(other, row);
        let is_better = |other: usize| self.fit(other) > self.fit(row) + MIN_SHARE_ABOVE;
        anchors.iter().any(|other| is_of_table(*other) && is_better(*other))
    }

    /// Whether two segments are rows below the same names of columns.
    fn are_rows_of_a_table(&self, a: usize, b: usize) -> bool {
        match (&self.candidates[a].segment, &self.candidates[b].segment) {
            (Segment::Row { header: a, .. }, Segment::Row { header: b, .. }) => a == b,
            _ => false,
        }
    }

    /// Whether a segment is rather quoted than another one of its source.
    fn is_better(&self, index: usize, other: usize, merit: &impl Fn(usize) -> f32) -> bool {
        let better_fit = self.fit(index) - self.fit(other);
        if better_fit.abs() > MIN_SHARE_ABOVE && self.are_rows_of_a_table(index, other) {
            better_fit > 0.0
        } else {
            merit(index) > merit(other)
        }
    }
}

/// Selects the excerpts to quote, best first; none without a segment that can be quoted.
pub(super) fn select(sources: &[Source], scored: &Scored<'_>) -> Vec<Excerpt> {
    let Scored { candidates, scores, shares, defining, vectors, similarity, .. } = scored;
    let mut anchors = anchors(scored, |index| scored.merit(index));
    for anchor in &anchors {
        let (score, share) = (scores[*anchor], shares[*anchor]);
        tracing::trace!(source = candidates[*anchor].source, score, share, "anchor");
    }
    let of_sources = anchors.clone();
    anchors.retain(|anchor| !scored.has_better_row(sources, &of_sources, *anchor));
    let worth = |anchor: usize| scored.merit(anchor) + sources[candidates[anchor].source].relevance;
    let min_worth = anchors.iter().map(|anchor| worth(*anchor)).fold(0.0, f32::max) * MIN_SHARE_OF_BEST;
    // A definition that is asked for comes first. Otherwise the score of a passage predicts better than that
    // of a single sentence which source answers the question.
    let rank =
        |anchor: usize| sources[candidates[anchor].source].score + SEGMENT_WEIGHT * scored.merit(anchor);
    anchors.sort_by(|a, b| {
        let by_score = rank(*b).total_cmp(&rank(*a));
        defining[*b].cmp(&defining[*a]).then(by_score).then(a.cmp(b))
    });
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

/// Returns the index of the best segment of each source by its merit, among those that were compared.
fn anchors(scored: &Scored<'_>, merit: impl Fn(usize) -> f32) -> Vec<usize> {
    let Scored { candidates, vectors, .. } = scored;
    let mut anchors: Vec<usize> = Vec::new();
    let can_be = |index: &usize| vectors[*index].is_some() && can_be_anchor(&candidates[*index].segment);
    for index in (0..candidates.len()).filter(can_be) {
        match anchors.last_mut() {
            Some(anchor) if candidates[*anchor].source == candidates[index].source => {
                if scored.is_better(index, *anchor, &merit) {
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
            passage: PassageText { text: text.into(), ..PassageText::default() },
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
        let share = |candidate: &Candidate| if candidate.segment.text().contains("key") { 1.0 } else { 0.0 };
        let is_keyed = |candidate: &Candidate| candidate.segment.text().contains("name");
        let vectors: Vec<Option<Vector>> = candidates.iter().enumerate().map(vector).map(Some).collect();
        let scores = vectors.iter().flatten().map(|vector| vector[0]).collect();
        let excerpts = select(
            sources,
            &Scored {
                candidates: &candidates,
                scores,
                shares: candidates.iter().map(share).collect(),
                keyed: candidates.iter().map(is_keyed).collect(),
                defining: candidates
                    .iter()
                    .map(|candidate| candidate.segment.text().contains("is a"))
                    .collect(),
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
    fn a_row_with_the_key_is_quoted_without_rows_of_other_parts_of_the_table() {
        let rows = |rows: &str| format!("| Nail | Size |\n|---|---|\n{rows}");
        let sources = [
            source(&rows("| 1 | yes |\n| 2 | yes |\n"), 0.6),
            source(&rows("| 3 | yes |\n| 4 key | yes |\n| 5 | yes |\n"), 0.5),
        ];
        assert_eq!(selected(&sources), ["Nail: 4 key; Size: yes"]);
    }

    #[test]
    fn the_row_whose_key_the_question_names_is_quoted() {
        let row = |row: &str| format!("| Property | Value |\n|---|---|\n{row}");
        let sources = [source(&row("| Size | yes |\n"), 0.6), source(&row("| name | 3 kg |\n"), 0.5)];
        assert_eq!(selected(&sources), ["Property: name; Value: 3 kg"]);
    }

    #[test]
    fn a_definition_that_is_asked_for_comes_first() {
        let sources = [source("They say yes often.", 0.6), source("It grew. Moss is a plant, yes.", 0.5)];
        let selected = selected(&sources);
        assert!(selected[0].contains("Moss is a plant"), "{selected:?}");
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
