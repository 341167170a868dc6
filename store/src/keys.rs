//! The key tree: user and content keys below the master key, and the keys that sign checkpoints.

pub(crate) mod audit_keys;
pub(crate) mod destroyed;
pub(crate) mod key_cache;
pub(crate) mod keyring;
pub(crate) mod master_keys;
pub(crate) mod wrapped_keys;
