//! The owners whose commands this process accepted, until the read models are known to show them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aggregates::UserId;

/// The most owners that are told apart. With more, every owner counts as one who wrote.
const MAX_OWNERS: usize = 50_000;

/// The writes that reads have to look for.
#[derive(Debug, Default)]
pub(super) struct WrittenOwners(Mutex<Owners>);

#[derive(Debug, Default)]
struct Owners {
    writes: HashMap<UserId, Writes>,
    /// Writes of owners beyond the bound.
    untracked: Writes,
}

/// The writes of one owner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Writes {
    begun: u64,
    in_progress: u32,
}

/// A write in progress. Its end is the moment before its response is sent.
#[derive(Debug)]
pub(in crate::api) struct Write {
    written: Arc<WrittenOwners>,
    owner: UserId,
    is_tracked: bool,
}

/// The writes of an owner that had ended at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended(UserId, u64);

impl Ended {
    pub(super) const fn owner(self) -> UserId {
        self.0
    }
}

impl WrittenOwners {
    /// Notes that a write of an owner begins.
    pub(super) fn begin(self: &Arc<Self>, owner: UserId) -> Write {
        let mut owners = self.owners();
        let is_tracked = owners.writes.len() < MAX_OWNERS || owners.writes.contains_key(&owner);
        let writes = owners.entry(owner, is_tracked);
        writes.begun += 1;
        writes.in_progress += 1;
        Write { written: Arc::clone(self), owner, is_tracked }
    }

    /// Whether an owner may have written what the read models do not show.
    pub(super) fn contains(&self, owner: UserId) -> bool {
        let owners = self.owners();
        owners.untracked.begun > 0 || owners.writes.contains_key(&owner)
    }

    /// The writes of an owner, if none is in progress.
    pub(super) fn ended(&self, owner: UserId) -> Option<Ended> {
        let writes = *self.owners().writes.get(&owner)?;
        (writes.in_progress == 0).then_some(Ended(owner, writes.begun))
    }

    /// The writes of all owners without one in progress, at most `most` of them.
    pub(super) fn all_ended(&self, most: usize) -> Vec<Ended> {
        let owners = self.owners();
        let ended = owners.writes.iter().filter(|(_, writes)| writes.in_progress == 0);
        ended.map(|(owner, writes)| Ended(*owner, writes.begun)).take(most).collect()
    }

    /// The number of writes of owners beyond the bound, if none is in progress.
    pub(super) fn untracked_ended(&self) -> Option<u64> {
        let untracked = self.owners().untracked;
        (untracked.begun > 0 && untracked.in_progress == 0).then_some(untracked.begun)
    }

    /// Forgets writes that the read models show, unless the owner has written since.
    pub(super) fn forget(&self, Ended(owner, begun): Ended) {
        let mut owners = self.owners();
        if owners.writes.get(&owner) == Some(&Writes { begun, in_progress: 0 }) {
            owners.writes.remove(&owner);
        }
    }

    /// The same for owners beyond the bound.
    pub(super) fn forget_untracked(&self, begun: u64) {
        let mut owners = self.owners();
        if owners.untracked == (Writes { begun, in_progress: 0 }) {
            owners.untracked = Writes::default();
        }
    }

    fn owners(&self) -> MutexGuard<'_, Owners> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Owners {
    fn entry(&mut self, owner: UserId, is_tracked: bool) -> &mut Writes {
        if is_tracked { self.writes.entry(owner).or_default() } else { &mut self.untracked }
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        let mut owners = self.written.owners();
        let writes = owners.entry(self.owner, self.is_tracked);
        writes.in_progress = writes.in_progress.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(number: u128) -> UserId {
        UserId::new(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn a_write_is_remembered_until_it_ended_and_is_known_to_be_shown() {
        let written = Arc::<WrittenOwners>::default();
        assert!(!written.contains(owner(1)));
        let write = written.begin(owner(1));
        assert!(written.contains(owner(1)) && !written.contains(owner(2)));
        assert!(written.ended(owner(1)).is_none(), "it is in progress");
        drop(write);
        let ended = written.ended(owner(1)).unwrap();
        let next = written.begin(owner(1));
        written.forget(ended);
        assert!(written.contains(owner(1)), "the owner has written since");
        drop(next);
        written.forget(ended);
        assert!(written.contains(owner(1)), "the owner has written since");
        written.forget(written.ended(owner(1)).unwrap());
        assert!(!written.contains(owner(1)));
    }

    #[test]
    fn with_too_many_owners_each_counts_as_one_who_wrote() {
        let written = Arc::<WrittenOwners>::default();
        for number in 0..MAX_OWNERS as u128 {
            written.begin(owner(number));
        }
        assert!(!written.contains(owner(u128::MAX)));
        let untracked = written.begin(owner(u128::MAX - 1));
        assert!(written.contains(owner(u128::MAX)));
        assert_eq!(written.untracked_ended(), None, "it is in progress");
        drop(untracked);
        written.forget_untracked(written.untracked_ended().unwrap());
        assert!(!written.contains(owner(u128::MAX)) && written.contains(owner(0)));
        assert_eq!(written.all_ended(usize::MAX).len(), MAX_OWNERS);
    }
}
