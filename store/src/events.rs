//! Events of aggregates: encrypt, append, load, decrypt, and commands that clients repeat.

pub(crate) mod append;
pub(crate) mod cache;
pub(crate) mod decrypt;
pub(crate) mod encrypt;
pub(crate) mod idempotency;
pub(crate) mod load;
pub(crate) mod load_limit;
