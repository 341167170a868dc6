//! The chain over the ledger: what a link covers, byte for byte. Needs no database, so that an export can be checked anywhere.

use aws_lc_rs::digest::{Context, SHA256};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The head of the chain at some position.
pub type LedgerHash = [u8; 32];

/// The hash before the first event.
pub const GENESIS: LedgerHash = [0; 32];

/// What the chain covers of an event: everything that is stored of it.
#[derive(Debug, Clone, Copy)]
pub struct Canonical<'a> {
    /// The kind of aggregate.
    pub aggregate_type: &'a str,
    /// The aggregate.
    pub aggregate_id: Uuid,
    /// The event's place in the aggregate's history.
    pub sequence: i64,
    /// The event's name.
    pub event_type: &'a str,
    /// The version of its form.
    pub event_version: &'a str,
    /// Its id.
    pub event_id: Uuid,
    /// Whose it is.
    pub owner: Uuid,
    /// When Postgres recorded it.
    pub recorded_at: DateTime<Utc>,
    /// Its payload, without the private part, as stored.
    pub payload: &'a str,
    /// How it came to be, as stored.
    pub metadata: &'a str,
    /// The ciphertext of the private part.
    pub private: Option<&'a [u8]>,
}

impl Canonical<'_> {
    /// The next link: SHA-256 over the previous one and the canonical bytes.
    ///
    /// Canonical bytes: the fields in the order of this type, each after its length (4 bytes, big-endian), numbers as 8 bytes
    /// big-endian, the time as microseconds since 1970, an absent private part as the length `0xffff_ffff`.
    pub fn link(&self, previous: &LedgerHash) -> LedgerHash {
        let mut context = Context::new(&SHA256);
        context.update(previous);
        let mut field = |bytes: &[u8]| {
            context.update(&u32::try_from(bytes.len()).unwrap_or(u32::MAX - 1).to_be_bytes());
            context.update(bytes);
        };
        field(self.aggregate_type.as_bytes());
        field(self.aggregate_id.as_bytes());
        field(&self.sequence.to_be_bytes());
        field(self.event_type.as_bytes());
        field(self.event_version.as_bytes());
        field(self.event_id.as_bytes());
        field(self.owner.as_bytes());
        field(&self.recorded_at.timestamp_micros().to_be_bytes());
        field(self.payload.as_bytes());
        field(self.metadata.as_bytes());
        match self.private {
            Some(private) => field(private),
            None => context.update(&u32::MAX.to_be_bytes()),
        }
        finish(context)
    }
}

/// The hash that a context comes to.
pub fn finish(context: Context) -> LedgerHash {
    let mut hash = GENESIS;
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
