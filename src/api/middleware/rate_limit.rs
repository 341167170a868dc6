//! How many commands one user may send: a bucket of tokens each, filled steadily.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use aggregates::UserId;
use quick_cache::sync::Cache;

use crate::api::problem::Problem;

/// Users whose buckets are remembered; a forgotten one is full.
const USERS: usize = 50_000;

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

/// The limit and its buckets.
#[derive(Debug)]
pub(crate) struct RateLimit {
    per_minute: f64,
    buckets: Cache<UserId, Arc<Mutex<Bucket>>>,
}

impl RateLimit {
    /// So many commands a minute, and as many at once; 0 is no limit.
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute: f64::from(per_minute), buckets: Cache::new(USERS) }
    }

    /// Takes a token, or says when there will be one.
    pub(crate) fn take(&self, user: UserId) -> Result<(), Problem> {
        if self.per_minute == 0.0 {
            return Ok(());
        }
        let bucket = self.buckets.get(&user).unwrap_or_else(|| {
            let full = Arc::new(Mutex::new(Bucket { tokens: self.per_minute, filled: Instant::now() }));
            self.buckets.insert(user, Arc::clone(&full));
            full
        });
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let gained = now.duration_since(bucket.filled).as_secs_f64() * self.per_minute / 60.0;
        bucket.tokens = (bucket.tokens + gained).min(self.per_minute);
        bucket.filled = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        let seconds = ((1.0 - bucket.tokens) * 60.0 / self.per_minute).ceil().clamp(1.0, 60.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 60")]
        Err(Problem::too_many(seconds as u32))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_user_who_is_too_fast_is_told_to_wait_and_others_are_not() {
        let limit = RateLimit::new(2);
        let (one, two) = (UserId::new(Uuid::from_u128(1)), UserId::new(Uuid::from_u128(2)));
        assert!(limit.take(one).is_ok() && limit.take(one).is_ok());
        assert!(limit.take(one).is_err());
        assert!(limit.take(two).is_ok());
    }

    #[test]
    fn zero_is_no_limit() {
        let limit = RateLimit::new(0);
        assert!((0..1_000).all(|_| limit.take(UserId::SHARED).is_ok()));
    }
}
