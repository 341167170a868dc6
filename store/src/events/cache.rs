//! Recently used aggregates, so that a command on one of them loads no events.

use std::sync::Arc;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use uuid::Uuid;

/// Aggregates of one type that a process expects to keep.
const CAPACITY: usize = 2_000;
/// The most events that all kept aggregates of one type weigh. An aggregate keeps up to about 100 bytes of an
/// event.
const CAPACITY_EVENTS: u64 = 160_000;
/// The events that an aggregate weighs beside its own: its tables and its place in the cache.
const BASE_EVENTS: u64 = 8;
/// Few shards, so that an aggregate with a long history fits into one.
const SHARDS: usize = 4;

/// Aggregates of one type, each with its version as the framework counts it. Another process may have
/// appended since: only an append proves that the version is current.
#[derive(Debug)]
pub(crate) struct AggregateCache<A>(Cache<Uuid, Entry<A>, ByEvents>);

type Entry<A> = Arc<(A, usize)>;

/// The weight of an aggregate grows with its events, as its memory does.
#[derive(Debug, Clone)]
struct ByEvents;

impl<A> Weighter<Uuid, Entry<A>> for ByEvents {
    fn weight(&self, _id: &Uuid, entry: &Entry<A>) -> u64 {
        BASE_EVENTS + entry.1 as u64
    }
}

impl<A: Clone> AggregateCache<A> {
    pub(crate) fn new() -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(CAPACITY)
            .weight_capacity(CAPACITY_EVENTS)
            .shards(SHARDS)
            .build();
        let lifecycle = DefaultLifecycle::default();
        match options {
            Ok(options) => {
                Self(Cache::with_options(options, ByEvents, DefaultHashBuilder::default(), lifecycle))
            }
            // Both capacities are set.
            Err(_) => Self(Cache::with_weighter(CAPACITY, CAPACITY_EVENTS, ByEvents)),
        }
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
