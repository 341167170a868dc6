//! The open connections of a process, within their limits.
//!
//! A connection is anonymous until a request on it has a valid token. Where anonymous connections reach a
//! limit, the oldest one without a request in progress makes room, so that idle connections and slow headers
//! never keep a new client out.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::activity::Activity;
use crate::api::client_address::{TrustedProxies, network};
use crate::config::ConnectionLimits;

#[derive(Debug)]
pub(super) struct Connections {
    limits: ConnectionLimits,
    proxies: TrustedProxies,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    connections: usize,
    opened: u64,
    /// In the order in which they were opened.
    anonymous: BTreeMap<u64, Anonymous>,
    /// Anonymous connections by network.
    by_network: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Anonymous {
    network: IpAddr,
    activity: Arc<Activity>,
}

/// A place among the open connections, until it is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) activity: Arc<Activity>,
    number: u64,
    connections: Arc<Connections>,
}

impl Connections {
    pub(super) fn new(limits: &ConnectionLimits, proxies: TrustedProxies) -> Self {
        Self { limits: limits.clone(), proxies, open: Mutex::default() }
    }

    /// A place for a connection from an address; `None` if there is none and no connection can make room. The
    /// limit for one address does not apply to trusted proxies, which connect for many clients.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Admitted> {
        let network = network(address);
        let mut open = self.lock();
        open.forget_authenticated();
        let from_network = open.by_network.get(&network).copied().unwrap_or_default();
        let is_many = from_network >= self.limits.max_anonymous_connections_per_address;
        if is_many && !self.proxies.contains(address) {
            open.make_room(|anonymous| anonymous.network == network)?;
        }
        let is_full = open.connections >= self.limits.max_connections
            || open.anonymous.len() >= self.limits.max_anonymous_connections;
        if is_full {
            open.make_room(|_| true)?;
        }
        let activity = Arc::new(Activity::new());
        let number = open.opened;
        open.opened += 1;
        open.connections += 1;
        *open.by_network.entry(network).or_default() += 1;
        open.anonymous.insert(number, Anonymous { network, activity: Arc::clone(&activity) });
        Some(Admitted { activity, number, connections: Arc::clone(self) })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn forget_authenticated(&mut self) {
        let known = self.anonymous.iter().filter(|(_, anonymous)| anonymous.activity.is_authenticated());
        let known: Vec<u64> = known.map(|(number, _)| *number).collect();
        for number in known {
            self.forget(number);
        }
    }

    /// Closes the oldest anonymous connection that waits for its peer.
    fn make_room(&mut self, eligible: impl Fn(&Anonymous) -> bool) -> Option<()> {
        let mut waiting = self.anonymous.iter().filter(|(_, anonymous)| anonymous.activity.is_idle());
        let (number, anonymous) = waiting.find(|(_, anonymous)| eligible(anonymous))?;
        anonymous.activity.close();
        let number = *number;
        self.forget(number);
        self.connections -= 1;
        Some(())
    }

    fn forget(&mut self, number: u64) {
        let Some(Anonymous { network, .. }) = self.anonymous.remove(&number) else { return };
        if let Some(count) = self.by_network.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                self.by_network.remove(&network);
            }
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        // A connection that made room is not counted any more.
        if !self.activity.is_closed() {
            open.forget(self.number);
            open.connections -= 1;
        }
    }
}
