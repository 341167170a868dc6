//! Decryption of ledger batches for whatever folds them into rows.

use aggregates::{RecordedEvent, UserId};
use projections::DecryptedEvent;
use store::{Store, StoreError, subject_of};

/// Decrypts a batch, and adds the keys with which read models encrypt and index.
pub async fn decrypt_events(
    store: &Store,
    mut events: Vec<RecordedEvent>,
) -> Result<Vec<DecryptedEvent>, StoreError> {
    let keys = store.decrypt_events(&mut events).await?;
    let mut owners: Vec<UserId> = events.iter().map(|event| event.owner).collect();
    owners.sort_unstable();
    owners.dedup();
    let user_keys = store.keyring().user_keys(&owners).await?;
    Ok(events
        .into_iter()
        .map(|recorded| DecryptedEvent {
            content_key: subject_of(&recorded)
                .and_then(|subject| keys.get(&(recorded.owner, subject)).cloned()),
            blind_key: user_keys.get(&recorded.owner).map(sealing::UserKey::blind_key),
            recorded,
        })
        .collect())
}
