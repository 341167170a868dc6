//! Queries of read models: parameters, batched statements, cached responses, and waits for the caller's
//! own writes.

mod batched;
pub mod cache;
pub(in crate::api) mod params;
pub(in crate::api) mod representation;
mod waiting;

use std::sync::Arc;

use aggregates::UserId;
use futures::FutureExt as _;
use projections::{conversations, messages};
use quick_cache::sync::Cache;

use crate::api::live::Live;
use crate::api::problem::Problem;
use batched::BatchedQuery;
use cache::{Generation, ReadKey};
use representation::Representation;
use store::Store;

/// Users remembered as having listed their conversations: as many as the keyring remembers.
const LISTED: usize = 20_000;

/// Access to the read models.
#[derive(Debug)]
pub(in crate::api) struct ReadModels {
    store: Store,
    live: Arc<Live>,
    lists: BatchedQuery<conversations::ListRequest, conversations::ListPage>,
    pages: BatchedQuery<messages::PageRequest, Option<messages::MessagesPage>>,
    listed: Cache<UserId, ()>,
}

impl ReadModels {
    pub(in crate::api) fn new(store: Store, live: Arc<Live>) -> Self {
        let lists = BatchedQuery::new(store.clone(), |store, requests| {
            async move { conversations::lists(store.read_models(), &requests).await }.boxed()
        });
        let pages = BatchedQuery::new(store.clone(), |store, requests| {
            async move { messages::pages(store.read_models(), &requests).await }.boxed()
        });
        Self { store, live, lists, pages, listed: Cache::new(LISTED) }
    }

    /// The store, for queries that are not batched.
    pub(in crate::api) const fn store(&self) -> &Store {
        &self.store
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

    /// The cached response to a query, if it is current. Without announcements it can be outdated.
    pub(in crate::api) fn cached(&self, key: &ReadKey) -> Option<Representation> {
        if self.live.is_subscribed() { self.live.reads().get(key) } else { None }
    }

    /// The generation of an owner's data. Taken before a query, so that a change during the query is noticed.
    pub(in crate::api) fn generation(&self, owner: UserId) -> Generation {
        self.live.reads().generation(owner)
    }

    /// Caches the response to a query that began at a generation.
    pub(in crate::api) fn cache(&self, key: ReadKey, begun: Generation, response: &Representation) {
        if self.live.is_subscribed() {
            self.live.reads().put(key, begun, response);
        }
    }
}
