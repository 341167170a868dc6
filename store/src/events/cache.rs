//! Recently used aggregates, so that a command on one of them loads no events.

use std::sync::Arc;

use quick_cache::sync::Cache;
use uuid::Uuid;

/// Aggregates of one type that a process keeps.
const CAPACITY: usize = 2_000;

/// Aggregates of one type, each with its version as the framework counts it. Another process may have
/// appended since: only an append proves that the version is current.
#[derive(Debug)]
pub(crate) struct AggregateCache<A>(Cache<Uuid, Arc<(A, usize)>>);

impl<A: Clone> AggregateCache<A> {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    pub(crate) fn get(&self, id: Uuid) -> Option<(A, usize)> {
        self.0.get(&id).map(|known| (known.0.clone(), known.1))
    }

    pub(crate) fn insert(&self, id: Uuid, aggregate: A, version: usize) {
        self.0.insert(id, Arc::new((aggregate, version)));
    }

    pub(crate) fn remove(&self, id: Uuid) {
        self.0.remove(&id);
    }
}
