//! The connection pools of a process, by the role that has them.

use std::sync::{Arc, Mutex, PoisonError};

use measures::catalogue::{POOL_CONNECTIONS, POOL_LIMIT};
use store::{Keyring, Store};

/// The pools of a process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Pools(Arc<Mutex<Vec<RolePool>>>);

/// The pool of a role.
#[derive(Debug)]
struct RolePool {
    role: &'static str,
    user: PoolUser,
    /// Most connections.
    limit: u32,
}

/// What uses the connections of a pool.
#[derive(Debug)]
enum PoolUser {
    Store(Store),
    Keyring(Arc<Keyring>),
}

impl Pools {
    /// The pool from which all roles read wrapped keys, with its most connections.
    pub fn with_keyring(keyring: &Arc<Keyring>, limit: u32) -> Self {
        let pools = Self::default();
        pools.push(RolePool { role: "keyring", user: PoolUser::Keyring(Arc::clone(keyring)), limit });
        pools
    }

    /// Adds the pool of a role, with its most connections.
    pub fn add(&self, role: &'static str, store: Store, limit: u32) {
        self.push(RolePool { role, user: PoolUser::Store(store), limit });
    }

    fn push(&self, pool: RolePool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(pool);
    }

    /// Writes the connections of this moment into the metrics.
    pub(super) fn record(&self) {
        for RolePool { role, user, limit } in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let connections = match user {
                PoolUser::Store(store) => store.connections(),
                PoolUser::Keyring(keyring) => keyring.connections(),
            };
            let count = |connections: usize| u64::try_from(connections).unwrap_or(u64::MAX);
            let (open, idle) = (count(connections.open), count(connections.idle));
            POOL_CONNECTIONS.set_count(&[role, "idle"], idle);
            POOL_CONNECTIONS.set_count(&[role, "used"], open.saturating_sub(idle));
            POOL_LIMIT.set_count(&[role], u64::from(*limit));
        }
    }
}
