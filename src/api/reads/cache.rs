//! Answered reads, kept packed until an event says that they are not true any more.
//!
//! Once it is full, what is asked for a first time is not kept: packing it would most often be for nothing, and it would
//! push out what is asked for again and again.
//! An entry belongs to one owner and is true for one generation of that owner's data: the projector's announcements move
//! the generation on. Without NATS there are no announcements, so nothing is kept then.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aggregates::UserId;
use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::api::recently_seen::Lately;

/// Bytes of all entries together.
const CAPACITY: u64 = 30 << 20;
/// Bytes of them that are given to whoever comes; the rest is for those who come again.
const FIRST_COMERS: u64 = CAPACITY / 4 * 3;
/// Entries expected, for the cache's own tables.
const ENTRIES: usize = 16_000;
/// An entry is not served longer than this, whatever was or was not announced.
const LIFETIME: Duration = Duration::from_secs(30);
/// How many of the last queries that were answered are known. A few times as many as can be kept; with more, what is asked again late would push out what is asked again soon.
const ASKED: usize = 1 << 15;
/// Owners share so many generations; one that moves invalidates a few others for nothing.
const GENERATIONS: usize = 16_384;

/// What was asked: an owner and the query in a canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReadKey {
    /// Whose data.
    pub owner: UserId,
    /// Which query, with all that its answer depends on.
    pub query: Box<str>,
}

/// An answer ready to be sent.
#[derive(Debug, Clone)]
pub struct CachedRead {
    /// The body.
    pub body: Bytes,
    /// Its weak entity tag.
    pub etag: Box<str>,
}

#[derive(Debug, Clone)]
struct Entry {
    /// The body, packed by LZ4: the same memory holds twice as many.
    packed: Bytes,
    etag: Box<str>,
    generation: u64,
    until: Instant,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<ReadKey, Entry> for ByBytes {
    fn weight(&self, key: &ReadKey, entry: &Entry) -> u64 {
        (key.query.len() + entry.packed.len() + entry.etag.len() + 200) as u64
    }
}

/// The generation of an owner's data before a query was begun.
#[derive(Debug, Clone, Copy)]
pub struct Generation(u64);

/// The cache of one api process.
#[derive(Debug, Clone)]
pub struct ReadCache {
    entries: Arc<Cache<ReadKey, Entry, ByBytes>>,
    generations: Arc<[AtomicU64]>,
    asked: Lately,
    first_comers: u64,
}

impl Default for ReadCache {
    fn default() -> Self {
        Self {
            entries: Arc::new(Cache::with_weighter(ENTRIES, CAPACITY, ByBytes)),
            generations: (0..GENERATIONS).map(|_| AtomicU64::new(0)).collect(),
            asked: Lately::new(ASKED),
            first_comers: FIRST_COMERS,
        }
    }
}

impl ReadCache {
    /// The answer to a query, if it is still true.
    pub fn get(&self, key: &ReadKey) -> Option<CachedRead> {
        let entry = self.entries.get(key)?;
        let current = self.generation(key.owner).0 == entry.generation && Instant::now() < entry.until;
        let body = current.then(|| lz4_flex::decompress_size_prepended(&entry.packed))?.ok()?;
        Some(CachedRead { body: Bytes::from(body), etag: entry.etag })
    }

    /// The generation an answer found from now on belongs to. Taken before the query, so that an announcement on the way
    /// is not missed.
    pub fn generation(&self, owner: UserId) -> Generation {
        Generation(self.slot(owner).map_or(0, |slot| slot.load(Ordering::Acquire)))
    }

    /// Keeps an answer, unless the owner's data changed since the query was begun.
    pub fn put(&self, key: ReadKey, begun: Generation, read: &CachedRead) {
        let worth_it = self.asked.came(&key) || self.entries.weight() < self.first_comers;
        if worth_it && self.generation(key.owner).0 == begun.0 {
            let mut packed = lz4_flex::compress_prepend_size(&read.body);
            packed.shrink_to_fit();
            let (packed, etag) = (Bytes::from(packed), read.etag.clone());
            let entry = Entry { packed, etag, generation: begun.0, until: Instant::now() + LIFETIME };
            self.entries.insert(key, entry);
        }
    }

    /// The owner's data changed: nothing kept of it is true any more.
    pub fn changed(&self, owner: UserId) {
        if let Some(slot) = self.slot(owner) {
            slot.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Announcements may have been missed: nothing is known to be true any more.
    pub fn all_changed(&self) {
        for slot in self.generations.iter() {
            slot.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn slot(&self, owner: UserId) -> Option<&AtomicU64> {
        let mut hasher = DefaultHasher::new();
        owner.hash(&mut hasher);
        self.generations.get(usize::try_from(hasher.finish() % self.generations.len() as u64).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn key(owner: u128) -> ReadKey {
        ReadKey { owner: UserId::new(Uuid::from_u128(owner)), query: "list".into() }
    }

    fn read(body: &'static str) -> CachedRead {
        CachedRead { body: Bytes::from_static(body.as_bytes()), etag: "W/\"1\"".into() }
    }

    fn put(cache: &ReadCache, key: &ReadKey, body: &'static str) {
        cache.put(key.clone(), cache.generation(key.owner), &read(body));
    }

    #[test]
    fn in_a_full_cache_only_what_is_asked_again_is_kept() {
        let full = ReadCache { first_comers: 0, ..ReadCache::default() };
        put(&full, &key(1), "once");
        assert!(full.get(&key(1)).is_none());
        put(&full, &key(1), "twice");
        assert_eq!(full.get(&key(1)).unwrap().body, "twice");
    }

    #[test]
    fn an_answer_is_kept_until_its_owners_data_changes() {
        let cache = ReadCache::default();
        let (ours, theirs) = (key(1), key(2));
        put(&cache, &ours, "ours");
        put(&cache, &theirs, "theirs");
        assert_eq!(cache.get(&ours).unwrap().body, "ours");
        cache.changed(ours.owner);
        assert!(cache.get(&ours).is_none());
        assert_eq!(cache.get(&theirs).unwrap().body, "theirs");
    }

    #[test]
    fn an_answer_that_was_overtaken_while_it_was_found_is_not_kept() {
        let cache = ReadCache::default();
        let begun = cache.generation(key(1).owner);
        cache.changed(key(1).owner);
        cache.put(key(1), begun, &read("old"));
        cache.put(key(1), begun, &read("old"));
        assert!(cache.get(&key(1)).is_none());
    }

    #[test]
    fn nobody_is_served_what_belongs_to_somebody_else() {
        let cache = ReadCache::default();
        put(&cache, &key(1), "ours");
        assert!(cache.get(&key(1)).is_some());
        assert!(cache.get(&key(2)).is_none());
    }
}
