//! Slows the refusals of whoever goes on in spite of them, so that requests which are refused take little of
//! the processors from the others.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;
use governor::clock::DefaultClock;
use tokio::sync::Semaphore;

use super::rate::Limited;

/// Delay of the refusals above the rate. A connection waits as long as for a slow read.
const DELAY: Duration = Duration::from_secs(1);
/// Refusals that wait at the same time; those above are answered at once. Each holds its connection, and many
/// may come through one proxy.
const MAX_WAITING: usize = 256;

/// The refusals of each key: a token, or an address.
#[derive(Debug)]
pub(in crate::api) struct Refusals<K: Hash + Eq + Clone> {
    recent: Limited<K, DefaultClock>,
    waiting: Semaphore,
}

impl<K: Hash + Eq + Clone> Refusals<K> {
    /// `at_once` refusals of one key in a second are answered at once.
    pub(super) fn new(at_once: NonZeroU32) -> Self {
        let recent = Limited::new(at_once, Quota::per_second, DefaultClock::default());
        Self { recent, waiting: Semaphore::new(MAX_WAITING) }
    }

    /// Returns when a refusal may be answered: at once, or after a second.
    pub(in crate::api) async fn wait(&self, key: &K) {
        if self.recent.count(key).is_err()
            && let Ok(_waiting) = self.waiting.try_acquire()
        {
            tokio::time::sleep(DELAY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn refusals_wait_after_the_first_ones_and_those_of_others_do_not() {
        let refusals = Refusals::new(NonZeroU32::MIN);
        let began = Instant::now();
        refusals.wait(&"hostile").await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        refusals.wait(&"other").await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        refusals.wait(&"hostile").await;
        assert_eq!(began.elapsed(), DELAY);
    }
}
