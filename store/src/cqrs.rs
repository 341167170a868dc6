//! The adapter to `cqrs-es`, whole: the execution of commands, and the repository of the framework's event
//! store (`repository`). No other module knows the framework.

mod repository;

use std::collections::HashMap;
use std::fmt;

use aggregates::{Metadata, Version};
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{EventStoreAggregateContext, PersistedEventStore, SerializedEvent};
use cqrs_es::{Aggregate, AggregateError, DomainEvent as _, EventStore as _};
use uuid::Uuid;

use crate::events::cache::AggregateCache;
use crate::events::idempotency::IdempotencyKey;
use crate::{ExecuteError, StoreError};
pub(crate) use repository::EventRepository;
use repository::framework_sequence;

/// Executions of a command that loses to concurrent commands, at most.
const MAX_EXECUTIONS: usize = 25;
/// Events of an aggregate that are read in one round trip.
const PAGE: u32 = 2_000;

/// The aggregates of one type: executes commands and reads the current state. Keeps recently used aggregates
/// in memory.
///
/// A cached aggregate that another process has changed since is brought up to date by the events after its
/// version, so that the cost of a command does not grow with the history. Only the first command after the
/// aggregate left the cache reads all events, page by page.
pub struct Aggregates<A: Aggregate> {
    store: PersistedEventStore<EventRepository, A>,
    repository: EventRepository,
    cache: AggregateCache<A>,
    services: A::Services,
}

/// The result of a command.
#[derive(Debug)]
pub struct Executed<A: Aggregate> {
    /// The aggregate after the command.
    pub aggregate: A,
    /// The events of the command; empty if the aggregate did not change.
    pub events: Vec<A::Event>,
}

/// An aggregate for one execution of a command.
struct Loaded<A: Aggregate> {
    context: EventStoreAggregateContext<A>,
    /// Whether the aggregate comes from the cache as it is.
    is_cached: bool,
    /// Whether events were read.
    is_changed: bool,
}

impl<A: Aggregate + Clone> Aggregates<A> {
    pub(crate) fn new(repository: EventRepository, services: A::Services) -> Self {
        let store = PersistedEventStore::new_event_store(repository.clone());
        Self { store, repository, cache: AggregateCache::new(), services }
    }

    /// The same aggregates with other services. Nothing that is cached is shared.
    pub(crate) fn with_services(&self, services: A::Services) -> Self {
        Self::new(self.repository.clone(), services)
    }

    /// The services that its decisions are given.
    pub const fn services(&self) -> &A::Services {
        &self.services
    }

    /// The aggregate as this process knows it: in its current state, unless another process changed it since.
    pub async fn current(&self, id: Uuid) -> Result<A, StoreError> {
        Ok(self.cached(id).await?.context.aggregate)
    }

    /// The aggregate with all events that were committed before the call. One round trip for each page of
    /// events that this process does not know.
    pub async fn latest(&self, id: Uuid) -> Result<A, StoreError> {
        Ok(self.loaded(id).await?.context.aggregate)
    }

    /// The aggregate at a version or later, which the caller knows to exist.
    pub async fn at_least(&self, id: Uuid, version: Version) -> Result<A, StoreError> {
        match self.cache.get(id) {
            Some((aggregate, known)) if known >= framework_sequence(version) => Ok(aggregate),
            _ => self.latest(id).await,
        }
    }

    /// Removes an aggregate from the cache, so that the next call loads its events.
    pub fn forget(&self, id: Uuid) {
        self.cache.remove(id);
    }

    /// The aggregate as it is cached; with all events if it is not.
    async fn cached(&self, id: Uuid) -> Result<Loaded<A>, StoreError> {
        match self.cache.get(id) {
            Some((aggregate, version)) => {
                let context = context(id, aggregate, version);
                Ok(Loaded { context, is_cached: true, is_changed: false })
            }
            None => self.loaded(id).await,
        }
    }

    /// The aggregate with all events.
    async fn loaded(&self, id: Uuid) -> Result<Loaded<A>, StoreError> {
        let (mut aggregate, known) = self.cache.get(id).unwrap_or_default();
        let mut version = known;
        loop {
            let after = Version(version as u64);
            let events = self.repository.events_after::<A>(id, after, PAGE).await?;
            let is_last = events.len() < PAGE as usize;
            for event in events {
                version = event.sequence;
                aggregate.apply(readable::<A>(id, event)?);
            }
            if is_last {
                break;
            }
        }
        let is_changed = version > known;
        if is_changed {
            self.cache.insert(id, aggregate.clone(), version);
        }
        Ok(Loaded { context: context(id, aggregate, version), is_cached: false, is_changed })
    }
}

/// The event in its current form. A version that this release does not know means something else, although
/// its payload may look alike.
fn readable<A: Aggregate>(aggregate_id: Uuid, stored: SerializedEvent) -> Result<A::Event, StoreError> {
    let invalid = |source| StoreError::InvalidHistory { aggregate_id, source };
    let event: A::Event = serde_json::from_value(stored.payload).map_err(|error| invalid(error.into()))?;
    // An upcaster writes 2 as 2.0.0.
    if event.event_version() == stored.event_version.trim_end_matches(".0") {
        return Ok(event);
    }
    let (name, version) = (stored.event_type, stored.event_version);
    Err(invalid(format!("version {version} of {name} is unknown").into()))
}

fn context<A: Aggregate>(id: Uuid, aggregate: A, version: usize) -> EventStoreAggregateContext<A> {
    EventStoreAggregateContext {
        aggregate_id: id.to_string(),
        aggregate,
        current_sequence: version,
        current_snapshot: None,
    }
}

impl<A> Aggregates<A>
where
    A: Aggregate + Clone,
    A::Command: Clone,
{
    /// Executes a command and appends its events; executes again if a concurrent command appended first.
    pub async fn execute(
        &self,
        id: Uuid,
        command: A::Command,
        metadata: &Metadata,
        idempotency: Option<&IdempotencyKey>,
    ) -> Result<Executed<A>, ExecuteError<A::Error>> {
        let mut metadata = metadata.to_map();
        if let Some(key) = idempotency {
            key.put_into(&mut metadata);
        }
        let mut loaded = self.cached(id).await?;
        for _ in 0..MAX_EXECUTIONS {
            if let Some(executed) = self.execute_once(id, loaded, command.clone(), &metadata).await? {
                return Ok(executed);
            }
            loaded = self.loaded(id).await?;
        }
        Err(ExecuteError::Store(StoreError::Conflict))
    }

    /// `None` if another command or process changed the aggregate first.
    async fn execute_once(
        &self,
        id: Uuid,
        loaded: Loaded<A>,
        command: A::Command,
        metadata: &HashMap<String, String>,
    ) -> Result<Option<Executed<A>>, ExecuteError<A::Error>> {
        let Loaded { mut context, is_cached, is_changed } = loaded;
        let sink = EventSink::default();
        let decision = context.aggregate.handle(command, &self.services, &sink).await;
        let events = sink.collect().await;
        // Only an append proves that a cached aggregate was current.
        if is_cached && (decision.is_err() || events.is_empty()) {
            return Ok(None);
        }
        decision.map_err(ExecuteError::Refused)?;
        // The sink has applied the events already.
        let aggregate = context.aggregate.clone();
        if events.is_empty() {
            return Ok(Some(Executed { aggregate, events }));
        }
        let version = context.current_sequence + events.len();
        match self.store.commit(events.clone(), context, metadata.clone()).await {
            Ok(_) => {
                self.cache.insert(id, aggregate.clone(), version);
                Ok(Some(Executed { aggregate, events }))
            }
            Err(error) => match store_error(id, error) {
                StoreError::Conflict => {
                    // A conflict without news: the cached aggregate has events that the database lacks.
                    if !is_cached && !is_changed {
                        self.forget(id);
                    }
                    Ok(None)
                }
                error => {
                    self.forget(id);
                    Err(ExecuteError::Store(error))
                }
            },
        }
    }
}

impl<A: Aggregate> fmt::Debug for Aggregates<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aggregates").field("type", &A::TYPE).finish_non_exhaustive()
    }
}

/// Finds the store's own error behind the framework's.
fn store_error<E: std::error::Error>(aggregate_id: Uuid, error: AggregateError<E>) -> StoreError {
    match error {
        AggregateError::AggregateConflict => StoreError::Conflict,
        AggregateError::DeserializationError(source) => StoreError::InvalidHistory { aggregate_id, source },
        AggregateError::DatabaseConnectionError(error) | AggregateError::UnexpectedError(error) => {
            error.downcast().map_or_else(StoreError::Framework, |error| *error)
        }
        AggregateError::UserError(refused) => StoreError::Framework(refused.to_string().into()),
    }
}

#[cfg(test)]
mod tests;
