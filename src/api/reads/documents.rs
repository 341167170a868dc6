//! All documents of an owner, decrypted, for what only all of them together can tell: the order by title,
//! words in titles, tags.
//!
//! Decrypting thousands of titles takes tens of milliseconds of processor, so that a list is kept until one of
//! its documents changes, and few requests at a time make one. A list of an owner whose key is destroyed is not
//! used any more.

use std::sync::Arc;
use std::time::Duration;

use aggregates::UserId;
use projections::documents::{self, DocumentRow, Fingerprint, SealedDocument};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sealing::Subject;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::problem::Problem;
use store::Store;

/// The largest number of documents that are searched and sorted.
const MAX_DOCUMENTS: u32 = 10_000;
/// Bytes of all lists together, and lists expected.
const CAPACITY_BYTES: u64 = 32 << 20;
const EXPECTED_LISTS: usize = 256;
/// Approximate size of an omission without its names.
const OMISSION_BYTES: usize = 96;
/// Bytes of a document beside its texts.
const ROW_BYTES: usize = size_of::<DocumentRow>() + 120;
/// Bytes of a list beside its documents: an empty one counts too.
const LIST_BYTES: usize = 256;
/// Lists that are decrypted at the same time.
const OPENING: usize = 2;
/// Longest wait for other lists.
const OPENING_TIMEOUT: Duration = Duration::from_secs(10);

/// The lists of one process.
#[derive(Debug)]
pub(super) struct DocumentLists {
    lists: Cache<UserId, DocumentList, ByBytes>,
    opening: Arc<Semaphore>,
}

#[derive(Debug, Clone)]
struct DocumentList {
    fingerprint: Fingerprint,
    rows: Arc<[DocumentRow]>,
    bytes: u64,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<UserId, DocumentList> for ByBytes {
    fn weight(&self, _: &UserId, list: &DocumentList) -> u64 {
        list.bytes
    }
}

impl DocumentLists {
    pub(super) fn new() -> Self {
        let lists = Cache::with_weighter(EXPECTED_LISTS, CAPACITY_BYTES, ByBytes);
        Self { lists, opening: Arc::new(Semaphore::new(OPENING)) }
    }

    /// The newest documents of an owner, newest first, up to [`MAX_DOCUMENTS`].
    pub(super) async fn of(&self, store: &Store, owner: UserId) -> Result<Arc<[DocumentRow]>, Problem> {
        if let (_, Some(rows)) = self.look(store, owner).await? {
            return Ok(rows);
        }
        let opening = tokio::time::timeout(OPENING_TIMEOUT, Arc::clone(&self.opening).acquire_owned()).await;
        let opening = opening.ok().and_then(Result::ok).ok_or_else(Problem::timed_out)?;
        // Another request may have made the list meanwhile.
        let (fingerprint, rows) = self.look(store, owner).await?;
        if let Some(rows) = rows {
            return Ok(rows);
        }
        // The fingerprint is from before the rows, so that a change between both shows at the next look.
        let sealed = documents::list(store.read_models(), owner, None, MAX_DOCUMENTS).await?.items;
        let rows: Arc<[DocumentRow]> = decrypted(store, owner, sealed, Some(opening)).await?.into();
        let bytes = (LIST_BYTES + rows.iter().map(bytes_of).sum::<usize>()) as u64;
        self.lists.insert(owner, DocumentList { fingerprint, rows: Arc::clone(&rows), bytes });
        Ok(rows)
    }

    /// The fingerprint of the documents, and the list if it has that one and the owner's key exists.
    async fn look(
        &self,
        store: &Store,
        owner: UserId,
    ) -> Result<(Fingerprint, Option<Arc<[DocumentRow]>>), Problem> {
        let fingerprint = documents::fingerprint(store.read_models(), owner).await?;
        let Some(known) = self.lists.get(&owner) else { return Ok((fingerprint, None)) };
        if known.fingerprint == fingerprint && store.keyring().user(owner).await?.is_some() {
            return Ok((fingerprint, Some(known.rows)));
        }
        self.lists.remove(&owner);
        Ok((fingerprint, None))
    }
}

fn bytes_of(row: &DocumentRow) -> usize {
    let tags = row.tags.iter().map(|tag| size_of::<String>() + tag.capacity()).sum::<usize>();
    let words = [&row.reason, &row.warning].into_iter().flatten().map(String::capacity).sum::<usize>();
    // The warning says the same as the list, in more bytes.
    let omissions = row.warning.as_ref().map_or(0, String::capacity) + row.omissions.len() * OMISSION_BYTES;
    ROW_BYTES + row.title.capacity() + words + omissions + tags
}

/// Decrypts rows, away from the async threads.
pub(in crate::api) async fn opened(
    store: &Store,
    owner: UserId,
    rows: Vec<SealedDocument>,
) -> Result<Vec<DocumentRow>, Problem> {
    decrypted(store, owner, rows, None).await
}

/// The permit is held until the rows are decrypted, also where nobody waits for them any more.
async fn decrypted(
    store: &Store,
    owner: UserId,
    rows: Vec<SealedDocument>,
    opening: Option<OwnedSemaphorePermit>,
) -> Result<Vec<DocumentRow>, Problem> {
    let subjects: Vec<_> = rows.iter().map(|row| (owner, Subject::Document(row.id.uuid()))).collect();
    let keys = store.keyring().content_keys(&subjects).await?;
    let open = move || {
        let _opening = opening;
        let open = |row: SealedDocument| {
            let key = keys.get(&(owner, Subject::Document(row.id.uuid())));
            row.open(key)
        };
        rows.into_iter().map(open).collect()
    };
    tokio::task::spawn_blocking(open).await.map_err(|_| Problem::internal())
}
