//! Queries of read models: parameters, batched statements, cached responses, and waits for the
//! reader's own writes.

mod api_processes;
mod batched;
pub mod cache;
mod documents;
mod freshness;
mod last_reads;
mod looks;
pub(in crate::api) mod params;
pub(in crate::api) mod quarantined;
pub(in crate::api) mod representation;
mod waiting;
mod written;

use std::sync::Arc;

use aggregates::UserId;
use futures::FutureExt as _;
use projections::documents::DocumentRow;
use projections::search::{SealedHit, SearchHit, SearchQuery, SnippetBudget};
use projections::{conversations, messages};
use quick_cache::sync::Cache;
use sealing::ContentKey;
use tokio::sync::Semaphore;

use crate::api::limits::Limits;
use crate::api::live::Live;
use crate::api::problem::Problem;
use batched::BatchedQuery;
use cache::{Generation, ReadKey};
use documents::DocumentLists;
pub(in crate::api) use documents::opened;
use freshness::Freshness;
use last_reads::LastReads;
use representation::Representation;
use store::Store;
pub(in crate::api) use written::Write;

/// Users remembered as having listed their conversations: as many as the keyring remembers.
const LISTED: usize = 20_000;

/// Searches whose hits are decrypted at the same time. Others wait within the time limit of their request.
const OPENING_SEARCHES: usize = 2;
/// Hits with fewer bytes of encrypted texts are decrypted where they are: that takes a fraction of a millisecond, and
/// another thread would have to wake up for it.
const OPENED_IN_PLACE_BYTES: usize = 2 << 10;

/// Access to the read models.
#[derive(Debug)]
pub(in crate::api) struct ReadModels {
    store: Store,
    live: Arc<Live>,
    lists: BatchedQuery<conversations::ListRequest, conversations::ListPage>,
    pages: BatchedQuery<messages::PageRequest, Option<messages::MessagesPage>>,
    freshness: Freshness,
    limits: Arc<Limits>,
    listed: Cache<UserId, ()>,
    opening_searches: Arc<Semaphore>,
    last_reads: LastReads,
    documents: DocumentLists,
}

impl ReadModels {
    pub(in crate::api) fn new(store: Store, live: Arc<Live>, limits: Arc<Limits>) -> Self {
        let freshness = Freshness::new(store.clone(), Arc::clone(&live), Arc::clone(&limits));
        let lists = BatchedQuery::new(store.clone(), |store, requests| {
            async move { conversations::lists(store.read_models(), &requests).await }.boxed()
        });
        let pages = BatchedQuery::new(store.clone(), |store, requests| {
            async move { messages::pages(store.read_models(), &requests).await }.boxed()
        });
        Self {
            store,
            live,
            lists,
            pages,
            freshness,
            limits,
            listed: Cache::new(LISTED),
            last_reads: LastReads::new(),
            documents: DocumentLists::new(),
            opening_searches: Arc::new(Semaphore::new(OPENING_SEARCHES)),
        }
    }

    /// The store, for queries that are not batched.
    pub(in crate::api) const fn store(&self) -> &Store {
        &self.store
    }

    /// The newest documents of an owner, decrypted, for what only all of them together tell.
    pub(in crate::api) async fn all_documents(&self, owner: UserId) -> Result<Arc<[DocumentRow]>, Problem> {
        self.documents.of(&self.store, owner).await
    }

    /// Notes that an owner opened a conversation or a document. Never waits.
    pub(in crate::api) fn note_read(&self, owner: UserId, id: uuid::Uuid) {
        self.last_reads.note(owner, id);
    }

    /// Writes the noted reads, for ever.
    pub(in crate::api) async fn write_last_reads(&self) {
        self.last_reads.write(&self.store).await;
    }

    /// A page of a list of conversations. The first list of a user comes with the keys of the conversations;
    /// later most keys are cached.
    pub(in crate::api) async fn conversations(
        &self,
        owner: UserId,
        filter: conversations::Filter,
        after: Option<conversations::Cursor>,
        limit: u32,
    ) -> Result<conversations::ListPage, Problem> {
        let with_keys = self.listed.get(&owner).is_none();
        let request = conversations::ListRequest { owner, filter, after, limit, with_keys };
        let found = self.lists.query(request).await?;
        if with_keys {
            self.listed.insert(owner, ());
        }
        Ok(found)
    }

    /// A page of the newest branch of a conversation; `None` if the conversation does not exist.
    pub(in crate::api) async fn messages(
        &self,
        request: messages::PageRequest,
    ) -> Result<Option<messages::MessagesPage>, Problem> {
        self.pages.query(request).await
    }

    /// Decrypts the hits of a search and cuts their snippets. Large hits are decrypted on a thread of their own, those
    /// of at most [`OPENING_SEARCHES`] searches at a time.
    pub(in crate::api) async fn open_hits(
        &self,
        query: SearchQuery,
        hits: Vec<(SealedHit, Option<ContentKey>)>,
    ) -> Result<Vec<SearchHit>, Problem> {
        let bytes: usize = hits.iter().map(|(hit, _)| hit.encrypted_bytes()).sum();
        let open = move || {
            let mut budget = SnippetBudget::default();
            hits.into_iter().map(|(hit, key)| hit.open(&query, key.as_ref(), &mut budget)).collect()
        };
        if bytes < OPENED_IN_PLACE_BYTES {
            return Ok(open());
        }
        let slot = Arc::clone(&self.opening_searches).acquire_owned().await;
        let opening = tokio::task::spawn_blocking(move || {
            // The slot is free when the work ends, also where the request has ended before.
            let _slot = slot;
            open()
        });
        opening.await.map_err(|_| Problem::internal())
    }

    /// Waits until the read models show what commands of a user have changed before the call, up to 2 s.
    pub(in crate::api) async fn show_writes_of(&self, user: UserId) -> Result<(), Problem> {
        self.freshness.wait_for_writes(user).await
    }

    /// Waits until the process may accept commands: until every process that accepts some knows of it, up to
    /// 5 s.
    pub(in crate::api) async fn until_accepting(&self) -> Result<(), Problem> {
        self.freshness.until_accepting().await
    }

    /// Notes that a write of a user begins. Reads of the user look for it, until the read models show it.
    pub(in crate::api) fn begin_write(&self, user: UserId) -> Write {
        self.freshness.begin_write(user)
    }

    /// Keeps the process known to others, for ever.
    pub(in crate::api) async fn keep_registered(&self) {
        self.freshness.run().await;
    }

    /// Lets other processes know that this one accepts no command any more.
    pub(in crate::api) async fn leave(&self) {
        self.freshness.leave().await;
    }

    /// The cached response to a query. It is current for a reader after [`Self::show_writes_of`].
    pub(in crate::api) fn cached(&self, key: &ReadKey) -> Option<Representation> {
        self.live.reads().get(key)
    }

    /// The generation of an owner's data. Taken before a query, so that a change during the query is noticed.
    pub(in crate::api) fn generation(&self, owner: UserId) -> Generation {
        self.live.reads().generation(owner)
    }

    /// Caches the response to a query that began at a generation.
    pub(in crate::api) fn cache(&self, key: ReadKey, begun: Generation, response: &Representation) {
        self.live.reads().put(key, begun, response);
    }
}
