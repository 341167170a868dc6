//! How long each stage took, question by question.

use std::time::{Duration, Instant};

/// The durations of one stage.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stage(Vec<Duration>);

impl Stage {
    /// Runs one step and keeps how long it took.
    pub(crate) async fn time<T>(&mut self, step: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let done = step.await;
        self.0.push(began.elapsed());
        done
    }

    /// The time in milliseconds that this share of the steps stays below; none when there was no step.
    pub(crate) fn quantile(&self, share: Share) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        let at = match share {
            Share::Half => last / 2,
            Share::NineteenOfTwenty => (last * 19).div_ceil(20),
        };
        Some(milliseconds(sorted[at]))
    }
}

/// Which part of the steps is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Share {
    /// The median.
    Half,
    /// The 95th percentile.
    NineteenOfTwenty,
}

/// Rounded to hundredths.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_was_measured() {
        let stage = Stage((1..=20).rev().map(Duration::from_millis).collect());
        assert_eq!(stage.quantile(Share::Half), Some(10.0));
        assert_eq!(stage.quantile(Share::NineteenOfTwenty), Some(20.0));
        assert_eq!(Stage::default().quantile(Share::Half), None);
    }
}
