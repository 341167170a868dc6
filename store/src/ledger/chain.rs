//! The hash chain: the bytes of an event that a hash covers. Verification needs no database.

use aws_lc_rs::digest::{Context, SHA256};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The hash at a position: SHA-256 over the hash before it and the event's canonical bytes.
pub type LedgerHash = [u8; 32];

/// The hash before the first event.
pub const GENESIS: LedgerHash = [0; 32];

/// The parts of an event that its hash covers: all that is stored of it.
#[derive(Debug, Clone, Copy)]
pub struct Canonical<'a> {
    /// The type of the aggregate.
    pub aggregate_type: &'a str,
    /// The id of the aggregate.
    pub aggregate_id: Uuid,
    /// The place of the event in the aggregate's history, from 1.
    pub sequence: i64,
    /// The name of the event.
    pub event_type: &'a str,
    /// The version of the event's form.
    pub event_version: &'a str,
    /// The id of the event.
    pub event_id: Uuid,
    /// The owner of the aggregate.
    pub owner: Uuid,
    /// The time at which PostgreSQL recorded the event.
    pub recorded_at: DateTime<Utc>,
    /// The payload without the private part: JSON, as stored.
    pub payload: &'a str,
    /// The metadata: JSON, as stored.
    pub metadata: &'a str,
    /// The ciphertext of the private part.
    pub private: Option<&'a [u8]>,
}

impl Canonical<'_> {
    /// The hash of the event after another one: SHA-256 over the previous hash and the canonical bytes.
    ///
    /// Canonical bytes are the fields in the order of this type, each after its length (4 bytes, big-endian).
    /// Numbers are 8 bytes, big-endian; the time is in microseconds since 1970; an absent private part is the
    /// length `0xffff_ffff`.
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

/// The hash of all bytes that a context was given.
pub fn finish(context: Context) -> LedgerHash {
    let mut hash = GENESIS;
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
