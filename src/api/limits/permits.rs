//! Limits of what one person has open at the same time.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use aggregates::UserId;

use super::{Exhausted, Limit};

/// Seconds after which a refused request is repeated. A permit is free as soon as other work of
/// the person ends.
const RETRY_AFTER_SECONDS: u32 = 2;

/// Permits of one kind, counted by owner: a person, or an address.
#[derive(Debug, Clone)]
pub(in crate::api) struct Permits<K: Hash + Eq = UserId> {
    limit: Limit,
    /// `None` for no limit.
    maximum: Option<NonZeroU32>,
    /// The number of permits of each owner that has one: the map is never larger than the number of permits.
    taken: Arc<Mutex<HashMap<K, u32>>>,
}

/// The right of one owner to one piece of work. Dropping it gives the right back.
#[must_use = "a permit that is dropped at once limits nothing"]
#[derive(Debug)]
pub(in crate::api) struct Permit<K: Hash + Eq = UserId> {
    owner: K,
    taken: Arc<Mutex<HashMap<K, u32>>>,
}

impl<K: Hash + Eq + Clone> Permits<K> {
    /// At most so many permits for each owner; 0 is no limit.
    pub(super) fn new(limit: Limit, maximum: u32) -> Self {
        Self { limit, maximum: NonZeroU32::new(maximum), taken: Arc::default() }
    }

    /// Takes a permit. Never waits.
    pub(in crate::api) fn take(&self, owner: K) -> Result<Permit<K>, Exhausted> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.get(&owner).copied().unwrap_or_default();
        match self.maximum {
            Some(maximum) if count >= maximum.get() => Err(Exhausted {
                limit: self.limit,
                maximum: maximum.get().into(),
                retry_after: RETRY_AFTER_SECONDS,
            }),
            _ => {
                taken.insert(owner.clone(), count.saturating_add(1));
                Ok(Permit { owner, taken: Arc::clone(&self.taken) })
            }
        }
    }
}

impl<K: Hash + Eq> Drop for Permit<K> {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.owner) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId::new(Uuid::from_u128(number))
    }

    #[test]
    fn an_owner_has_no_more_permits_than_the_limit_and_other_owners_have_their_own() {
        let permits = Permits::new(Limit::Streams, 2);
        let first = permits.take(user(1)).unwrap();
        let _second = permits.take(user(1)).unwrap();
        let refused = permits.take(user(1)).unwrap_err();
        assert_eq!((refused.limit, refused.maximum), (Limit::Streams, 2));
        let _other = permits.take(user(2)).unwrap();
        drop(first);
        let _again = permits.take(user(1)).unwrap();
    }

    #[test]
    fn an_owner_without_permits_takes_no_memory() {
        let permits = Permits::new(Limit::Streams, 2);
        let held: Vec<_> = (0..100).map(|number| permits.take(user(number)).unwrap()).collect();
        assert_eq!(permits.taken.lock().unwrap().len(), 100);
        drop(held);
        assert!(permits.taken.lock().unwrap().is_empty());
    }

    #[test]
    fn zero_is_no_limit() {
        let permits = Permits::new(Limit::Streams, 0);
        let held: Vec<_> = (0..1_000).map(|_| permits.take(user(1)).unwrap()).collect();
        assert_eq!(held.len(), 1_000);
    }
}
