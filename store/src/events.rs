//! Events of aggregates: append, load, repeat-safe commands, decryption.

pub(crate) mod append;
pub(crate) mod decrypt;
pub(crate) mod idempotency;
pub(crate) mod load;
