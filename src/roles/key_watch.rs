//! The key watch: drops destroyed keys from the memory of its process. Every process runs it,
//! whatever its roles.
//!
//! A hint over NATS says that keys were destroyed; the store says which. A lost hint costs time: without one
//! the watch looks after growing intervals, at the latest after ten minutes.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State;
use chrono::{DateTime, Utc};
use nats::Subjects;
use rag::error_chain::ErrorChain;
use store::{Keyring, Store, StoreError};

use crate::runtime::backoff::Backoff;
use crate::runtime::subscription::Subscription;

/// Intervals between looks while no hint arrives. They start over after a hint: a key that was read before
/// its destruction and cached after the first look is dropped by one of the next.
const IDLE: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(10));
/// Longest interval while NATS is away.
const WITHOUT_NATS: Duration = Duration::from_secs(30);

/// Looks for destroyed keys, for ever.
pub async fn run(store: Store, nats: Client, subjects: Subjects) {
    let mut hints = Subscription::new(nats.clone(), subjects.keys_destroyed());
    let (mut idle, mut since) = (IDLE, None);
    loop {
        match look(&store, since).await {
            Ok(at) => since = Some(at),
            Err(error) => {
                tracing::debug!(error = %ErrorChain(&error), "destroyed keys could not be looked up");
            }
        }
        let connected = nats.connection_state() == State::Connected;
        let delay = if connected { idle.next_delay() } else { idle.next_delay().min(WITHOUT_NATS) };
        if tokio::time::timeout(delay, hints.next()).await.is_ok() {
            idle.reset();
        }
    }
}

/// Drops the keys that were destroyed since the last look; returns the time of this one.
async fn look(store: &Store, since: Option<DateTime<Utc>>) -> Result<DateTime<Utc>, StoreError> {
    let destroyed = store.destroyed_keys(since).await?;
    let keyring: Arc<Keyring> = Arc::clone(store.keyring());
    // Forgetting a user walks the cache.
    let forgetting = tokio::task::spawn_blocking(move || match destroyed.keys {
        Some(keys) => keyring.forget(&keys),
        None => keyring.forget_all(),
    });
    if let Err(panicked) = forgetting.await {
        tracing::error!(error = %panicked, "destroyed keys could not be dropped");
        store.keyring().forget_all();
    }
    Ok(destroyed.at)
}
