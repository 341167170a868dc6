//! Chooses of the ranked passages those to answer from: no two that say the same, as many as stand out, and none when
//! nothing has to do with the question.

use super::Hit;
use super::fuse::Ranked;
use crate::embed::cosine;

/// Below this, cosine and terms together, a passage is about something else.
const RELEVANT: f32 = 0.28;
/// Two passages with a greater cosine say the same.
const SAME: f32 = 0.95;
/// At most so many are given to answer from …
const MOST: usize = 10;
/// … and so many when that many are relevant, however far the best stands out.
const LEAST: usize = 4;

/// The passages to answer from, the best first.
///
/// How many is decided by their scores: those nearer to the best one than to the usual candidate, which the median is.
pub(super) fn choose(ranked: Vec<Ranked>) -> Vec<Hit> {
    let best = ranked.first().map_or(0.0, |first| first.hit.score);
    let usual = ranked.get(ranked.len() / 2).map_or(0.0, |middle| middle.hit.score);
    let enough = f32::midpoint(best, usual);
    let mut chosen: Vec<Ranked> = Vec::new();
    for next in ranked {
        let worth = chosen.len() < LEAST || next.hit.score >= enough;
        if chosen.len() == MOST || !worth {
            break;
        }
        let is_said = || chosen.iter().any(|other| cosine(&other.vector, &next.vector) > SAME);
        if next.hit.relevance >= RELEVANT && !is_said() {
            chosen.push(next);
        }
    }
    chosen.into_iter().map(|ranked| ranked.hit).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::vocabulary::{DocumentId, PassageBody, PassageId};

    fn ranked(ordinal: u32, score: f32, relevance: f32, vector: Vec<f32>) -> Ranked {
        let id = PassageId { document_id: DocumentId::from(Uuid::nil()), ordinal };
        Ranked { hit: Hit { id, body: PassageBody::Sealed(Vec::new()), score, relevance }, vector }
    }

    fn chosen(ranked: Vec<Ranked>) -> Vec<u32> {
        choose(ranked).iter().map(|hit| hit.id.ordinal).collect()
    }

    /// Each in a direction of its own.
    fn scores(scores: &[f32]) -> Vec<Ranked> {
        let direction =
            |at: usize| (0..scores.len()).map(|axis| if axis == at { 1.0 } else { 0.0 }).collect();
        (0..).zip(scores).enumerate().map(|(at, (n, score))| ranked(n, *score, 0.5, direction(at))).collect()
    }

    #[test]
    fn a_clear_answer_needs_few_passages_and_a_broad_one_many() {
        let clear: Vec<f32> = std::iter::once(0.9).chain([0.3; 40]).collect();
        let broad: Vec<f32> = [0.9; 15].into_iter().chain([0.3; 40]).collect();
        assert_eq!(chosen(scores(&clear)).len(), LEAST);
        assert_eq!(chosen(scores(&broad)).len(), MOST);
    }

    #[test]
    fn what_says_the_same_is_given_once() {
        let twins = vec![
            ranked(0, 0.9, 0.5, vec![1.0, 0.0]),
            ranked(1, 0.8, 0.5, vec![0.98, 0.2]),
            ranked(2, 0.7, 0.5, vec![0.0, 1.0]),
        ];
        assert_eq!(chosen(twins), [0, 2]);
    }

    #[test]
    fn what_is_about_something_else_is_not_given() {
        assert_eq!(
            chosen(vec![ranked(0, 0.9, 0.1, vec![1.0, 0.0]), ranked(1, 0.8, 0.4, vec![0.0, 1.0])]),
            [1]
        );
        assert!(chosen(vec![ranked(0, 0.9, 0.2, vec![1.0])]).is_empty());
        assert!(chosen(Vec::new()).is_empty());
    }
}
