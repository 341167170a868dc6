//! The ledger: one order of all events, chained by hashes.

pub(crate) mod chain;
pub(crate) mod checkpoints;
pub(crate) mod filtered;
pub(crate) mod read;
pub(crate) mod sequence;
