//! The keys of term ids.

use aggregates::UserId;
use rag::vocabulary::TermKey;
use store::{Store, StoreError};

/// The key under which a user's passages are indexed and searched; `None` if the user's key was destroyed,
/// and the term ids with it.
pub async fn term_key(store: &Store, owner: UserId) -> Result<Option<TermKey>, StoreError> {
    let user_key = store.keyring().user(owner).await?;
    Ok(user_key.map(|key| TermKey::new(*key.term_key().as_bytes())))
}
