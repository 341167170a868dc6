//! Whoever is erased is told nothing more.

use aggregates::UserId;
use tokio::sync::broadcast::error::RecvError;

use super::Hub;

impl Hub {
    /// Forgets what is held of somebody who is being erased, and ends their streams. Told by NATS, or by the ledger where
    /// that was missed.
    pub fn forget(&self, user: UserId) {
        self.store.keyring().forget(user);
        self.reads.changed(user);
        // Without any stream there is nobody to tell.
        let _ = self.erased.send(user);
    }

    /// Comes true when somebody is erased; listens from now on, not from the first poll.
    pub fn erased(&self, user: UserId) -> impl Future<Output = ()> + Send + use<> {
        let mut erased = self.erased.subscribe();
        async move {
            loop {
                match erased.recv().await {
                    Ok(other) if other != user => {}
                    // Whoever has missed some may have missed their own: the client comes back, or is refused.
                    Ok(_) | Err(RecvError::Lagged(_) | RecvError::Closed) => return,
                }
            }
        }
    }
}
