//! Cuts a stream of rows or files into parts and writes those that are not stored yet.
//!
//! A part ends where the content says so and not after a number of bytes. So rows that were added or changed
//! change the parts around them, and the others keep their names.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sealing::BackupKey;
use tokio::task::JoinSet;

use super::error::BackupError;
use super::manifest::{Part, encode};
use super::repository::{Repository, part_path};

/// Bytes of a part: none ends before the first number, each before the last, a single row aside.
const SMALLEST_BYTES: usize = 4 << 20;
const LARGEST_BYTES: usize = 8 << 20;
/// Mean number of bytes between the smallest size and the end of a part.
const SPREAD_BYTES: u64 = 1 << 20;
/// Parts of one section that are encrypted and written at the same time. Each takes up to three times
/// [`LARGEST_BYTES`] of memory.
const PARALLEL: usize = 3;
const COMPRESSION: i32 = 3;

/// Destination of parts.
#[derive(Debug)]
pub(super) struct PartStore {
    pub(super) repository: Repository,
    pub(super) key: BackupKey,
    /// Parts that are stored, with their sizes.
    stored: HashMap<String, u64>,
    pub(super) written: AtomicU64,
    pub(super) written_bytes: AtomicU64,
    pub(super) reused: AtomicU64,
}

/// Collects records and writes them as parts.
pub(super) struct PartWriter {
    store: Arc<PartStore>,
    buffer: Vec<u8>,
    tasks: JoinSet<Result<(usize, Part), BackupError>>,
    begun: usize,
    parts: Vec<(usize, Part)>,
}

impl PartStore {
    pub(super) async fn new(repository: Repository, key: BackupKey) -> Result<Arc<Self>, BackupError> {
        let stored = repository.parts().await?;
        let zero = || AtomicU64::new(0);
        Ok(Arc::new(Self { repository, key, stored, written: zero(), written_bytes: zero(), reused: zero() }))
    }

    /// Whether a part is stored with its whole size.
    pub(super) fn has(&self, part: &Part) -> bool {
        self.stored.get(&part.name) == Some(&part.stored)
    }

    /// Writes a part unless it is stored.
    async fn write(self: Arc<Self>, content: Vec<u8>) -> Result<Part, BackupError> {
        let key = self.key.clone();
        let packing = tokio::task::spawn_blocking(move || {
            let name = hex::encode(key.name_of(&content));
            let packed = encode(zstd::bulk::compress(&content, COMPRESSION))?;
            let sealed = encode(key.seal(&name, &packed))?;
            let part = Part { name, bytes: content.len(), stored: sealed.len() as u64 };
            Ok::<_, BackupError>((part, sealed))
        });
        let (part, sealed) = packing.await??;
        if self.has(&part) {
            self.reused.fetch_add(1, Ordering::Relaxed);
        } else {
            self.repository.put(&part_path(&part.name), sealed).await?;
            self.written.fetch_add(1, Ordering::Relaxed);
            self.written_bytes.fetch_add(part.stored, Ordering::Relaxed);
        }
        Ok(part)
    }
}

impl PartWriter {
    pub(super) fn new(store: &Arc<PartStore>) -> Self {
        Self {
            store: Arc::clone(store),
            buffer: Vec::new(),
            tasks: JoinSet::new(),
            begun: 0,
            parts: Vec::new(),
        }
    }

    /// Adds a record, which is never divided. Waits while earlier parts are written.
    pub(super) async fn add(&mut self, record: &[u8]) -> Result<(), BackupError> {
        if !self.buffer.is_empty() && self.buffer.len() + record.len() > LARGEST_BYTES {
            self.end_part().await?;
        }
        self.buffer.extend_from_slice(record);
        if self.buffer.len() >= SMALLEST_BYTES && is_boundary(record) {
            self.end_part().await?;
        }
        Ok(())
    }

    async fn end_part(&mut self) -> Result<(), BackupError> {
        while self.tasks.len() >= PARALLEL {
            self.ended().await?;
        }
        let (content, number) = (std::mem::take(&mut self.buffer), self.begun);
        let store = Arc::clone(&self.store);
        self.begun += 1;
        self.tasks.spawn(async move { Ok((number, store.write(content).await?)) });
        Ok(())
    }

    async fn ended(&mut self) -> Result<(), BackupError> {
        if let Some(written) = self.tasks.join_next().await {
            self.parts.push(written??);
        }
        Ok(())
    }

    /// Writes the rest; returns the parts in their order.
    pub(super) async fn finish(mut self) -> Result<Vec<Part>, BackupError> {
        if !self.buffer.is_empty() {
            self.end_part().await?;
        }
        while !self.tasks.is_empty() {
            self.ended().await?;
        }
        self.parts.sort_unstable_by_key(|(number, _)| *number);
        Ok(self.parts.into_iter().map(|(_, part)| part).collect())
    }
}

/// Rows in the text format of `COPY`.
pub(super) fn rows_in(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

/// Whether a part may end after a record: on average after [`SPREAD_BYTES`], by the content of
/// the record alone.
fn is_boundary(record: &[u8]) -> bool {
    let hash = blake3::hash(record);
    let drawn = hash.as_bytes().first_chunk().copied().map_or(0, u64::from_le_bytes);
    drawn < (record.len() as u64).saturating_mul(u64::MAX / SPREAD_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_after_about_a_mebibyte_of_records_of_any_size() {
        for size in [50_u64, 500, 5_000] {
            let records = (20 << 20) / size;
            let record = |number: u64| number.to_le_bytes().repeat(usize::try_from(size).unwrap() / 8);
            let ends = (0..records).filter(|number| is_boundary(&record(*number))).count();
            assert!((10..=34).contains(&ends), "{size}: {ends}");
        }
    }
}
