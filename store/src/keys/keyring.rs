//! Unwraps the keys of users, conversations and documents, and caches them.

use std::collections::HashMap;

use aggregates::UserId;
use quick_cache::sync::Cache;
use sealing::{ContentKey, MasterKey, Subject, UserKey};

use crate::database::pool::Pool;
use crate::keys::wrapped_keys::{WrappedKey, WrappedKeys};
use crate::{Database, StoreError};

/// Content keys by conversation or document. Destroyed keys are missing.
pub type ContentKeys = HashMap<Subject, ContentKey>;

/// Cached keys of users, and of conversations and documents.
const USERS: usize = 20_000;
const CONTENTS: usize = 120_000;

/// Unwraps keys and caches those used last.
#[derive(Debug)]
pub struct Keyring {
    pool: Pool,
    wrapped: WrappedKeys,
    master: MasterKey,
    previous: Option<MasterKey>,
    users: Cache<UserId, UserKey>,
    contents: Cache<Subject, ContentKey>,
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
        let (users, contents) = (Cache::new(USERS), Cache::new(CONTENTS));
        Self { pool, wrapped, master, previous: None, users, contents }
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

    pub(crate) const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The configured master key.
    pub const fn master(&self) -> &MasterKey {
        &self.master
    }

    /// A user's key; `None` if the account was never opened or the key was destroyed.
    pub async fn user(&self, user: UserId) -> Result<Option<UserKey>, StoreError> {
        if let Some(key) = self.users.get(&user) {
            return Ok(Some(key));
        }
        self.fetch_users(&[user]).await?;
        Ok(self.users.get(&user))
    }

    /// The key of a conversation or document if it is cached.
    pub fn known(&self, subject: Subject) -> Option<ContentKey> {
        self.contents.get(&subject)
    }

    /// The key of a conversation or document; `None` if it was never created or was destroyed.
    pub async fn content(&self, owner: UserId, subject: Subject) -> Result<Option<ContentKey>, StoreError> {
        if let Some(key) = self.contents.get(&subject) {
            return Ok(Some(key));
        }
        Ok(self.content_keys(&[(owner, subject)]).await?.remove(&subject))
    }

    /// The keys of several conversations and documents. At most two round trips; none if all keys are cached.
    pub async fn content_keys(&self, wanted: &[(UserId, Subject)]) -> Result<ContentKeys, StoreError> {
        let mut keys = ContentKeys::with_capacity(wanted.len());
        let mut missing: HashMap<Subject, UserId> = HashMap::new();
        for (owner, subject) in wanted {
            match self.contents.get(subject) {
                Some(key) => {
                    keys.insert(*subject, key);
                }
                None => {
                    missing.insert(*subject, *owner);
                }
            }
        }
        if missing.is_empty() {
            return Ok(keys);
        }
        let owners: Vec<UserId> =
            missing.values().copied().filter(|owner| self.users.get(owner).is_none()).collect();
        self.fetch_users(&owners).await?;
        for WrappedKey { subject, wrapped, .. } in
            self.wrapped.fetch(missing.keys().copied().collect()).await?
        {
            let owner = missing.get(&subject).copied();
            if let Some(key) = owner.map(|owner| self.unwrap(owner, subject, &wrapped)).transpose()?.flatten()
            {
                keys.insert(subject, key);
            }
        }
        Ok(keys)
    }

    /// The keys of several users. At most one round trip.
    pub async fn user_keys(&self, wanted: &[UserId]) -> Result<HashMap<UserId, UserKey>, StoreError> {
        let missing: Vec<UserId> =
            wanted.iter().copied().filter(|user| self.users.get(user).is_none()).collect();
        self.fetch_users(&missing).await?;
        Ok(wanted.iter().filter_map(|user| Some((*user, self.users.get(user)?))).collect())
    }

    /// Unwraps a content key that a query returned; `None` if the owner's key is not cached.
    pub fn unwrap(
        &self,
        owner: UserId,
        subject: Subject,
        wrapped: &[u8],
    ) -> Result<Option<ContentKey>, StoreError> {
        if let Some(key) = self.contents.get(&subject) {
            return Ok(Some(key));
        }
        let Some(user_key) = self.users.get(&owner) else {
            return Ok(None);
        };
        let key = user_key.unwrap_content_key(subject, wrapped)?;
        self.contents.insert(subject, key.clone());
        Ok(Some(key))
    }

    /// Unwraps a content key that a query returned, and fetches the owner's key if it is not cached; `None`
    /// if either was destroyed.
    pub async fn unwrap_for(
        &self,
        owner: UserId,
        subject: Subject,
        wrapped: Option<&[u8]>,
    ) -> Result<Option<ContentKey>, StoreError> {
        let Some(wrapped) = wrapped else { return Ok(None) };
        if self.user(owner).await?.is_none() {
            return Ok(None);
        }
        self.unwrap(owner, subject, wrapped)
    }

    /// Unwraps and caches a user's key that a query returned.
    pub fn unwrap_user(&self, user: UserId, wrapped_by: &str, wrapped: &[u8]) -> Result<(), StoreError> {
        if self.users.get(&user).is_none() {
            // If the named master key is not configured, the configured one fails with the right error.
            let master = self.master_named(wrapped_by).unwrap_or(&self.master);
            self.users.insert(user, master.unwrap_user_key(user, wrapped)?);
        }
        Ok(())
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
        self.users.insert(user, key);
    }

    /// Caches a key that was just stored.
    pub(crate) fn remember_content(&self, subject: Subject, key: ContentKey) {
        self.contents.insert(subject, key);
    }

    /// Removes a user's key and all content keys from the cache, after an erasure. Content keys are cached
    /// without their owner and are cheap to unwrap again.
    pub fn forget(&self, user: UserId) {
        self.users.remove(&user);
        self.contents.clear();
    }

    /// Removes the key of a conversation or document from the cache, after it was destroyed.
    pub fn forget_content(&self, subject: Subject) {
        self.contents.remove(&subject);
    }

    async fn fetch_users(&self, users: &[UserId]) -> Result<(), StoreError> {
        let subjects = users.iter().map(|user| Subject::User(*user)).collect();
        for key in self.wrapped.fetch(subjects).await? {
            if let Subject::User(user) = key.subject {
                self.unwrap_user(user, &key.wrapped_by, &key.wrapped)?;
            }
        }
        Ok(())
    }
}
