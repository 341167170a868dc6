//! The sizes of the connection pools, so that no role uses up the connections of another.

/// Database connections of each background role and of the keyring.
pub(super) const SEQUENCER: u32 = 3;
pub(super) const PROJECTOR: u32 = 2;
pub(super) const WORKER: u32 = 4;
pub(super) const ERASER: u32 = 4;
pub(super) const RETENTION: u32 = 2;
pub(super) const FILE_SWEEP: u32 = 1;
pub(super) const ACCOUNT_FACTS: u32 = 1;
pub(super) const KEYRING: u32 = 4;
pub(super) const KEY_WATCH: u32 = 1;
/// Connections of the readiness, and of the samples for metrics.
pub(super) const HEALTH: u32 = 1;
pub(super) const SAMPLER: u32 = 2;
/// Connections of the API to the database of the account service.
pub(super) const ACCOUNTS: u32 = 4;
