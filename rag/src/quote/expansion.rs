//! Expands a segment to an excerpt: the segments around it that are needed to understand it, within a limit
//! of words.

use std::ops::RangeInclusive;

use super::candidates::{Candidate, can_be_quoted};
use crate::markdown::Segment;

/// The least score of a segment from another block as a share of the anchor's. The best excerpt has no
/// such limit.
const MIN_SHARE_OF_ANCHOR: f32 = 0.5;

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

/// Expands a segment to an excerpt of its source.
pub(super) struct Expansion<'a> {
    pub(super) candidates: &'a [Candidate],
    pub(super) scores: &'a [f32],
    pub(super) shares: &'a [f32],
    /// The best excerpt also takes segments with a low score from other blocks.
    pub(super) is_best: bool,
}

impl Expansion<'_> {
    /// Returns the range of segments around an anchor, up to about `max_words` words. Segments needed to
    /// understand the others come first, then the neighbour with the higher score.
    pub(super) fn around(&self, anchor: usize, max_words: usize) -> RangeInclusive<usize> {
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
            // A row stands for itself. Others are quoted that have as many of the question's terms.
            (Segment::Row { .. }, _) => {
                return new.source == old.source && self.shares[next] >= self.shares[anchor];
            }
            _ => self.introduces_next(next.min(neighbour)),
        };
        let is_row = matches!(self.candidates[anchor].segment, Segment::Row { .. });
        new.source == old.source
            && can_be_quoted(&new.segment)
            && (is_same_block
                || (self.is_best && !is_row)
                || (!is_row && self.scores[next] >= MIN_SHARE_OF_ANCHOR * self.scores[anchor]))
    }

    fn words(&self, index: usize) -> usize {
        words::length(self.candidates[index].segment.text())
    }

    /// Whether a segment starts with a word that refers to the segment before it.
    fn depends_on_previous(&self, index: usize) -> bool {
        let text = self.candidates[index].segment.text();
        let first = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
        matches!(self.candidates[index].segment, Segment::Sentence { .. })
            && DEPENDENT_STARTS.contains(&first.as_str())
    }

    /// Whether a segment introduces the next one by a colon at its end, or as its heading.
    fn introduces_next(&self, index: usize) -> bool {
        let segment = &self.candidates[index].segment;
        matches!(segment, Segment::Heading(_)) || segment.text().ends_with([':', '：'])
    }
}
