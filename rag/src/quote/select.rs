//! Selects the excerpts of the sources that answer the question: the best segment of a source and the
//! segments around it that are needed to understand it, within a limit of words.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::embed::{Vector, cosine};
use crate::markdown::{Segment, segments};
use crate::sparse::SparseVector;
use crate::vocabulary::Source;

/// Sources that are searched for segments.
const MAX_SOURCES: usize = 5;
/// Segments that are compared with the question.
const MAX_SEGMENTS: usize = 80;
/// The approximate limit of words in the best excerpt, in the next one, and so on.
const MAX_WORDS: [usize; 4] = [200, 120, 80, 60];
/// The least score of a further excerpt as a share of the best one's, source relevance included.
const MIN_SHARE_OF_BEST: f32 = 0.75;
/// The least score of a segment from another block as a share of the anchor's. The best excerpt has no
/// such limit.
const MIN_SHARE_OF_ANCHOR: f32 = 0.5;
/// The least score of the best segment. Below it the question is refused.
const MIN_SCORE: f32 = 0.45;
/// The cosine above which two segments are duplicates.
const DUPLICATE_COSINE: f32 = 0.92;
/// The score of a segment with all terms of the question, in units of cosine.
const TERMS_WEIGHT: f32 = 0.2;
/// The longest code that is quoted.
const MAX_CODE_LINES: usize = 20;

/// First words of a sentence that needs the sentence before it.
const DEPENDENT_STARTS: [&str; 24] = [
    "also",
    "and",
    "because",
    "but",
    "finally",
    "he",
    "here",
    "however",
    "instead",
    "it",
    "its",
    "next",
    "otherwise",
    "she",
    "similarly",
    "so",
    "such",
    "that",
    "then",
    "therefore",
    "these",
    "they",
    "this",
    "those",
];

/// A segment of a source.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// The position of the source in the list, from 0.
    pub(super) source: usize,
    pub(super) segment: Segment,
}

/// Consecutive segments of one source.
pub(super) type Excerpt = Vec<Candidate>;

/// Returns the segments that are compared with the question.
pub(super) fn candidates(sources: &[Source]) -> Vec<Candidate> {
    let of_source = |(source, found): (usize, &Source)| {
        segments(&found.passage.text).into_iter().map(move |segment| Candidate { source, segment })
    };
    sources.iter().take(MAX_SOURCES).enumerate().flat_map(of_source).take(MAX_SEGMENTS).collect()
}

/// Selects the excerpts to quote, best first; none if no segment answers the question. The first vector
/// belongs to the question, the others to the candidates.
pub(super) fn select(
    question: &str,
    sources: &[Source],
    candidates: &[Candidate],
    vectors: &[Vector],
) -> Vec<Excerpt> {
    let Some((question_vector, vectors)) = vectors.split_first() else {
        return Vec::new();
    };
    let scores = scores(question, question_vector, candidates, vectors);
    if scores.iter().copied().fold(f32::MIN, f32::max) < MIN_SCORE {
        return Vec::new();
    }
    let mut anchors = anchors(candidates, &scores);
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
        if quoted.iter().any(|other| cosine(&vectors[*other], &vectors[anchor]) > DUPLICATE_COSINE) {
            continue;
        }
        let expansion = Expansion { candidates, scores: &scores, is_best: excerpts.is_empty() };
        let range = expansion.around(anchor, *max_words);
        quoted.extend(range.clone());
        excerpts.push(range.map(|index| candidates[index].clone()).collect());
    }
    excerpts
}

/// Scores each segment by its cosine with the question and its share of the question's terms.
#[expect(clippy::cast_precision_loss, reason = "a question has few terms")]
fn scores(question: &str, question_vector: &[f32], candidates: &[Candidate], vectors: &[Vector]) -> Vec<f32> {
    let terms: BTreeSet<u32> = SparseVector::of_query(question).indices.into_iter().collect();
    let score = |(candidate, vector): (&Candidate, &Vector)| {
        let segment_terms = SparseVector::of_query(candidate.segment.text());
        let shared = segment_terms.indices.iter().filter(|term| terms.contains(term)).count();
        cosine(question_vector, vector) + TERMS_WEIGHT * shared as f32 / terms.len().max(1) as f32
    };
    candidates.iter().zip(vectors).map(score).collect()
}

/// Returns the index of the best segment of each source.
fn anchors(candidates: &[Candidate], scores: &[f32]) -> Vec<usize> {
    let mut anchors: Vec<usize> = Vec::new();
    for index in (0..candidates.len()).filter(|index| can_be_anchor(&candidates[*index].segment)) {
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

/// Whether a segment can answer a question. A question, a caption or a single word cannot.
fn can_be_anchor(segment: &Segment) -> bool {
    match segment {
        Segment::Sentence { text, .. } => text.split_whitespace().count() > 3 && ends_as_statement(text),
        Segment::Item(_) => true,
        Segment::Code { .. } => can_be_quoted(segment),
    }
}

fn ends_as_statement(text: &str) -> bool {
    text.ends_with(['.', '!', ':', ';', '…', '。', '！', ')', '"', '”', '`'])
}

fn can_be_quoted(segment: &Segment) -> bool {
    !matches!(segment, Segment::Code { text, .. } if text.lines().count() > MAX_CODE_LINES)
}

/// Expands a segment to an excerpt of its source.
struct Expansion<'a> {
    candidates: &'a [Candidate],
    scores: &'a [f32],
    /// The best excerpt also takes segments with a low score from other blocks.
    is_best: bool,
}

impl Expansion<'_> {
    /// Returns the range of segments around an anchor, up to about `max_words` words. Segments needed to
    /// understand the others come first, then the neighbour with the higher score.
    fn around(&self, anchor: usize, max_words: usize) -> RangeInclusive<usize> {
        let (mut first, mut last) = (anchor, anchor);
        let mut words = self.words(anchor);
        while words < max_words {
            let before = first.checked_sub(1).filter(|before| self.can_join(*before, first, anchor));
            let after = Some(last + 1).filter(|after| self.can_join(*after, last, anchor));
            let next = match (before, after) {
                (Some(before), _) if self.depends_on_previous(first) => before,
                (_, Some(after)) if self.introduces_next(last) => after,
                (Some(before), Some(after)) if self.scores[before] > self.scores[after] => before,
                (_, Some(after)) => after,
                (Some(before), None) => before,
                (None, None) => break,
            };
            words += self.words(next);
            (first, last) = (first.min(next), last.max(next));
        }
        while last > anchor && self.introduces_next(last) {
            last -= 1;
        }
        first..=last
    }

    /// Whether a segment can be quoted together with its neighbour.
    fn can_join(&self, next: usize, neighbour: usize, anchor: usize) -> bool {
        let (Some(new), Some(old)) = (self.candidates.get(next), self.candidates.get(neighbour)) else {
            return false;
        };
        let is_same_block = match (&new.segment, &old.segment) {
            (Segment::Sentence { paragraph: new, .. }, Segment::Sentence { paragraph: old, .. }) => {
                new == old
            }
            (Segment::Item(_), Segment::Item(_)) => true,
            _ => self.introduces_next(next.min(neighbour)),
        };
        new.source == old.source
            && can_be_quoted(&new.segment)
            && (self.is_best
                || is_same_block
                || self.scores[next] >= MIN_SHARE_OF_ANCHOR * self.scores[anchor])
    }

    fn words(&self, index: usize) -> usize {
        self.candidates[index].segment.text().split_whitespace().count()
    }

    /// Whether a segment starts with a word that refers to the segment before it.
    fn depends_on_previous(&self, index: usize) -> bool {
        let text = self.candidates[index].segment.text();
        let first = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
        DEPENDENT_STARTS.contains(&first.as_str())
    }

    /// Whether a segment introduces the next one by a colon at its end.
    fn introduces_next(&self, index: usize) -> bool {
        self.candidates[index].segment.text().ends_with(':')
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::vocabulary::{DocumentId, PassageId, PassageText};

    fn source(text: &str, score: f32) -> Source {
        Source {
            id: PassageId { document_id: DocumentId::from(Uuid::nil()), ordinal: 0 },
            passage: PassageText { title: String::new(), heading: vec![], text: text.into() },
            score,
            relevance: score,
            merged: 0,
        }
    }

    /// Selects in a space of two dimensions, in which a segment with `yes` scores high and any other low.
    fn selected(sources: &[Source]) -> Vec<String> {
        let candidates = candidates(sources);
        let mut vectors = vec![vec![1.0, 0.0]];
        vectors.extend(candidates.iter().enumerate().map(|(index, candidate)| {
            let fit: f32 = if candidate.segment.text().contains("yes") { 0.8 } else { 0.1 };
            let side = (1.0 - fit * fit).sqrt();
            vec![fit, if index % 2 == 0 { side } else { -side }]
        }));
        let excerpts = select("zzz", sources, &candidates, &vectors);
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
    fn nothing_is_selected_when_no_segment_answers() {
        assert!(selected(&[source("A thing that is about something else.", 0.9)]).is_empty());
        assert!(selected(&[]).is_empty());
    }

    #[test]
    fn long_code_is_not_quoted() {
        let text = format!("Look, yes it is this:\n\n```\n{}\n```\n", "line\n".repeat(30));
        assert_eq!(selected(&[source(&text, 0.5)]), ["Look, yes it is this:"]);
    }
}
