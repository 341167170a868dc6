//! Erasure of a user ends the user's streams.

use aggregates::UserId;
use tokio::sync::broadcast::error::RecvError;

use super::Live;

impl Live {
    /// Drops what the process holds of a user who is being erased, and ends the user's streams. Called on the
    /// announcement over NATS, and on the ledger's event in case the announcement is lost.
    pub fn forget(&self, user: UserId) {
        self.store.keyring().forget_user(user);
        self.reads.changed(user);
        // An error means that no stream is open.
        let _ = self.erased.send(user);
    }

    /// Resolves when the user is erased. Subscribes when called, not when first polled.
    pub fn erased(&self, user: UserId) -> impl Future<Output = ()> + Send + use<> {
        let mut erased = self.erased.subscribe();
        async move {
            loop {
                match erased.recv().await {
                    Ok(other) if other != user => {}
                    // A lagging receiver may have missed its own user: the client reconnects or is refused.
                    Ok(_) | Err(RecvError::Lagged(_) | RecvError::Closed) => return,
                }
            }
        }
    }
}
