//! Who listens to what happens to whom.

use std::collections::HashMap;

use aggregates::UserId;
use tokio::sync::mpsc;

use super::Happening;

/// The channels of all listeners, by owner.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    by_owner: HashMap<UserId, Vec<mpsc::Sender<Happening>>>,
}

impl Listeners {
    pub(crate) fn add(&mut self, owner: UserId, listener: mpsc::Sender<Happening>) {
        let listeners = self.by_owner.entry(owner).or_default();
        listeners.retain(|other| !other.is_closed());
        listeners.push(listener);
    }

    pub(crate) fn has(&self, owner: UserId) -> bool {
        self.by_owner.contains_key(&owner)
    }

    /// Tells all listeners of an owner. Who is gone or lags too far behind is let go.
    pub(crate) fn tell(&mut self, owner: UserId, happening: &Happening) {
        let Some(listeners) = self.by_owner.get_mut(&owner) else {
            return;
        };
        listeners.retain(|listener| listener.try_send(happening.clone()).is_ok());
        if listeners.is_empty() {
            self.by_owner.remove(&owner);
        }
    }

    /// Lets the listeners of an owner go, so that they come back and resume.
    pub(crate) fn let_go(&mut self, owner: UserId) {
        self.by_owner.remove(&owner);
    }

    pub(crate) fn clear(&mut self) {
        self.by_owner.clear();
    }
}
