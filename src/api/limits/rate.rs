//! Limits of how often one person does something: a burst of one minute's quota, then a steady rate.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::{Exhausted, Limit};

/// After so many counts, keys whose quota is full again are forgotten. Memory is bounded by the keys of the
/// last minute and this number.
const FORGET_EVERY: u32 = 4_096;

type Limiter<K, C> = RateLimiter<K, DashMapStateStore<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// The limit, and the use that each key has made of it. A key is a person, or an address.
#[derive(Debug)]
pub(in crate::api) struct RateLimit<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    limit: Limit,
    /// `None` for no limit.
    limited: Option<Limited<K, C>>,
}

/// A rate, and the use that each key has made of it.
#[derive(Debug)]
pub(super) struct Limited<K: Hash + Eq + Clone, C: Clock> {
    maximum: NonZeroU32,
    limiter: Limiter<K, C>,
    clock: C,
    counts: AtomicU32,
}

impl<K: Hash + Eq + Clone> RateLimit<K> {
    /// So many in a minute, at once or spread; 0 is no limit.
    pub(super) fn per_minute(limit: Limit, maximum: u32) -> Self {
        Self::with_clock(limit, maximum, DefaultClock::default())
    }
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> RateLimit<K, C> {
    fn with_clock(limit: Limit, maximum: u32, clock: C) -> Self {
        let limited = NonZeroU32::new(maximum).map(|maximum| Limited::new(maximum, Quota::per_minute, clock));
        Self { limit, limited }
    }

    /// Counts one. The refusal says after how many seconds the next one is accepted.
    pub(in crate::api) fn count(&self, key: &K) -> Result<(), Exhausted> {
        let Some(limited) = &self.limited else { return Ok(()) };
        limited.count(key).map_err(|retry_after| Exhausted {
            limit: self.limit,
            maximum: limited.maximum.get().into(),
            retry_after,
        })
    }
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> Limited<K, C> {
    pub(super) fn new(maximum: NonZeroU32, quota: fn(NonZeroU32) -> Quota, clock: C) -> Self {
        let limiter = RateLimiter::dashmap_with_clock(quota(maximum), clock.clone());
        Self { maximum, limiter, clock, counts: AtomicU32::new(0) }
    }

    /// Counts one. The refusal has the seconds after which the next one is accepted.
    pub(super) fn count(&self, key: &K) -> Result<(), u32> {
        if self.counts.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            u32::try_from(seconds).unwrap_or(u32::MAX).max(1)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aggregates::UserId;
    use governor::clock::FakeRelativeClock;
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId::new(Uuid::from_u128(number))
    }

    #[test]
    fn a_user_above_the_limit_waits_and_other_users_do_not() {
        let clock = FakeRelativeClock::default();
        let limit = RateLimit::with_clock(Limit::Commands, 2, clock.clone());
        assert!(limit.count(&user(1)).is_ok() && limit.count(&user(1)).is_ok());
        let refused = limit.count(&user(1)).unwrap_err();
        assert_eq!((refused.maximum, refused.retry_after), (2, 30));
        assert!(limit.count(&user(2)).is_ok());
        clock.advance(Duration::from_secs(30));
        assert!(limit.count(&user(1)).is_ok());
        assert!(limit.count(&user(1)).is_err());
    }

    #[test]
    fn first_commands_at_the_same_time_share_one_quota() {
        let limit = RateLimit::with_clock(Limit::Commands, 100, FakeRelativeClock::default());
        for number in 0..50 {
            let accepted = AtomicU32::new(0);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for _ in 0..50 {
                            if limit.count(&user(number)).is_ok() {
                                accepted.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                    });
                }
            });
            assert_eq!(accepted.into_inner(), 100);
        }
    }

    #[test]
    fn users_whose_quota_is_full_again_are_forgotten() {
        let clock = FakeRelativeClock::default();
        let limit = RateLimit::with_clock(Limit::Commands, 60, clock.clone());
        for number in 0..u128::from(FORGET_EVERY) - 1 {
            limit.count(&user(number)).unwrap();
        }
        clock.advance(Duration::from_secs(2));
        limit.count(&user(0)).unwrap();
        assert_eq!(limit.limited.unwrap().limiter.len(), 1);
    }

    #[test]
    fn zero_is_no_limit() {
        let limit = RateLimit::per_minute(Limit::Commands, 0);
        assert!((0..1_000).all(|_| limit.count(&UserId::SHARED).is_ok()));
    }
}
