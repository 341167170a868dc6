//! Durations of the stages of a question.

use std::time::{Duration, Instant};

/// The durations of one stage, one for each question.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timings(Vec<Duration>);

impl Timings {
    /// Runs a step and records its duration.
    pub(crate) async fn time<T>(&mut self, step: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let output = step.await;
        self.0.push(started.elapsed());
        output
    }

    /// Returns a percentile in milliseconds; `None` without any duration.
    pub(crate) fn percentile_ms(&self, percentile: Percentile) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        let index = match percentile {
            Percentile::P50 => last / 2,
            Percentile::P95 => (last * 19).div_ceil(20),
        };
        Some(milliseconds(sorted[index]))
    }
}

/// A percentile of the report.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Percentile {
    /// The median.
    P50,
    /// The 95th percentile.
    P95,
}

/// Converts a duration to milliseconds, rounded to hundredths.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_recorded_durations() {
        let timings = Timings((1..=20).rev().map(Duration::from_millis).collect());
        assert_eq!(timings.percentile_ms(Percentile::P50), Some(10.0));
        assert_eq!(timings.percentile_ms(Percentile::P95), Some(20.0));
        assert_eq!(Timings::default().percentile_ms(Percentile::P50), None);
    }
}
