//! Cached responses to queries, compressed, current until an event changes the data they show.
//!
//! An entry belongs to one owner and to one generation of the owner's data. The announcements of the
//! projector advance the generation. Without NATS there are no announcements, and nothing is cached.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aggregates::{ConversationId, UserId};
use bytes::Bytes;
use measures::catalogue::READ_CACHE;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use uuid::Uuid;

use super::params::ListQuery;
use super::representation::Representation;

/// Bytes of all entries together.
const CAPACITY_BYTES: u64 = 30 << 20;
/// Entries expected, for the tables of the cache.
const EXPECTED_ENTRIES: usize = 16_000;
/// Bytes of an entry beside its key, body and entity tag.
const ENTRY_OVERHEAD_BYTES: usize = 120;
/// Longest time for which an entry is current.
const LIFETIME: Duration = Duration::from_secs(30);
/// Generations of all owners. Owners share generations, so that a change of one owner's data can also
/// invalidate the entries of other owners.
const GENERATIONS: usize = 16_384;

/// A query of an owner's data.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReadKey {
    /// The owner of the data.
    pub owner: UserId,
    /// The query in its normal form.
    pub query: ReadQuery,
}

/// A query in its normal form, with all parameters that its result depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReadQuery {
    /// A page of the list of conversations.
    Conversations(ListQuery),
    /// A page of the messages of a conversation.
    Messages {
        /// Id of the conversation.
        conversation: ConversationId,
        /// The message whose branch is shown; `None` for the newest branch.
        branch: Option<Uuid>,
        /// Messages on the page.
        limit: u32,
        /// Cursor of the page; `None` for the first page.
        cursor: Option<String>,
    },
}

impl ReadKey {
    fn bytes(&self) -> usize {
        let heap = match &self.query {
            ReadQuery::Conversations(query) => query.heap_bytes(),
            ReadQuery::Messages { cursor, .. } => cursor.as_ref().map_or(0, String::capacity),
        };
        size_of::<Self>() + heap
    }
}

#[derive(Debug, Clone)]
struct Entry {
    /// The body, compressed by LZ4 to less than half.
    compressed: Bytes,
    etag: Box<str>,
    generation: u64,
    expires: Instant,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<ReadKey, Entry> for ByBytes {
    fn weight(&self, key: &ReadKey, entry: &Entry) -> u64 {
        (key.bytes() + entry.compressed.len() + entry.etag.len() + ENTRY_OVERHEAD_BYTES) as u64
    }
}

/// The generation of an owner's data before a query began.
#[derive(Debug, Clone, Copy)]
pub struct Generation(u64);

/// The cache of one process.
#[derive(Debug, Clone)]
pub struct ReadCache {
    entries: Arc<Cache<ReadKey, Entry, ByBytes>>,
    generations: Arc<[AtomicU64]>,
}

impl Default for ReadCache {
    fn default() -> Self {
        Self {
            entries: Arc::new(Cache::with_weighter(EXPECTED_ENTRIES, CAPACITY_BYTES, ByBytes)),
            generations: (0..GENERATIONS).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl ReadCache {
    /// The response to a query, if it is current.
    pub fn get(&self, key: &ReadKey) -> Option<Representation> {
        let found = self.find(key);
        READ_CACHE.increment(&[if found.is_some() { "hit" } else { "miss" }]);
        found
    }

    fn find(&self, key: &ReadKey) -> Option<Representation> {
        let entry = self.entries.get(key)?;
        let is_current = self.generation(key.owner).0 == entry.generation && Instant::now() < entry.expires;
        let body = is_current.then(|| lz4_flex::decompress_size_prepended(&entry.compressed))?.ok()?;
        Some(Representation { body: Bytes::from(body), etag: entry.etag })
    }

    /// The generation of a result that is read from now on. Taken before the query, so that a change during
    /// the query is noticed.
    pub fn generation(&self, owner: UserId) -> Generation {
        Generation(self.slot(owner).map_or(0, |slot| slot.load(Ordering::Acquire)))
    }

    /// Caches a response, unless the owner's data changed since the query began.
    pub fn put(&self, key: ReadKey, begun: Generation, response: &Representation) {
        if self.generation(key.owner).0 == begun.0 {
            let mut compressed = lz4_flex::compress_prepend_size(&response.body);
            compressed.shrink_to_fit();
            let (compressed, etag) = (Bytes::from(compressed), response.etag.clone());
            let entry = Entry { compressed, etag, generation: begun.0, expires: Instant::now() + LIFETIME };
            self.entries.insert(key, entry);
        }
    }

    /// Invalidates all entries of an owner, whose data changed.
    pub fn changed(&self, owner: UserId) {
        if let Some(slot) = self.slot(owner) {
            slot.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Invalidates all entries, because announcements may have been missed.
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
    use super::*;

    fn key(owner: u128) -> ReadKey {
        let conversation = ConversationId::new(Uuid::from_u128(1));
        let query = ReadQuery::Messages { conversation, branch: None, limit: 20, cursor: None };
        ReadKey { owner: UserId::new(Uuid::from_u128(owner)), query }
    }

    fn response(body: &'static str) -> Representation {
        Representation { body: Bytes::from_static(body.as_bytes()), etag: "W/\"1\"".into() }
    }

    fn put(cache: &ReadCache, key: &ReadKey, body: &'static str) {
        cache.put(key.clone(), cache.generation(key.owner), &response(body));
    }

    #[test]
    fn a_response_is_cached_until_the_data_of_its_owner_changes() {
        let cache = ReadCache::default();
        let (one, other) = (key(1), key(2));
        put(&cache, &one, "one");
        put(&cache, &other, "other");
        assert_eq!(cache.get(&one).unwrap().body, "one");
        cache.changed(one.owner);
        assert!(cache.get(&one).is_none());
        assert_eq!(cache.get(&other).unwrap().body, "other");
        cache.all_changed();
        assert!(cache.get(&other).is_none());
    }

    #[test]
    fn a_response_is_not_cached_if_the_data_changed_during_the_query() {
        let cache = ReadCache::default();
        let begun = cache.generation(key(1).owner);
        cache.changed(key(1).owner);
        cache.put(key(1), begun, &response("old"));
        assert!(cache.get(&key(1)).is_none());
    }

    #[test]
    fn an_owner_is_not_served_the_response_of_another_owner() {
        let cache = ReadCache::default();
        put(&cache, &key(1), "one");
        assert!(cache.get(&key(1)).is_some());
        assert!(cache.get(&key(2)).is_none());
    }
}
