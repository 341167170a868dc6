//! Unwraps the keys of users, conversations and documents, and caches them.

use std::collections::{HashMap, HashSet};

use aggregates::UserId;
use sealing::{ContentKey, MasterKey, Subject, UserKey};

use crate::keys::key_cache::KeyCache;
use crate::keys::wrapped_keys::{WrappedKey, WrappedKeys};
use crate::{Connections, Database, StoreError};
use database::Pool;

/// Content keys by owner and conversation or document. Destroyed keys are missing, and so are those that
/// belong to another owner.
pub type ContentKeys = HashMap<(UserId, Subject), ContentKey>;

/// Unwraps keys and caches those used last.
#[derive(Debug)]
pub struct Keyring {
    pool: Pool,
    wrapped: WrappedKeys,
    master: MasterKey,
    previous: Option<MasterKey>,
    cache: KeyCache,
}

/// A key that is stored together with the first event of its account, conversation or document.
#[derive(Debug)]
pub(crate) struct NewKey {
    pub(crate) subject: Subject,
    pub(crate) owner: UserId,
    pub(crate) wrapped_by: String,
    pub(crate) wrapped: Vec<u8>,
}

impl Keyring {
    /// A keyring that reads wrapped keys from the database and unwraps them by the master key.
    pub fn new(Database(pool): Database, master: MasterKey) -> Self {
        let wrapped = WrappedKeys::new(pool.clone());
        Self { pool, wrapped, master, previous: None, cache: KeyCache::new() }
    }

    /// Also unwraps keys by the previous master key, until all keys are rotated.
    #[must_use]
    pub fn with_previous(self, previous: Option<MasterKey>) -> Self {
        Self { previous, ..self }
    }

    /// The configured master key with this id.
    pub(crate) fn master_named(&self, id: &str) -> Option<&MasterKey> {
        [Some(&self.master), self.previous.as_ref()].into_iter().flatten().find(|key| key.id() == id)
    }

    /// The connections of its pool at this moment.
    pub fn connections(&self) -> Connections {
        Connections::of(&self.pool)
    }

    pub(crate) const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The configured master key.
    pub const fn master(&self) -> &MasterKey {
        &self.master
    }

    /// A user's key; `None` if the account was never opened or the key was destroyed.
    pub async fn user(&self, user: UserId) -> Result<Option<UserKey>, StoreError> {
        match self.cache.user(user) {
            Some(key) => Ok(Some(key)),
            None => Ok(self.user_keys(&[user]).await?.remove(&user)),
        }
    }

    /// The key of a conversation or document if it is cached.
    pub fn known(&self, owner: UserId, subject: Subject) -> Option<ContentKey> {
        self.cache.content(owner, subject)
    }

    /// The key of a conversation or document; `None` if it was never created, was destroyed, or belongs to
    /// another owner.
    pub async fn content(&self, owner: UserId, subject: Subject) -> Result<Option<ContentKey>, StoreError> {
        match self.cache.content(owner, subject) {
            Some(key) => Ok(Some(key)),
            None => Ok(self.content_keys(&[(owner, subject)]).await?.remove(&(owner, subject))),
        }
    }

    /// The keys of several conversations and documents, and of accounts, whose subject is their user. At most
    /// two round trips; none if all keys are cached.
    pub async fn content_keys(&self, wanted: &[(UserId, Subject)]) -> Result<ContentKeys, StoreError> {
        let mut keys = ContentKeys::with_capacity(wanted.len());
        let mut missing: HashSet<(UserId, Subject)> = HashSet::new();
        let mut accounts: HashSet<UserId> = HashSet::new();
        for &(owner, subject) in wanted {
            if let Subject::User(user) = subject {
                accounts.extend((user == owner).then_some(user));
                continue;
            }
            match self.cache.content(owner, subject) {
                Some(key) => {
                    keys.insert((owner, subject), key);
                }
                None => {
                    missing.insert((owner, subject));
                }
            }
        }
        let owners: HashSet<UserId> =
            missing.iter().map(|(owner, _)| *owner).chain(accounts.iter().copied()).collect();
        let users = self.user_keys(&Vec::from_iter(owners)).await?;
        for user in accounts {
            let key = users.get(&user).map(UserKey::account_key);
            keys.extend(key.map(|key| ((user, Subject::User(user)), key)));
        }
        let subjects: HashSet<Subject> = missing.iter().map(|(_, subject)| *subject).collect();
        for WrappedKey { subject, owner, wrapped, .. } in self.wrapped.fetch(Vec::from_iter(subjects)).await?
        {
            if let (true, Some(user_key)) = (missing.contains(&(owner, subject)), users.get(&owner)) {
                let key = user_key.unwrap_content_key(subject, &wrapped)?;
                self.cache.insert_content(owner, subject, key.clone());
                keys.insert((owner, subject), key);
            }
        }
        Ok(keys)
    }

    /// The keys of several users. At most one round trip.
    pub async fn user_keys(&self, wanted: &[UserId]) -> Result<HashMap<UserId, UserKey>, StoreError> {
        let mut keys = HashMap::with_capacity(wanted.len());
        let mut missing = Vec::new();
        for user in wanted {
            match self.cache.user(*user) {
                Some(key) => {
                    keys.insert(*user, key);
                }
                None => missing.push(Subject::User(*user)),
            }
        }
        for WrappedKey { subject, wrapped_by, wrapped, .. } in self.wrapped.fetch(missing).await? {
            if let Subject::User(user) = subject {
                keys.insert(user, self.unwrap_and_cache(user, &wrapped_by, &wrapped)?);
            }
        }
        Ok(keys)
    }

    /// Unwraps a content key that a query returned for its owner, and fetches the owner's key if it is not
    /// cached; `None` if either was destroyed.
    pub async fn unwrap_for(
        &self,
        owner: UserId,
        subject: Subject,
        wrapped: Option<&[u8]>,
    ) -> Result<Option<ContentKey>, StoreError> {
        let Some(wrapped) = wrapped else { return Ok(None) };
        if let Some(key) = self.cache.content(owner, subject) {
            return Ok(Some(key));
        }
        let Some(user_key) = self.user(owner).await? else { return Ok(None) };
        let key = user_key.unwrap_content_key(subject, wrapped)?;
        self.cache.insert_content(owner, subject, key.clone());
        Ok(Some(key))
    }

    /// Unwraps and caches a user's key that a query returned.
    pub fn unwrap_user(&self, user: UserId, wrapped_by: &str, wrapped: &[u8]) -> Result<(), StoreError> {
        match self.cache.user(user) {
            Some(_) => Ok(()),
            None => self.unwrap_and_cache(user, wrapped_by, wrapped).map(drop),
        }
    }

    fn unwrap_and_cache(
        &self,
        user: UserId,
        wrapped_by: &str,
        wrapped: &[u8],
    ) -> Result<UserKey, StoreError> {
        // If the named master key is not configured, the configured one fails with the right error.
        let master = self.master_named(wrapped_by).unwrap_or(&self.master);
        let key = master.unwrap_user_key(user, wrapped)?;
        self.cache.insert_user(user, key.clone());
        Ok(key)
    }

    /// Creates the key of a new user.
    pub(crate) fn new_user_key(&self, user: UserId) -> Result<(UserKey, NewKey), StoreError> {
        let (key, wrapped) = self.master.new_user_key(user)?;
        let wrapped_by = self.master.id().to_owned();
        Ok((key, NewKey { subject: Subject::User(user), owner: user, wrapped_by, wrapped }))
    }

    /// Creates the key of a new conversation or document.
    pub(crate) async fn new_content_key(
        &self,
        owner: UserId,
        subject: Subject,
    ) -> Result<(ContentKey, NewKey), StoreError> {
        let user_key = self.user(owner).await?.ok_or(StoreError::KeyDestroyed)?;
        let (key, wrapped) = user_key.new_content_key(subject)?;
        Ok((key, NewKey { subject, owner, wrapped_by: String::new(), wrapped }))
    }

    /// Caches a key that was just stored.
    pub(crate) fn remember_user(&self, user: UserId, key: UserKey) {
        self.cache.insert_user(user, key);
    }

    /// Caches a key that was just stored.
    pub(crate) fn remember_content(&self, owner: UserId, subject: Subject, key: ContentKey) {
        self.cache.insert_content(owner, subject, key);
    }

    /// Removes a user's key from the cache, when the user's erasure begins. The content keys go when
    /// [`Self::forget`] learns of their destruction.
    pub fn forget_user(&self, user: UserId) {
        self.cache.forget_user(user);
    }

    /// Removes destroyed keys from the cache, with the content keys of destroyed users' keys. Other keys
    /// stay. Takes a few milliseconds if a user's key is among them and the cache is full.
    pub fn forget(&self, destroyed: &[(UserId, Subject)]) {
        let mut erased = HashSet::new();
        for (owner, subject) in destroyed {
            match subject {
                Subject::User(user) => {
                    self.cache.forget_user(*user);
                    erased.insert(*user);
                }
                Subject::Conversation(_) | Subject::Document(_) => {
                    self.cache.forget_content(*owner, *subject);
                }
            }
        }
        if !erased.is_empty() {
            self.cache.retain_contents(|owner| !erased.contains(&owner));
        }
    }

    /// Removes all keys from the cache.
    pub fn forget_all(&self) {
        self.cache.clear();
    }
}
