//! Documents that wait, taken in turn by owner. Of one owner, small files go before large ones, and a small
//! one has its turn beside a large one; otherwise an owner has one turn at a time. Bounded for each owner and
//! in all.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aggregates::UserId;
use tokio::sync::Notify;

/// Places of one owner, and of all.
const MAX_OF_OWNER: usize = 64;
const MAX_OF_ALL: usize = 1_024;
/// The largest file that counts as small.
const SMALL_BYTES: u64 = 256 << 10;

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
    /// Items with the sizes of their files, the smallest first.
    waiting: HashMap<UserId, VecDeque<(u64, T)>>,
    /// Owners whose turn it is now, each with whether the file is small.
    busy: HashSet<(UserId, bool)>,
    len: usize,
}

/// The turn of an owner, which ends when this value is dropped.
#[derive(Debug)]
pub(super) struct Turn<T> {
    queue: Arc<FairQueue<T>>,
    owner: UserId,
    is_small: bool,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        let lines = Lines { turns: VecDeque::new(), waiting: HashMap::new(), busy: HashSet::new(), len: 0 };
        Self { lines: Mutex::new(lines), available: Notify::new(), room: Notify::new() }
    }
}

impl<T> FairQueue<T> {
    /// Adds an item to its owner's line, behind all whose files are not larger; gives it back if there
    /// is no place.
    pub(super) fn push(&self, owner: UserId, bytes: u64, item: T) -> Result<(), T> {
        let mut lines = self.lines();
        let Lines { turns, waiting, len, .. } = &mut *lines;
        let line = waiting.get(&owner).map_or(0, VecDeque::len);
        if *len >= MAX_OF_ALL || line >= MAX_OF_OWNER {
            return Err(item);
        }
        if line == 0 {
            turns.push_back(owner);
        }
        let line = waiting.entry(owner).or_default();
        let place = line.partition_point(|(other, _)| *other <= bytes);
        line.insert(place, (bytes, item));
        *len += 1;
        drop(lines);
        self.available.notify_one();
        Ok(())
    }

    /// Takes the first item of the next owner that may have a turn. Waits for one. For one caller at a time;
    /// no item is lost when the future is dropped.
    pub(super) async fn take(self: &Arc<Self>) -> (T, Turn<T>) {
        loop {
            if let Some((item, owner, is_small)) = self.lines().take() {
                self.room.notify_one();
                return (item, Turn { queue: Arc::clone(self), owner, is_small });
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
        self.lines().waiting.get(&owner).is_some_and(|line| line.iter().any(|(_, item)| condition(item)))
    }

    fn lines(&self) -> MutexGuard<'_, Lines<T>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Lines<T> {
    /// Whether the next file of an owner is small, if it may have its turn: a small one beside a large one, a
    /// large one alone.
    fn next_of(&self, owner: UserId) -> Option<bool> {
        let (bytes, _) = self.waiting.get(&owner)?.front()?;
        let is_small = *bytes <= SMALL_BYTES;
        let is_busy = |is_small| self.busy.contains(&(owner, is_small));
        (!is_busy(true) && (is_small || !is_busy(false))).then_some(is_small)
    }

    fn take(&mut self) -> Option<(T, UserId, bool)> {
        let mut owners = self.turns.iter().enumerate();
        let (place, is_small) = owners.find_map(|(place, owner)| Some((place, self.next_of(*owner)?)))?;
        let owner = self.turns.remove(place)?;
        let line = self.waiting.get_mut(&owner)?;
        let (_, item) = line.pop_front()?;
        self.len -= 1;
        if line.is_empty() {
            self.waiting.remove(&owner);
        } else {
            self.turns.push_back(owner);
        }
        self.busy.insert((owner, is_small));
        Some((item, owner, is_small))
    }
}

impl<T> Drop for Turn<T> {
    fn drop(&mut self) {
        self.queue.lines().busy.remove(&(self.owner, self.is_small));
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
            queue.push(owner(number), 1, item).unwrap();
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
            queue.push(owner(number), 1, item).unwrap();
        }
        let (first, turn) = take(&queue).unwrap();
        let (second, _turn) = take(&queue).unwrap();
        assert_eq!((first, second), ("a", "c"));
        assert!(take(&queue).is_none());
        drop(turn);
        assert_eq!(take(&queue).unwrap().0, "b");
    }

    #[test]
    fn a_small_file_goes_before_and_beside_a_large_one_of_its_owner() {
        let queue = Arc::new(FairQueue::default());
        let large = SMALL_BYTES + 1;
        for (bytes, item) in [(large, "large"), (large, "second large")] {
            queue.push(owner(1), bytes, item).unwrap();
        }
        let (first, reading) = take(&queue).unwrap();
        assert_eq!(first, "large");
        queue.push(owner(1), 9, "small").unwrap();
        queue.push(owner(1), 3, "smaller").unwrap();
        let (second, turn) = take(&queue).unwrap();
        assert_eq!(second, "smaller");
        assert!(take(&queue).is_none());
        drop(turn);
        let (third, turn) = take(&queue).unwrap();
        assert_eq!(third, "small");
        drop(turn);
        assert!(take(&queue).is_none());
        drop(reading);
        assert_eq!(take(&queue).unwrap().0, "second large");
    }

    #[test]
    fn a_full_line_refuses_its_owner_alone() {
        let queue = Arc::new(FairQueue::default());
        for _ in 0..MAX_OF_OWNER {
            queue.push(owner(1), 1, ()).unwrap();
        }
        assert_eq!(queue.push(owner(1), 1, ()), Err(()));
        assert_eq!(queue.push(owner(2), 1, ()), Ok(()));
    }

    #[test]
    fn a_full_queue_waits_for_room() {
        let queue = Arc::new(FairQueue::default());
        let mut number = 0;
        while queue.push(owner(number), 1, ()).is_ok() {
            number += 1;
        }
        assert_eq!(queue.has_room().now_or_never(), None);
        drop(take(&queue));
        assert_eq!(queue.has_room().now_or_never(), Some(()));
    }
}
