//! Selects the passages to answer from: relevant ones whose score stands out, without near duplicates.

use super::fusion::Ranked;
use crate::embed::{Similarity, cosine};

/// The least relevance, in units of similarity.
const MIN_RELEVANCE: f32 = 0.15;
/// The similarity above which two passages are duplicates.
const DUPLICATE_SIMILARITY: f32 = 0.95;
/// The largest number of selected passages.
const MAX_PASSAGES: usize = 10;
/// The number of relevant passages that are selected without regard to their scores.
const MIN_PASSAGES: usize = 6;

/// Use of a passage that a search found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is selected.
    Selected,
    /// Its relevance is too low.
    Irrelevant,
    /// The score of the passages before it stands out.
    Outscored,
    /// It is almost the same as a selected passage.
    Duplicate,
    /// There are enough passages before it.
    Surplus,
}

/// Decides what becomes of each passage, best first. A passage beyond [`MIN_PASSAGES`] is selected if its
/// score is nearer to the best score than to the median.
pub(super) fn outcomes(ranked: &[Ranked], similarity: Similarity) -> Vec<Outcome> {
    let best = ranked.first().map_or(0.0, |first| first.score);
    let median = ranked.get(ranked.len() / 2).map_or(0.0, |middle| middle.score);
    let min_score = f32::midpoint(best, median);
    let mut selected: Vec<&Ranked> = Vec::new();
    let mut rest = None;
    let mut outcomes = Vec::with_capacity(ranked.len());
    for next in ranked {
        if selected.len() == MAX_PASSAGES {
            rest.get_or_insert(Outcome::Surplus);
        } else if selected.len() >= MIN_PASSAGES && next.score < min_score {
            rest.get_or_insert(Outcome::Outscored);
        }
        let is_duplicate = || {
            selected
                .iter()
                .any(|other| similarity.of(cosine(&other.vector, &next.vector)) > DUPLICATE_SIMILARITY)
        };
        outcomes.push(match rest {
            Some(outcome) => outcome,
            None if next.relevance < MIN_RELEVANCE => Outcome::Irrelevant,
            None if is_duplicate() => Outcome::Duplicate,
            None => {
                selected.push(next);
                Outcome::Selected
            }
        });
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::vocabulary::{ContentVersion, DocumentId, PassageId};

    /// The similarity that is the cosine.
    const LINEAR: Similarity = Similarity { unrelated_cosine: 0.0 };

    fn ranked(ordinal: u32, score: f32, relevance: f32, vector: Vec<f32>) -> Ranked {
        let id = PassageId { document_id: DocumentId::from(Uuid::nil()), ordinal };
        Ranked { id, version: ContentVersion::ONLY, score, relevance, vector }
    }

    fn selected(ranked: &[Ranked]) -> Vec<u32> {
        let outcomes = outcomes(ranked, LINEAR).into_iter().zip(ranked);
        outcomes.filter(|(outcome, _)| *outcome == Outcome::Selected).map(|(_, r)| r.id.ordinal).collect()
    }

    /// Ranks passages with these scores, all orthogonal to each other.
    fn scores(scores: &[f32]) -> Vec<Ranked> {
        let direction =
            |at: usize| (0..scores.len()).map(|axis| if axis == at { 1.0 } else { 0.0 }).collect();
        (0..).zip(scores).enumerate().map(|(at, (n, score))| ranked(n, *score, 0.5, direction(at))).collect()
    }

    #[test]
    fn few_passages_are_selected_when_one_stands_out_and_many_when_many_do() {
        let one: Vec<f32> = std::iter::once(0.9).chain([0.3; 40]).collect();
        let many: Vec<f32> = [0.9; 15].into_iter().chain([0.3; 40]).collect();
        assert_eq!(selected(&scores(&one)).len(), MIN_PASSAGES);
        assert_eq!(selected(&scores(&many)).len(), MAX_PASSAGES);
    }

    #[test]
    fn duplicates_are_selected_once() {
        let twins = vec![
            ranked(0, 0.9, 0.5, vec![1.0, 0.0]),
            ranked(1, 0.8, 0.5, vec![0.98, 0.2]),
            ranked(2, 0.7, 0.5, vec![0.0, 1.0]),
        ];
        assert_eq!(outcomes(&twins, LINEAR), [Outcome::Selected, Outcome::Duplicate, Outcome::Selected]);
    }

    #[test]
    fn irrelevant_passages_are_not_selected() {
        assert_eq!(
            selected(&[ranked(0, 0.9, 0.1, vec![1.0, 0.0]), ranked(1, 0.8, 0.4, vec![0.0, 1.0])]),
            [1]
        );
        assert!(selected(&[ranked(0, 0.9, 0.1, vec![1.0])]).is_empty());
        assert!(selected(&[]).is_empty());
    }
}
