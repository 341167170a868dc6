//! Reads the events of one aggregate.

use aggregates::account::AccountEvent;
use aggregates::{AggregateType, Event, EventId, Position, RecordedEvent, UserId, Version};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Store, StoreError};
use database::Pool;

/// An event of an aggregate as it is stored, without its private part: aggregates decide without it.
#[derive(Debug, FromRow)]
pub(crate) struct PublicEvent {
    pub(crate) sequence: Version,
    pub(crate) event_type: String,
    pub(crate) event_version: String,
    #[sqlx(json)]
    pub(crate) payload: Value,
}

/// The events on which the decisions of an aggregate depend.
enum Material {
    All,
    /// All but those with these names.
    Except(&'static [&'static str]),
    None,
}

impl Material {
    const fn of(aggregate: AggregateType) -> Self {
        match aggregate {
            AggregateType::Conversation | AggregateType::Document | AggregateType::Operation => Self::All,
            AggregateType::Account => Self::Except(AccountEvent::IMMATERIAL),
            AggregateType::AuditTrail => Self::None,
        }
    }
}

/// The events of an aggregate after a version, in order, that its decisions depend on, and in any case the
/// newest one, whose sequence number is the aggregate's version. At most `limit`.
pub(crate) async fn events_after(
    pool: &Pool,
    aggregate_type: AggregateType,
    aggregate_id: Uuid,
    after: Version,
    limit: u32,
) -> Result<Vec<PublicEvent>, StoreError> {
    let (statement, immaterial): (_, &[&str]) = match Material::of(aggregate_type) {
        Material::All => (ALL, &[]),
        Material::Except(immaterial) => (MATERIAL, immaterial),
        Material::None => (NEWEST, &[]),
    };
    let query =
        sqlx::query_as(statement).bind(aggregate_type).bind(aggregate_id).bind(after).bind(i64::from(limit));
    let query = if immaterial.is_empty() { query } else { query.bind(immaterial) };
    Ok(query.fetch_all(pool).await?)
}

const ALL: &str = "
SELECT sequence, event_type, event_version, payload FROM events
 WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence > $3 ORDER BY sequence LIMIT $4";

const MATERIAL: &str = "
SELECT sequence, event_type, event_version, payload FROM events
 WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence > $3
   AND (event_type <> ALL ($5) OR sequence = (SELECT max(n.sequence) FROM events n
                                               WHERE n.aggregate_type = $1 AND n.aggregate_id = $2))
 ORDER BY sequence LIMIT $4";

const NEWEST: &str = "
SELECT sequence, event_type, event_version, payload FROM events
 WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence > $3 ORDER BY sequence DESC LIMIT least(1, $4)";

#[derive(FromRow)]
struct RecordedRow {
    sequence: Version,
    event_id: EventId,
    owner: UserId,
    event_version: String,
    payload: Json<Value>,
    private: Option<Vec<u8>>,
    recorded_at: DateTime<Utc>,
}

impl RecordedRow {
    fn decode(self, aggregate: AggregateType, aggregate_id: Uuid) -> Result<RecordedEvent, StoreError> {
        let Self { sequence, event_id, owner, event_version, payload, private, recorded_at } = self;
        let event = Event::from_stored(aggregate, &event_version, payload.0)
            .map_err(|source| StoreError::InvalidEvent { aggregate_id, sequence, source })?;
        Ok(RecordedEvent {
            position: Position(0),
            aggregate,
            aggregate_id,
            sequence,
            event_id,
            owner,
            recorded_at,
            event,
            sealed: private,
        })
    }
}

impl Store {
    /// The events of an aggregate in order, whether or not the ledger has them yet. Their position is 0;
    /// private parts stay encrypted.
    pub async fn aggregate_events(
        &self,
        aggregate: AggregateType,
        id: Uuid,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let rows: Vec<RecordedRow> = sqlx::query_as(
            "SELECT sequence, event_id, owner, event_version, payload, private, recorded_at FROM events
              WHERE aggregate_type = $1 AND aggregate_id = $2 ORDER BY sequence",
        )
        .bind(aggregate)
        .bind(id)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(|row| row.decode(aggregate, id)).collect()
    }

    /// The time of the first event of a user's account. One round trip.
    pub async fn account_opened_at(&self, user: UserId) -> Result<Option<DateTime<Utc>>, StoreError> {
        let opened = sqlx::query_scalar(
            "SELECT recorded_at FROM events WHERE aggregate_type = 'account' AND aggregate_id = $1
              ORDER BY sequence LIMIT 1",
        );
        Ok(opened.bind(user).fetch_optional(&self.pool).await?)
    }

    /// The newest `AccountInstructed` of a user, decrypted. One round trip.
    pub async fn account_instructed(&self, user: UserId) -> Result<Option<RecordedEvent>, StoreError> {
        let row: Option<RecordedRow> = sqlx::query_as(
            "SELECT sequence, event_id, owner, event_version, payload, private, recorded_at FROM events
              WHERE aggregate_type = 'account' AND aggregate_id = $1 AND event_type = 'AccountInstructed'
              ORDER BY sequence DESC LIMIT 1",
        )
        .bind(user)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let mut events = [row.decode(AggregateType::Account, user.uuid())?];
        self.decrypt_events(&mut events).await?;
        Ok(events.into_iter().next())
    }

    /// Some events of an aggregate by their sequences, in order, as [`Self::aggregate_events`] returns them.
    pub async fn events_at(
        &self,
        aggregate: AggregateType,
        id: Uuid,
        sequences: &[Version],
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let rows: Vec<RecordedRow> = sqlx::query_as(
            "SELECT sequence, event_id, owner, event_version, payload, private, recorded_at FROM events
              WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence = ANY($3) ORDER BY sequence",
        )
        .bind(aggregate)
        .bind(id)
        .bind(sequences)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(|row| row.decode(aggregate, id)).collect()
    }
}
