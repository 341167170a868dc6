//! Unwrapped keys in the memory of one process. A key that was forgotten is not cached again.

use aggregates::UserId;
use quick_cache::sync::Cache;
use sealing::{ContentKey, Subject, UserKey};

/// Cached keys of users, and of conversations and documents.
const USERS: usize = 20_000;
const CONTENTS: usize = 120_000;
/// Forgotten keys whose late insertion is refused. A key that a query read before its destruction arrives
/// within seconds, far before the set replaces its entry.
const FORGOTTEN: usize = 20_000;

/// The keys used last. A content key is found by its owner and its subject together, so that a subject under
/// another owner's name has no key.
#[derive(Debug)]
pub(crate) struct KeyCache {
    users: Cache<UserId, UserKey>,
    contents: Cache<(UserId, Subject), ContentKey>,
    forgotten: Cache<Subject, ()>,
}

impl KeyCache {
    pub(crate) fn new() -> Self {
        Self { users: Cache::new(USERS), contents: Cache::new(CONTENTS), forgotten: Cache::new(FORGOTTEN) }
    }

    pub(crate) fn user(&self, user: UserId) -> Option<UserKey> {
        self.users.get(&user)
    }

    pub(crate) fn content(&self, owner: UserId, subject: Subject) -> Option<ContentKey> {
        self.contents.get(&(owner, subject))
    }

    pub(crate) fn insert_user(&self, user: UserId, key: UserKey) {
        self.users.insert(user, key);
        // Checked after the insertion: of an insertion and a forgetting at the same time the
        // later one removes.
        if self.forgotten.get(&Subject::User(user)).is_some() {
            self.users.remove(&user);
        }
    }

    pub(crate) fn insert_content(&self, owner: UserId, subject: Subject, key: ContentKey) {
        self.contents.insert((owner, subject), key);
        let is_forgotten = |subject: Subject| self.forgotten.get(&subject).is_some();
        if is_forgotten(subject) || is_forgotten(Subject::User(owner)) {
            self.contents.remove(&(owner, subject));
        }
    }

    /// Removes a user's own key. [`Self::retain_contents`] removes the keys that it wraps.
    pub(crate) fn forget_user(&self, user: UserId) {
        self.forgotten.insert(Subject::User(user), ());
        self.users.remove(&user);
    }

    pub(crate) fn forget_content(&self, owner: UserId, subject: Subject) {
        self.forgotten.insert(subject, ());
        self.contents.remove(&(owner, subject));
    }

    /// Keeps the content keys of the owners that `keeps` accepts. Walks the whole cache: a few milliseconds
    /// when it is full.
    pub(crate) fn retain_contents(&self, keeps: impl Fn(UserId) -> bool) {
        self.contents.retain(|(owner, _), _| keeps(*owner));
    }

    pub(crate) fn clear(&self) {
        self.users.clear();
        self.contents.clear();
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ANNA: UserId = UserId::new(Uuid::from_u128(1));
    const BERT: UserId = UserId::new(Uuid::from_u128(2));
    const DOCUMENT: Subject = Subject::Document(Uuid::from_u128(3));

    fn key() -> ContentKey {
        ContentKey::random().unwrap()
    }

    #[test]
    fn a_key_is_given_for_its_own_owner_alone() {
        let cache = KeyCache::new();
        cache.insert_content(ANNA, DOCUMENT, key());
        assert!(cache.content(ANNA, DOCUMENT).is_some());
        assert!(cache.content(BERT, DOCUMENT).is_none());
    }

    #[test]
    fn a_key_that_was_read_before_it_was_forgotten_is_not_cached_afterwards() {
        let cache = KeyCache::new();
        cache.forget_user(ANNA);
        cache.insert_content(ANNA, DOCUMENT, key());
        assert!(cache.content(ANNA, DOCUMENT).is_none());
        cache.forget_content(BERT, DOCUMENT);
        cache.insert_content(BERT, DOCUMENT, key());
        assert!(cache.content(BERT, DOCUMENT).is_none());
    }

    #[test]
    fn an_erasure_forgets_the_keys_of_its_owner_and_nobody_elses() {
        let cache = KeyCache::new();
        let others: Vec<_> = (10..500).map(|id| (BERT, Subject::Conversation(Uuid::from_u128(id)))).collect();
        for (owner, subject) in &others {
            cache.insert_content(*owner, *subject, key());
        }
        cache.insert_content(ANNA, DOCUMENT, key());
        cache.forget_user(ANNA);
        cache.retain_contents(|owner| owner != ANNA);
        assert!(cache.content(ANNA, DOCUMENT).is_none());
        assert!(others.iter().all(|(owner, subject)| cache.content(*owner, *subject).is_some()));
    }
}
