//! The listeners of each owner.

use std::collections::HashMap;

use aggregates::UserId;
use tokio::sync::mpsc;

use super::StreamEvent;

/// Channels of all listeners by owner.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    by_owner: HashMap<UserId, Vec<mpsc::Sender<StreamEvent>>>,
}

impl Listeners {
    pub(crate) fn add(&mut self, owner: UserId, listener: mpsc::Sender<StreamEvent>) {
        let listeners = self.by_owner.entry(owner).or_default();
        listeners.retain(|other| !other.is_closed());
        listeners.push(listener);
    }

    pub(crate) fn has(&self, owner: UserId) -> bool {
        self.by_owner.contains_key(&owner)
    }

    /// Delivers an event to all listeners of an owner. A listener that is closed or lags too far behind is disconnected.
    pub(crate) fn deliver(&mut self, owner: UserId, event: &StreamEvent) {
        let Some(listeners) = self.by_owner.get_mut(&owner) else {
            return;
        };
        listeners.retain(|listener| listener.try_send(event.clone()).is_ok());
        if listeners.is_empty() {
            self.by_owner.remove(&owner);
        }
    }

    /// Disconnects the listeners of an owner, so that their clients reconnect and resume.
    pub(crate) fn disconnect(&mut self, owner: UserId) {
        self.by_owner.remove(&owner);
    }

    pub(crate) fn clear(&mut self) {
        self.by_owner.clear();
    }
}
