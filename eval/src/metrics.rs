//! Metrics of document rankings with binary relevance.

use serde::Serialize;

/// The metrics of one ranking, or their mean over several rankings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct RankingMetrics {
    /// Normalized discounted cumulative gain of the first ten documents.
    pub(crate) ndcg10: f64,
    /// 1 if the first document is relevant.
    pub(crate) recall1: f64,
    /// 1 if a document among the first five is relevant.
    pub(crate) recall5: f64,
    /// 1 if a document among the first ten is relevant.
    pub(crate) recall10: f64,
    /// The reciprocal rank of the first relevant document.
    pub(crate) mrr: f64,
}

impl RankingMetrics {
    /// Computes the metrics of a ranking from the relevance of its documents and the number of all
    /// relevant ones.
    pub(crate) fn of(relevant: &[bool], total_relevant: usize) -> Self {
        // Any relevant document answers the question, so one of them suffices for recall.
        let recall = |depth: usize| if relevant.iter().take(depth).any(|hit| *hit) { 1.0 } else { 0.0 };
        let gain = |indices: &mut dyn Iterator<Item = usize>| -> f64 { indices.map(discount).sum() };
        let actual = gain(&mut (0..relevant.len().min(10)).filter(|index| relevant[*index]));
        let ideal = gain(&mut (0..total_relevant.min(10)));
        let first = relevant.iter().position(|hit| *hit);
        Self {
            ndcg10: if ideal > 0.0 { actual / ideal } else { 0.0 },
            recall1: recall(1),
            recall5: recall(5),
            recall10: recall(10),
            mrr: first.map_or(0.0, |index| 1.0 / rank(index)),
        }
    }

    /// Returns the mean of each metric; zero without any ranking.
    pub(crate) fn mean(all: &[Self]) -> Self {
        let mean = |metric: fn(&Self) -> f64| mean(all.iter().map(metric)).unwrap_or(0.0);
        Self {
            ndcg10: mean(|m| m.ndcg10),
            recall1: mean(|m| m.recall1),
            recall5: mean(|m| m.recall5),
            recall10: mean(|m| m.recall10),
            mrr: mean(|m| m.mrr),
        }
    }
}

/// Returns the mean; `None` without any number.
#[expect(clippy::cast_precision_loss, reason = "a file has few questions")]
pub(crate) fn mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = numbers.fold((0_usize, 0.0), |(count, sum), number| (count + 1, sum + number));
    (count > 0).then(|| sum / count as f64)
}

/// Converts an index to a rank, from 1.
#[expect(clippy::cast_precision_loss, reason = "ranks are small")]
fn rank(index: usize) -> f64 {
    (index + 1) as f64
}

fn discount(index: usize) -> f64 {
    1.0 / (rank(index) + 1.0).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn the_best_ranking_has_the_highest_metrics() {
        let best = RankingMetrics::of(&[true, true, false], 2);
        assert!(is_close(best.ndcg10, 1.0) && is_close(best.mrr, 1.0) && is_close(best.recall5, 1.0));
        assert!(is_close(best.recall1, 1.0));
    }

    #[test]
    fn a_lower_rank_has_lower_metrics_and_a_missing_document_none() {
        let second = RankingMetrics::of(&[false, true], 1);
        assert!(is_close(second.ndcg10, 1.0 / 3.0_f64.log2()) && is_close(second.mrr, 0.5));
        assert!(is_close(second.recall1, 0.0) && is_close(second.recall5, 1.0));
        assert_eq!(RankingMetrics::of(&[false; 20], 1), RankingMetrics::default());
        assert_eq!(RankingMetrics::of(&[], 1), RankingMetrics::default());
    }

    #[test]
    fn all_questions_have_the_same_weight() {
        let mean_metrics =
            RankingMetrics::mean(&[RankingMetrics::of(&[true], 1), RankingMetrics::of(&[false], 1)]);
        assert!(is_close(mean_metrics.ndcg10, 0.5));
        assert_eq!(RankingMetrics::mean(&[]), RankingMetrics::default());
        assert_eq!(mean(std::iter::empty()), None);
    }
}
