//! Documents that wait, taken in turn by owner and one of each owner at a time. Bounded for each owner and in
//! all.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aggregates::UserId;
use tokio::sync::Notify;

/// Places of one owner, and of all.
const MAX_OF_OWNER: usize = 64;
const MAX_OF_ALL: usize = 1_024;

/// A queue with a line for each owner.
#[derive(Debug)]
pub(super) struct FairQueue<T> {
    lines: Mutex<Lines<T>>,
    /// Notified when an item may be taken.
    available: Notify,
    /// Notified when there is room.
    room: Notify,
}

#[derive(Debug)]
struct Lines<T> {
    /// Owners with waiting items, in the order of their turns.
    turns: VecDeque<UserId>,
    waiting: HashMap<UserId, VecDeque<T>>,
    /// Owners whose turn it is now.
    busy: HashSet<UserId>,
    len: usize,
}

/// The turn of an owner, which ends when this value is dropped.
#[derive(Debug)]
pub(super) struct Turn<T> {
    queue: Arc<FairQueue<T>>,
    owner: UserId,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        let lines = Lines { turns: VecDeque::new(), waiting: HashMap::new(), busy: HashSet::new(), len: 0 };
        Self { lines: Mutex::new(lines), available: Notify::new(), room: Notify::new() }
    }
}

impl<T> FairQueue<T> {
    /// Adds an item at the end of its owner's line; gives it back if there is no place.
    pub(super) fn push(&self, owner: UserId, item: T) -> Result<(), T> {
        let mut lines = self.lines();
        let Lines { turns, waiting, len, .. } = &mut *lines;
        let line = waiting.get(&owner).map_or(0, VecDeque::len);
        if *len >= MAX_OF_ALL || line >= MAX_OF_OWNER {
            return Err(item);
        }
        if line == 0 {
            turns.push_back(owner);
        }
        waiting.entry(owner).or_default().push_back(item);
        *len += 1;
        drop(lines);
        self.available.notify_one();
        Ok(())
    }

    /// Takes the first item of the next owner that has no turn. Waits for one. For one caller at a time; no
    /// item is lost when the future is dropped.
    pub(super) async fn take(self: &Arc<Self>) -> (T, Turn<T>) {
        loop {
            if let Some((item, owner)) = self.lines().take() {
                self.room.notify_one();
                return (item, Turn { queue: Arc::clone(self), owner });
            }
            self.available.notified().await;
        }
    }

    /// Waits until there is room. For one caller at a time.
    pub(super) async fn has_room(&self) {
        while self.lines().len >= MAX_OF_ALL {
            self.room.notified().await;
        }
    }

    /// Whether one of the owner's waiting items meets a condition.
    pub(super) fn any_of(&self, owner: UserId, condition: impl Fn(&T) -> bool) -> bool {
        self.lines().waiting.get(&owner).is_some_and(|line| line.iter().any(condition))
    }

    fn lines(&self) -> MutexGuard<'_, Lines<T>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Lines<T> {
    fn take(&mut self) -> Option<(T, UserId)> {
        let place = self.turns.iter().position(|owner| !self.busy.contains(owner))?;
        let owner = self.turns.remove(place)?;
        let line = self.waiting.get_mut(&owner)?;
        let item = line.pop_front()?;
        self.len -= 1;
        if line.is_empty() {
            self.waiting.remove(&owner);
        } else {
            self.turns.push_back(owner);
        }
        self.busy.insert(owner);
        Some((item, owner))
    }
}

impl<T> Drop for Turn<T> {
    fn drop(&mut self) {
        self.queue.lines().busy.remove(&self.owner);
        self.queue.available.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use uuid::Uuid;

    use super::*;

    fn owner(number: u128) -> UserId {
        UserId::new(Uuid::from_u128(number))
    }

    fn take<T>(queue: &Arc<FairQueue<T>>) -> Option<(T, Turn<T>)> {
        queue.take().now_or_never()
    }

    #[test]
    fn owners_take_turns_however_many_items_one_has() {
        let queue = Arc::new(FairQueue::default());
        for (number, item) in [(1, "a"), (1, "b"), (1, "c"), (2, "d"), (3, "e")] {
            queue.push(owner(number), item).unwrap();
        }
        let mut taken = Vec::new();
        while let Some((item, turn)) = take(&queue) {
            drop(turn);
            taken.push(item);
        }
        assert_eq!(taken, ["a", "d", "e", "b", "c"]);
    }

    #[test]
    fn an_owner_has_one_turn_at_a_time() {
        let queue = Arc::new(FairQueue::default());
        for (number, item) in [(1, "a"), (1, "b"), (2, "c")] {
            queue.push(owner(number), item).unwrap();
        }
        let (first, turn) = take(&queue).unwrap();
        let (second, _turn) = take(&queue).unwrap();
        assert_eq!((first, second), ("a", "c"));
        assert!(take(&queue).is_none());
        drop(turn);
        assert_eq!(take(&queue).unwrap().0, "b");
    }

    #[test]
    fn a_full_line_refuses_its_owner_alone() {
        let queue = Arc::new(FairQueue::default());
        for _ in 0..MAX_OF_OWNER {
            queue.push(owner(1), ()).unwrap();
        }
        assert_eq!(queue.push(owner(1), ()), Err(()));
        assert_eq!(queue.push(owner(2), ()), Ok(()));
    }

    #[test]
    fn a_full_queue_waits_for_room() {
        let queue = Arc::new(FairQueue::default());
        let mut number = 0;
        while queue.push(owner(number), ()).is_ok() {
            number += 1;
        }
        assert_eq!(queue.has_room().now_or_never(), None);
        drop(take(&queue));
        assert_eq!(queue.has_room().now_or_never(), Some(()));
    }
}
