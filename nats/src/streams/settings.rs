//! Settings of the streams: what an operator configures, and the values of new streams without it.

use async_nats::jetstream::stream::{Config, StorageType};

use super::Unsuitable;
use crate::Subjects;

/// Bytes of a new stream of events: about a million events. Consumers read older ones from the ledger.
const EVENTS_BYTES: i64 = 1 << 30;
/// Bytes of a new stream of answers that are being written.
const LIVE_BYTES: i64 = 256 << 20;
/// Bytes of a new stream of dead letters, or of tombstones: about 400,000 of them.
pub(super) const SMALL_STREAM_BYTES: i64 = 64 << 20;

/// Storage of the answers that are being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveStorage {
    /// In the memory of the servers.
    Memory,
    /// In files, for accounts without memory.
    File,
}

/// The configured settings of the streams. `None` keeps what an existing stream has.
#[derive(Debug, Clone, Default)]
pub struct StreamSettings {
    /// Servers of a cluster that keep each stream; 1 for new streams unless configured.
    pub replicas: Option<usize>,
    /// Most bytes of the stream of events.
    pub events_max_bytes: Option<u64>,
    /// Most bytes of the stream of answers that are being written.
    pub live_max_bytes: Option<u64>,
    /// Storage of the answers that are being written.
    pub live_storage: Option<LiveStorage>,
}

impl StreamSettings {
    pub(super) fn replicas(&self) -> usize {
        self.replicas.unwrap_or(1)
    }

    pub(super) fn events_bytes(&self) -> i64 {
        self.events_max_bytes.map_or(EVENTS_BYTES, signed)
    }

    pub(super) fn live_bytes(&self) -> i64 {
        self.live_max_bytes.map_or(LIVE_BYTES, signed)
    }

    pub(super) const fn live_storage(&self) -> StorageType {
        match self.live_storage {
            Some(LiveStorage::File) => StorageType::File,
            Some(LiveStorage::Memory) | None => StorageType::Memory,
        }
    }

    /// Sets what is configured in the configuration of an existing stream; `wanted` is that of a new one.
    pub(super) fn apply(
        &self,
        existing: &mut Config,
        wanted: &Config,
        subjects: &Subjects,
    ) -> Result<(), Unsuitable> {
        if let Some(replicas) = self.replicas {
            existing.num_replicas = replicas;
        }
        let max_bytes = if wanted.name == subjects.events_stream() {
            self.events_max_bytes
        } else if wanted.name == subjects.live_stream() {
            if self.live_storage.is_some() && existing.storage != wanted.storage {
                let (found, wanted) = (in_words(existing.storage), in_words(wanted.storage));
                return Err(Unsuitable::Storage { found, wanted });
            }
            self.live_max_bytes
        } else {
            None
        };
        if max_bytes.is_some() {
            existing.max_bytes = wanted.max_bytes;
        }
        Ok(())
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

const fn in_words(storage: StorageType) -> &'static str {
    match storage {
        StorageType::File => "files",
        StorageType::Memory => "memory",
    }
}
