//! The repository of the framework's event store over the events in PostgreSQL.

use std::sync::Arc;

use aggregates::Version;
use cqrs_es::Aggregate;
use cqrs_es::persist::{
    PersistedEventRepository, PersistenceError, ReplayStream, SerializedEvent, SerializedSnapshot,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::StoreError;
use crate::events::append::Appender;
use crate::events::encrypt::{EventWriter, NewEvent, NewEvents};
use crate::events::idempotency::IdempotencyKey;
use crate::events::load;
use crate::keys::keyring::Keyring;
use database::Pool;

/// The entry of the framework's metadata that names the owner, which has a column of its own.
const OWNER: &str = "owner";

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
    pub(super) async fn events_after<A: Aggregate>(
        &self,
        id: Uuid,
        after: Version,
        limit: u32,
    ) -> Result<Vec<SerializedEvent>, StoreError> {
        let events = load::events_after(&self.pool, A::TYPE.parse()?, id, after, limit).await?;
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
        Ok(self.events_after::<A>(parse_id(aggregate_id)?, Version(0), u32::MAX).await?)
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
        last_sequence: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let after = Version(last_sequence as u64);
        Ok(self.events_after::<A>(parse_id(aggregate_id)?, after, u32::MAX).await?)
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

pub(super) fn new_events(
    first: &SerializedEvent,
    events: &[SerializedEvent],
) -> Result<NewEvents, StoreError> {
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

pub(super) fn framework_sequence(version: Version) -> usize {
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
