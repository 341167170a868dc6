//! Limit of commands per user: a burst of one minute's quota, then a steady rate.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use aggregates::UserId;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::api::problem::Problem;

/// After so many commands, users whose quota is full again are forgotten. Memory is bounded by the users of
/// the last minute and this number.
const FORGET_EVERY: u32 = 4_096;

type Limiter<C> = RateLimiter<UserId, DashMapStateStore<UserId>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// The limit and the use that each user has made of it.
#[derive(Debug)]
pub(in crate::api) struct RateLimit<C: Clock = DefaultClock> {
    limited: Option<Limited<C>>,
}

#[derive(Debug)]
struct Limited<C: Clock> {
    per_minute: NonZeroU32,
    limiter: Limiter<C>,
    clock: C,
    commands: AtomicU32,
}

impl RateLimit {
    /// A limit of so many commands a minute, at once or spread; 0 is no limit.
    pub(in crate::api) fn per_minute(commands: u32) -> Self {
        Self::with_clock(commands, DefaultClock::default())
    }
}

impl<C: Clock + Clone> RateLimit<C> {
    fn with_clock(commands: u32, clock: C) -> Self {
        let limited = NonZeroU32::new(commands).map(|per_minute| Limited {
            per_minute,
            limiter: RateLimiter::dashmap_with_clock(Quota::per_minute(per_minute), clock.clone()),
            clock,
            commands: AtomicU32::new(0),
        });
        Self { limited }
    }

    /// Counts a command. The problem says after how many seconds the next command is accepted.
    pub(in crate::api) fn count_command(&self, user: UserId) -> Result<(), Problem> {
        self.limited.as_ref().map_or(Ok(()), |limited| limited.count(user))
    }
}

impl<C: Clock> Limited<C> {
    fn count(&self, user: UserId) -> Result<(), Problem> {
        if self.commands.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&user).map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let seconds = u32::try_from(seconds).unwrap_or(u32::MAX).max(1);
            Problem::too_many_commands(self.per_minute, seconds)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId::new(Uuid::from_u128(number))
    }

    #[test]
    fn a_user_above_the_limit_waits_and_other_users_do_not() {
        let clock = FakeRelativeClock::default();
        let limit = RateLimit::with_clock(2, clock.clone());
        assert!(limit.count_command(user(1)).is_ok() && limit.count_command(user(1)).is_ok());
        let refused = limit.count_command(user(1)).unwrap_err();
        assert_eq!(refused.render("").headers()[axum::http::header::RETRY_AFTER], "30");
        assert!(limit.count_command(user(2)).is_ok());
        clock.advance(Duration::from_secs(30));
        assert!(limit.count_command(user(1)).is_ok());
        assert!(limit.count_command(user(1)).is_err());
    }

    #[test]
    fn first_commands_at_the_same_time_share_one_quota() {
        let limit = RateLimit::with_clock(100, FakeRelativeClock::default());
        for number in 0..50 {
            let accepted = AtomicU32::new(0);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for _ in 0..50 {
                            if limit.count_command(user(number)).is_ok() {
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
        let limit = RateLimit::with_clock(60, clock.clone());
        for number in 0..u128::from(FORGET_EVERY) - 1 {
            limit.count_command(user(number)).unwrap();
        }
        clock.advance(Duration::from_secs(2));
        limit.count_command(user(0)).unwrap();
        assert_eq!(limit.limited.unwrap().limiter.len(), 1);
    }

    #[test]
    fn zero_is_no_limit() {
        let limit = RateLimit::per_minute(0);
        assert!((0..1_000).all(|_| limit.count_command(UserId::SHARED).is_ok()));
    }
}
