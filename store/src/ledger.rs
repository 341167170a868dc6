//! The ledger: positions in order, the hash chain, reads for consumers and auditors.

pub(crate) mod chain;
pub(crate) mod filtered;
pub(crate) mod read;
pub(crate) mod sequence;
