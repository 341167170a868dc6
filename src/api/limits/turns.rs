//! Work of which each person has one piece at a time; further pieces wait for their turn, first
//! come first served.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aggregates::UserId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

type Persons = Arc<Mutex<HashMap<UserId, Arc<Semaphore>>>>;

/// The turns of each person that works or waits: the map is never larger than the number of requests.
#[derive(Debug, Default)]
pub(in crate::api) struct Turns {
    persons: Persons,
}

/// The turn of one person, or the wait for it. Dropping it lets the next piece of work begin.
#[must_use = "a turn that is dropped at once keeps nobody waiting"]
#[derive(Debug)]
pub(in crate::api) struct Turn {
    owner: UserId,
    persons: Persons,
    permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// Waits for the turn of a person, without a limit of its own: the time limit of the request applies.
    pub(in crate::api) async fn take(&self, owner: UserId) -> Turn {
        let own = {
            let mut persons = self.persons.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(persons.entry(owner).or_insert_with(|| Arc::new(Semaphore::new(1))))
        };
        let persons = Arc::clone(&self.persons);
        let mut turn = Turn { owner, persons, permit: None };
        // Nobody closes the semaphore.
        turn.permit = own.acquire_owned().await.ok();
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut persons = self.persons.lock().unwrap_or_else(PoisonError::into_inner);
        self.permit = None;
        // Only the map holds it: nobody works or waits.
        if persons.get(&self.owner).is_some_and(|semaphore| Arc::strong_count(semaphore) == 1) {
            persons.remove(&self.owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId::new(Uuid::from_u128(number))
    }

    #[tokio::test]
    async fn the_work_of_a_person_waits_for_its_turn_and_that_of_others_does_not() {
        let turns = Turns::default();
        let first = turns.take(user(1)).await;
        let mut second = Box::pin(turns.take(user(1)));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(turns.take(user(2)).now_or_never().is_some());
        drop(first);
        drop(second.await);
        assert!(turns.persons.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_wait_that_is_given_up_leaves_nothing_behind() {
        let turns = Turns::default();
        let first = turns.take(user(1)).await;
        assert!(Box::pin(turns.take(user(1))).as_mut().now_or_never().is_none());
        drop(first);
        assert!(turns.persons.lock().unwrap().is_empty());
    }
}
