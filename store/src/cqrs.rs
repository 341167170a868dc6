//! The adapter to `cqrs-es`, whole: the repository of the framework's event store over the events in
//! PostgreSQL, and the execution of commands. No other module knows the framework.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aggregates::{Metadata, Version};
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{
    EventStoreAggregateContext, PersistedEventRepository, PersistedEventStore, PersistenceError,
    ReplayStream, SerializedEvent, SerializedSnapshot,
};
use cqrs_es::{Aggregate, AggregateError, EventStore as _};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::database::pool::Pool;
use crate::events::append::Appender;
use crate::events::cache::AggregateCache;
use crate::events::encrypt::{EventWriter, NewEvent, NewEvents};
use crate::events::idempotency::IdempotencyKey;
use crate::events::load;
use crate::keys::keyring::Keyring;
use crate::{ExecuteError, StoreError};

/// Executions of a command that loses to concurrent commands, at most.
const MAX_EXECUTIONS: usize = 25;

/// The entry of the framework's metadata that names the owner, which has a column of its own.
const OWNER: &str = "owner";

/// The aggregates of one type: executes commands and reads the current state. Keeps recently used aggregates
/// in memory.
pub struct Aggregates<A: Aggregate> {
    store: PersistedEventStore<EventRepository, A>,
    cache: AggregateCache<A>,
}

/// The result of a command.
#[derive(Debug)]
pub struct Executed<A: Aggregate> {
    /// The aggregate after the command.
    pub aggregate: A,
    /// The events of the command; empty if the aggregate did not change.
    pub events: Vec<A::Event>,
}

impl<A: Aggregate + Clone> Aggregates<A> {
    pub(crate) fn new(repository: EventRepository) -> Self {
        Self { store: PersistedEventStore::new_event_store(repository), cache: AggregateCache::new() }
    }

    /// The aggregate as this process knows it: in its current state, unless another process changed it since.
    pub async fn current(&self, id: Uuid) -> Result<A, StoreError> {
        Ok(self.context(id).await?.0.aggregate)
    }

    /// Removes an aggregate from the cache, so that the next call loads its events.
    pub fn forget(&self, id: Uuid) {
        self.cache.remove(id);
    }

    /// The aggregate at its version, and whether it comes from the cache.
    async fn context(&self, id: Uuid) -> Result<(EventStoreAggregateContext<A>, bool), StoreError> {
        let aggregate_id = id.to_string();
        if let Some((aggregate, current_sequence)) = self.cache.get(id) {
            let current_snapshot = None;
            let context =
                EventStoreAggregateContext { aggregate_id, aggregate, current_sequence, current_snapshot };
            return Ok((context, true));
        }
        let context = self.store.load_aggregate(&aggregate_id).await;
        let context = context.map_err(|error| store_error(id, error))?;
        if context.current_sequence > 0 {
            self.cache.insert(id, context.aggregate.clone(), context.current_sequence);
        }
        Ok((context, false))
    }
}

impl<A> Aggregates<A>
where
    A: Aggregate + Clone,
    A::Command: Clone,
    A::Services: Default,
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
        for _ in 0..MAX_EXECUTIONS {
            if let Some(executed) = self.execute_once(id, command.clone(), &metadata).await? {
                return Ok(executed);
            }
        }
        Err(ExecuteError::Store(StoreError::Conflict))
    }

    /// `None` if another command or process changed the aggregate first.
    async fn execute_once(
        &self,
        id: Uuid,
        command: A::Command,
        metadata: &HashMap<String, String>,
    ) -> Result<Option<Executed<A>>, ExecuteError<A::Error>> {
        let (mut context, is_cached) = self.context(id).await?;
        let sink = EventSink::default();
        let decision = context.aggregate.handle(command, &A::Services::default(), &sink).await;
        let events = sink.collect().await;
        // Only an append proves that a cached aggregate was current.
        if is_cached && (decision.is_err() || events.is_empty()) {
            self.forget(id);
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
            Err(error) => {
                self.forget(id);
                match store_error(id, error) {
                    StoreError::Conflict => Ok(None),
                    error => Err(ExecuteError::Store(error)),
                }
            }
        }
    }
}

impl<A: Aggregate> fmt::Debug for Aggregates<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aggregates").field("type", &A::TYPE).finish_non_exhaustive()
    }
}

/// The framework's repository: appends to and loads from the events in PostgreSQL. Private parts are
/// encrypted on the way in and not loaded, because aggregates decide without them.
#[derive(Debug, Clone)]
pub(crate) struct EventRepository {
    pool: Pool,
    writer: EventWriter,
}

impl EventRepository {
    pub(crate) fn new(pool: Pool, keyring: Arc<Keyring>) -> Self {
        let writer = EventWriter::new(Appender::new(pool.clone()), keyring);
        Self { pool, writer }
    }

    /// The events of an aggregate after a version, in their current form.
    async fn events_after<A: Aggregate>(
        &self,
        id: Uuid,
        after: Version,
    ) -> Result<Vec<SerializedEvent>, StoreError> {
        let events = load::events_after(&self.pool, A::TYPE, id, after).await?;
        let serialized = events.into_iter().map(|event| {
            aggregates::upcast(SerializedEvent::new(
                id.to_string(),
                framework_sequence(event.sequence),
                A::TYPE.to_owned(),
                event.event_type,
                event.event_version,
                event.payload,
                Value::Object(Map::new()),
            ))
        });
        Ok(serialized.collect())
    }
}

impl PersistedEventRepository for EventRepository {
    async fn get_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        Ok(self.events_after::<A>(parse_id(aggregate_id)?, Version(0)).await?)
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
        last_sequence: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        Ok(self.events_after::<A>(parse_id(aggregate_id)?, Version(last_sequence as u64)).await?)
    }

    async fn get_snapshot<A: Aggregate>(
        &self,
        _aggregate_id: &str,
    ) -> Result<Option<SerializedSnapshot>, PersistenceError> {
        Ok(None)
    }

    async fn persist<A: Aggregate>(
        &self,
        events: &[SerializedEvent],
        _snapshot_update: Option<(String, Value, usize)>,
    ) -> Result<(), PersistenceError> {
        match events.first() {
            None => Ok(()),
            Some(first) => Ok(self.writer.append(new_events(first, events)?).await?),
        }
    }

    async fn stream_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
    ) -> Result<ReplayStream, PersistenceError> {
        let events = self.get_events::<A>(aggregate_id).await?;
        let (mut feed, stream) = ReplayStream::new(events.len().max(1));
        for event in events {
            feed.push(Ok(event)).await?;
        }
        Ok(stream)
    }

    /// Fails: the ledger defines the order of all events, and `Store::events_after` reads it.
    async fn stream_all_events<A: Aggregate>(&self) -> Result<ReplayStream, PersistenceError> {
        Err(PersistenceError::UnknownError("all events are read from the ledger".into()))
    }
}

fn new_events(first: &SerializedEvent, events: &[SerializedEvent]) -> Result<NewEvents, StoreError> {
    let mut metadata = first.metadata.as_object().cloned().unwrap_or_default();
    let owner = metadata.remove(OWNER).and_then(|owner| owner.as_str()?.parse().ok());
    let idempotency = IdempotencyKey::take_from(&mut metadata);
    let events = events.iter().map(|event| NewEvent {
        sequence: Version(event.sequence as u64),
        event_type: event.event_type.clone(),
        event_version: event.event_version.clone(),
        payload: event.payload.clone(),
    });
    Ok(NewEvents {
        aggregate: first.aggregate_type.parse()?,
        aggregate_id: parse_id(&first.aggregate_id)?,
        owner: owner.ok_or(StoreError::MissingOwner)?,
        idempotency,
        events: events.collect(),
        metadata: Value::Object(metadata).to_string(),
    })
}

fn parse_id(id: &str) -> Result<Uuid, StoreError> {
    Uuid::try_parse(id).map_err(StoreError::InvalidAggregateId)
}

fn framework_sequence(version: Version) -> usize {
    usize::try_from(version.0).unwrap_or(usize::MAX)
}

impl From<StoreError> for PersistenceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::OptimisticLockError,
            unavailable if unavailable.is_unavailable() => Self::ConnectionError(Box::new(unavailable)),
            other => Self::UnknownError(Box::new(other)),
        }
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
