//! The limit of answers that have not ended. Counting them costs a query, which few requests need.

use std::sync::{Mutex, PoisonError};

use aggregates::UserId;

use super::{Exhausted, Quantity};

/// People that a process remembers. A forgotten one is counted as one that was never seen.
const PEOPLE: usize = 10_000;

/// The most answers of one person that are requested and have not ended.
///
/// A process grants half of the limit to a person whom it has not seen, and after each count half of what the count
/// leaves, without counting again: so a question costs a query only close to the limit. A person can
/// exceed the limit by half of it with each further process.
#[derive(Debug)]
pub(in crate::api) struct PendingAnswers {
    quantity: Quantity,
    /// What is granted to each person without a count.
    granted: Mutex<quick_cache::unsync::Cache<UserId, u64>>,
}

impl PendingAnswers {
    pub(super) fn new(quantity: Quantity) -> Self {
        Self { quantity, granted: Mutex::new(quick_cache::unsync::Cache::new(PEOPLE)) }
    }

    /// Refuses one more answer of a person who has as many as permitted. `pending` counts them and is polled only
    /// if that has to be known.
    pub(in crate::api) async fn check<E>(
        &self,
        user: UserId,
        pending: impl Future<Output = Result<u64, E>>,
    ) -> Result<Result<(), Exhausted>, E> {
        let Some(maximum) = self.quantity.maximum() else { return Ok(Ok(())) };
        if self.take_granted(user, maximum) {
            return Ok(Ok(()));
        }
        let pending = pending.await?;
        let checked = self.quantity.check(pending, 1);
        let granted = maximum.saturating_sub(pending) / 2;
        self.granted().insert(user, granted.saturating_sub(1));
        Ok(checked)
    }

    fn take_granted(&self, user: UserId, maximum: u64) -> bool {
        let mut granted = self.granted();
        let left = granted.get(&user).copied().unwrap_or(maximum / 2);
        granted.insert(user, left.saturating_sub(1));
        left > 0
    }

    fn granted(&self) -> std::sync::MutexGuard<'_, quick_cache::unsync::Cache<UserId, u64>> {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use super::super::Limit;
    use super::*;

    #[tokio::test]
    async fn the_limit_is_exact_and_few_requests_are_counted() {
        let limit = PendingAnswers::new(Quantity::new(Limit::PendingAnswers, 100));
        let user = UserId::new(uuid::Uuid::from_u128(1));
        let counts = Cell::new(0);
        let pending = Cell::new(0_u64);
        let ask = async || {
            let counting = async {
                counts.set(counts.get() + 1);
                Ok::<_, Infallible>(pending.get())
            };
            let checked = limit.check(user, counting).await.unwrap();
            pending.set(pending.get() + u64::from(checked.is_ok()));
            checked.is_ok()
        };
        for _ in 0..100 {
            assert!(ask().await);
        }
        assert!(counts.get() < 12, "{} counts", counts.get());
        assert!(!ask().await && !ask().await);
        pending.set(99);
        assert!(ask().await && !ask().await);
    }
}
