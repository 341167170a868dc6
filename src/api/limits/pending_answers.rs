//! The limit of answers that have not ended. Counting them costs a query, which few requests need.

use std::sync::{Arc, Mutex, PoisonError};

use aggregates::UserId;

use super::{Exhausted, Quantity};

/// People that a process remembers. A forgotten one is counted as one that was never seen.
const PEOPLE: usize = 10_000;

/// The most answers of one person that are requested and have not ended.
///
/// A process grants half of the limit to a person whom it has not seen, and after each count half of what the
/// count leaves, without counting again: so a question costs a query only close to the limit. A person can
/// exceed the limit by half of it with each further process. Requests of one person wait for
/// each other's count.
#[derive(Debug)]
pub(in crate::api) struct PendingAnswers {
    quantity: Quantity,
    people: Mutex<quick_cache::unsync::Cache<UserId, Person>>,
}

/// Counts of one person.
#[derive(Debug, Clone)]
struct Person {
    /// Answers that are granted without a count.
    granted: u64,
    /// Held during a count, so that a person is counted once at a time.
    counting: Arc<tokio::sync::Mutex<()>>,
}

impl PendingAnswers {
    pub(super) fn new(quantity: Quantity) -> Self {
        Self { quantity, people: Mutex::new(quick_cache::unsync::Cache::new(PEOPLE)) }
    }

    /// Refuses one more answer of a person who has as many as permitted. `pending` counts them and is polled
    /// only if that has to be known.
    pub(in crate::api) async fn check<E>(
        &self,
        user: UserId,
        pending: impl Future<Output = Result<u64, E>>,
    ) -> Result<Result<(), Exhausted>, E> {
        let Some(maximum) = self.quantity.maximum() else { return Ok(Ok(())) };
        let Some(counting) = self.take_granted(user, maximum) else { return Ok(Ok(())) };
        let _counting = counting.lock().await;
        // Another request may have counted meanwhile.
        if self.take_granted(user, maximum).is_none() {
            return Ok(Ok(()));
        }
        let pending = pending.await?;
        let checked = self.quantity.check(pending, 1);
        let granted = (maximum.saturating_sub(pending) / 2).saturating_sub(1);
        self.people().insert(user, Person { granted, counting: Arc::clone(&counting) });
        Ok(checked)
    }

    /// Takes an answer that is granted; the lock under which to count if none is.
    fn take_granted(&self, user: UserId, maximum: u64) -> Option<Arc<tokio::sync::Mutex<()>>> {
        let mut people = self.people();
        let mut person = people
            .get(&user)
            .cloned()
            .unwrap_or_else(|| Person { granted: maximum / 2, counting: Arc::default() });
        let counting = (person.granted == 0).then(|| Arc::clone(&person.counting));
        person.granted = person.granted.saturating_sub(1);
        people.insert(user, person);
        counting
    }

    fn people(&self) -> std::sync::MutexGuard<'_, quick_cache::unsync::Cache<UserId, Person>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
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
