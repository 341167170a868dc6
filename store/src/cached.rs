//! The framework's event store over our repository, with a cache: an aggregate at its version is not loaded again.

use std::collections::HashMap;
use std::sync::Arc;

use cqrs_es::persist::{PersistedEventRepository as _, PersistenceError, SerializedEvent};
use cqrs_es::{Aggregate, AggregateContext, AggregateError, DomainEvent as _, EventEnvelope, EventStore};
use quick_cache::sync::Cache;
use uuid::Uuid;

use crate::repository::{EventRepository, parse_id};

/// How many aggregates of a kind a process remembers.
const REMEMBERED: usize = 2_000;

/// Aggregates of one kind. A version conflict drops what is remembered, so that the next attempt decides from the truth.
#[derive(Debug)]
pub struct CachedEventStore<A: Aggregate> {
    repository: EventRepository,
    cache: Cache<Uuid, Arc<(A, usize)>>,
}

/// An aggregate at a version, about to handle a command.
#[derive(Debug)]
pub struct Loaded<A> {
    id: Uuid,
    aggregate: A,
    version: usize,
    remembered: bool,
}

impl<A> Loaded<A> {
    /// Whether it comes from the cache and not from the store.
    pub(crate) const fn is_remembered(&self) -> bool {
        self.remembered
    }
}

impl<A: Aggregate> AggregateContext<A> for Loaded<A> {
    fn aggregate(&mut self) -> &mut A {
        &mut self.aggregate
    }
}

impl<A: Aggregate + Clone> CachedEventStore<A> {
    pub(crate) fn new(repository: EventRepository) -> Self {
        Self { repository, cache: Cache::new(REMEMBERED) }
    }

    /// The aggregate as it is remembered, or else as it is stored.
    pub(crate) async fn load(&self, id: Uuid) -> Result<Loaded<A>, PersistenceError> {
        if let Some(known) = self.cache.get(&id) {
            return Ok(Loaded { id, aggregate: known.0.clone(), version: known.1, remembered: true });
        }
        let events = self.repository.get_events::<A>(&id.to_string()).await?;
        let version = events.len();
        let mut aggregate = A::default();
        for event in events {
            aggregate.apply(serde_json::from_value(event.payload)?);
        }
        if version > 0 {
            self.cache.insert(id, Arc::new((aggregate.clone(), version)));
        }
        Ok(Loaded { id, aggregate, version, remembered: false })
    }

    /// Forgets an aggregate, so that it is loaded anew.
    pub fn forget(&self, id: Uuid) {
        self.cache.remove(&id);
    }
}

impl<A: Aggregate + Clone> EventStore<A> for CachedEventStore<A> {
    type AC = Loaded<A>;

    async fn load_events(
        &self,
        aggregate_id: &str,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        let events = self.repository.get_events::<A>(aggregate_id).await?;
        let envelopes =
            events.into_iter().map(EventEnvelope::try_from).collect::<Result<_, PersistenceError>>()?;
        Ok(envelopes)
    }

    async fn load_aggregate(&self, aggregate_id: &str) -> Result<Loaded<A>, AggregateError<A::Error>> {
        let id = parse_id(aggregate_id).map_err(PersistenceError::from)?;
        Ok(self.load(id).await?)
    }

    /// Appends. The aggregate in the context has applied the events already, as the framework's sink does it.
    async fn commit(
        &self,
        events: Vec<A::Event>,
        context: Loaded<A>,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        if events.is_empty() {
            return Ok(vec![]);
        }
        let aggregate_id = context.id.to_string();
        let metadata_value = serde_json::to_value(&metadata)?;
        let mut serialized = Vec::with_capacity(events.len());
        for (sequence, event) in (context.version + 1..).zip(&events) {
            serialized.push(SerializedEvent::new(
                aggregate_id.clone(),
                sequence,
                A::TYPE.to_owned(),
                event.event_type(),
                event.event_version(),
                serde_json::to_value(event)?,
                metadata_value.clone(),
            ));
        }
        if let Err(error) = self.repository.persist::<A>(&serialized, None).await {
            self.cache.remove(&context.id);
            return Err(error.into());
        }
        let version = context.version + events.len();
        self.cache.insert(context.id, Arc::new((context.aggregate, version)));
        Ok((context.version + 1..)
            .zip(events)
            .map(|(sequence, payload)| EventEnvelope {
                aggregate_id: aggregate_id.clone(),
                sequence,
                payload,
                metadata: HashMap::new(),
            })
            .collect())
    }
}
