//! What a ranking of documents is worth, for one question and on average. Relevance is yes or no.

use serde::Serialize;

/// The measures of one kind of search, averaged over the questions that have an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Measures {
    /// Normalised discounted cumulative gain of the first ten documents.
    pub(crate) ndcg10: f64,
    /// Share of the questions with a relevant document in first place …
    pub(crate) recall1: f64,
    /// … among the first five …
    pub(crate) recall5: f64,
    /// … and among the first ten.
    pub(crate) recall10: f64,
    /// One divided by the rank of the first relevant document.
    pub(crate) mrr: f64,
}

impl Measures {
    /// Of one ranking; `relevant` says for each place whether the document there is relevant, of `all` relevant ones.
    pub(crate) fn of(relevant: &[bool], all: usize) -> Self {
        let found = |most: usize| relevant.iter().take(most).filter(|hit| **hit).count();
        // Any of a question's documents answers it.
        let recall = |most: usize| if found(most) > 0 { 1.0 } else { 0.0 };
        let gain = |places: &mut dyn Iterator<Item = usize>| -> f64 { places.map(discount).sum() };
        let reached = gain(&mut (0..relevant.len().min(10)).filter(|at| relevant[*at]));
        let ideal = gain(&mut (0..all.min(10)));
        let first = relevant.iter().position(|hit| *hit);
        Self {
            ndcg10: if ideal > 0.0 { reached / ideal } else { 0.0 },
            recall1: recall(1),
            recall5: recall(5),
            recall10: recall(10),
            mrr: first.map_or(0.0, |at| 1.0 / place(at)),
        }
    }

    /// The average over questions; nothing when there is none.
    pub(crate) fn average(all: &[Self]) -> Self {
        let mean = |of: fn(&Self) -> f64| mean(all.iter().map(of)).unwrap_or(0.0);
        Self {
            ndcg10: mean(|m| m.ndcg10),
            recall1: mean(|m| m.recall1),
            recall5: mean(|m| m.recall5),
            recall10: mean(|m| m.recall10),
            mrr: mean(|m| m.mrr),
        }
    }
}

/// The mean of some numbers, if there are any.
#[expect(clippy::cast_precision_loss, reason = "a file has few questions")]
pub(crate) fn mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = numbers.fold((0_usize, 0.0), |(count, sum), number| (count + 1, sum + number));
    (count > 0).then(|| sum / count as f64)
}

/// The place as people count, from 1.
#[expect(clippy::cast_precision_loss, reason = "places are few")]
fn place(at: usize) -> f64 {
    (at + 1) as f64
}

fn discount(at: usize) -> f64 {
    1.0 / (place(at) + 1.0).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn the_best_ranking_has_the_most_of_each() {
        let best = Measures::of(&[true, true, false], 2);
        assert!(close(best.ndcg10, 1.0) && close(best.mrr, 1.0) && close(best.recall5, 1.0));
        assert!(close(best.recall1, 1.0));
    }

    #[test]
    fn a_later_document_is_worth_less_and_a_missing_one_nothing() {
        let second = Measures::of(&[false, true], 1);
        assert!(close(second.ndcg10, 1.0 / 3.0_f64.log2()) && close(second.mrr, 0.5));
        assert!(close(second.recall1, 0.0) && close(second.recall5, 1.0));
        assert_eq!(Measures::of(&[false; 20], 1), Measures::default());
        assert_eq!(Measures::of(&[], 1), Measures::default());
    }

    #[test]
    fn questions_count_alike() {
        let average = Measures::average(&[Measures::of(&[true], 1), Measures::of(&[false], 1)]);
        assert!(close(average.ndcg10, 0.5));
        assert_eq!(Measures::average(&[]), Measures::default());
        assert_eq!(mean(std::iter::empty()), None);
    }
}
