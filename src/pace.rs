//! Work that is not begun more often than is good for it.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

/// Ticks at once, and again when so much time has passed since the last tick; whoever comes later than that need not wait.
pub(crate) fn at_most_every(period: Duration) -> Interval {
    let mut pace = interval(period);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_who_comes_too_early_waits() {
        let period = Duration::from_millis(10);
        let (mut pace, begun) = (at_most_every(period), Instant::now());
        pace.tick().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        pace.tick().await;
        assert_eq!(begun.elapsed(), period);
        sleep(period * 5).await;
        pace.tick().await;
        assert_eq!(begun.elapsed(), period * 6);
        pace.tick().await;
        assert_eq!(begun.elapsed(), period * 7);
    }
}
