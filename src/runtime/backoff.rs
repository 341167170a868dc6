//! Exponential back-off with jitter, the only one in the service.

use std::time::Duration;

/// Delays between attempts that double from `first` to `limit`.
///
/// Each delay is drawn from the upper half of its interval, so that processes which failed together do not
/// come back together. The same delays pace the looks of an idle role, so that an idle database can suspend.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    limit: Duration,
    interval: Duration,
}

impl Backoff {
    /// A back-off whose first interval is `first` and whose longest is `limit`.
    pub const fn new(first: Duration, limit: Duration) -> Self {
        Self { first, limit, interval: first }
    }

    /// Starts over with the first interval, after a success.
    pub const fn reset(&mut self) {
        self.interval = self.first;
    }

    /// The next delay. The interval after it is twice as long.
    pub fn next_delay(&mut self) -> Duration {
        let interval = self.interval;
        self.interval = interval.saturating_mul(2).min(self.limit);
        jittered(interval)
    }

    /// Sleeps for the next delay. When the sleep is cancelled, the delay still counts.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.next_delay()).await;
    }

    /// The delay before attempt number `attempt` (1, 2, 3, …), for a count that is kept elsewhere.
    pub fn delay_before(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        jittered(self.first.saturating_mul(1 << doublings).min(self.limit))
    }
}

fn jittered(interval: Duration) -> Duration {
    interval.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);
    const LIMIT: Duration = Duration::from_secs(1);

    fn within(delay: Duration, interval: Duration) -> bool {
        (interval / 2..=interval).contains(&delay)
    }

    #[test]
    fn intervals_double_up_to_the_limit_and_start_over_after_a_reset() {
        let mut backoff = Backoff::new(FIRST, LIMIT);
        for expected in [100, 200, 400, 800, 1000, 1000] {
            assert!(within(backoff.next_delay(), Duration::from_millis(expected)));
        }
        backoff.reset();
        assert!(within(backoff.next_delay(), FIRST));
    }

    #[test]
    fn delays_differ_between_processes_that_fail_together() {
        let delays: std::collections::HashSet<_> =
            (0..32).map(|_| Backoff::new(FIRST, LIMIT).next_delay()).collect();
        assert!(delays.len() > 1);
    }

    #[test]
    fn the_delay_of_an_attempt_follows_from_its_number() {
        let backoff = Backoff::new(FIRST, LIMIT);
        assert!(within(backoff.delay_before(1), FIRST));
        assert!(within(backoff.delay_before(3), FIRST * 4));
        assert!(within(backoff.delay_before(u32::MAX), LIMIT));
    }
}
