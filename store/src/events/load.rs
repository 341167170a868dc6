//! Reads the events of one aggregate.

use aggregates::{AggregateType, Event, EventId, Position, RecordedEvent, UserId, Version};
use chrono::{DateTime, Utc};
use cqrs_es::persist::SerializedEvent;
use serde_json::Value;
use sqlx::PgPool;
use sqlx::types::Json;
use uuid::Uuid;

use crate::StoreError;
use crate::repository::corrupt;

/// An aggregate's events after a sequence, as the framework wants them; private parts stay sealed.
pub(crate) async fn events_after(
    pool: &PgPool,
    aggregate_type: &str,
    aggregate_id: Uuid,
    last_sequence: usize,
) -> Result<Vec<SerializedEvent>, StoreError> {
    let rows: Vec<(i64, String, String, Json<Value>)> = sqlx::query_as(
        "SELECT sequence, event_type, event_version, payload FROM events
          WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence > $3 ORDER BY sequence",
    )
    .bind(aggregate_type)
    .bind(aggregate_id)
    .bind(i64::try_from(last_sequence).map_err(corrupt)?)
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|(sequence, event_type, event_version, Json(payload))| {
            Ok(aggregates::upcast(SerializedEvent::new(
                aggregate_id.to_string(),
                usize::try_from(sequence).map_err(corrupt)?,
                aggregate_type.to_owned(),
                event_type,
                event_version,
                payload,
                Value::Object(serde_json::Map::new()),
            )))
        })
        .collect()
}

/// An aggregate's events with their private parts as stored, whether or not the ledger has them yet: position 0 stands for
/// all of them.
pub(crate) async fn recorded_events(
    pool: &PgPool,
    aggregate: AggregateType,
    aggregate_id: Uuid,
) -> Result<Vec<RecordedEvent>, StoreError> {
    type Row = (i64, Uuid, Uuid, String, Json<Value>, Option<Vec<u8>>, DateTime<Utc>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT sequence, event_id, owner, event_version, payload, private, recorded_at FROM events
          WHERE aggregate_type = $1 AND aggregate_id = $2 ORDER BY sequence",
    )
    .bind(aggregate.name())
    .bind(aggregate_id)
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|(sequence, event_id, owner, version, Json(payload), sealed, recorded_at)| {
            Ok(RecordedEvent {
                position: Position(0),
                aggregate,
                aggregate_id,
                sequence: Version(sequence.unsigned_abs()),
                event_id: EventId::new(event_id),
                owner: UserId::new(owner),
                recorded_at,
                event: Event::from_stored(aggregate, &version, payload).map_err(corrupt)?,
                sealed,
            })
        })
        .collect()
}
