//! The ledger: the one order of everything, chained by hashes.

use aggregates::{AggregateType, Event, EventId, Position, RecordedEvent, UserId, Version};
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{FromRow, Row as _};
use uuid::Uuid;

use crate::ledger::chain::{Canonical, GENESIS, LedgerHash};
use crate::repository::corrupt;
use crate::{Store, StoreError};

/// An event with its place and its link in the chain.
#[derive(Debug)]
pub struct LedgerEntry {
    /// The event's place.
    pub position: Position,
    /// SHA-256 over the previous hash and the event's canonical bytes.
    pub hash: LedgerHash,
    /// The event, as stored.
    pub event: StoredEvent,
}

/// An event exactly as it is stored: what the hash covers.
#[derive(Debug, FromRow)]
pub struct StoredEvent {
    /// The kind of aggregate.
    pub aggregate_type: String,
    /// The aggregate.
    pub aggregate_id: Uuid,
    /// The event's place in the aggregate's history.
    pub sequence: i64,
    /// The event's name.
    pub event_type: String,
    /// The version of its form.
    pub event_version: String,
    /// Its id.
    pub event_id: Uuid,
    /// Whose it is.
    pub owner: Uuid,
    /// Its payload, without the private part.
    pub payload: Json<Box<RawValue>>,
    /// How it came to be.
    pub metadata: Json<Box<RawValue>>,
    /// The ciphertext of the private part.
    pub private: Option<Vec<u8>>,
    /// When Postgres recorded it.
    pub recorded_at: DateTime<Utc>,
}

/// A query of the ledger with its events.
macro_rules! select_ledger {
    ($clause:literal) => {
        concat!(
            "SELECT l.position, l.hash, e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, e.event_version,
                    e.event_id, e.owner, e.payload, e.metadata, e.private, e.recorded_at
               FROM ledger l JOIN events e
                 ON e.aggregate_type = l.aggregate_type AND e.aggregate_id = l.aggregate_id AND e.sequence = l.sequence ",
            $clause
        )
    };
}

impl StoredEvent {
    /// The next link of the chain.
    pub fn chain(&self, previous: &LedgerHash) -> LedgerHash {
        self.canonical().link(previous)
    }

    /// What the chain covers.
    pub fn canonical(&self) -> Canonical<'_> {
        Canonical {
            aggregate_type: &self.aggregate_type,
            aggregate_id: self.aggregate_id,
            sequence: self.sequence,
            event_type: &self.event_type,
            event_version: &self.event_version,
            event_id: self.event_id,
            owner: self.owner,
            recorded_at: self.recorded_at,
            payload: self.payload.get(),
            metadata: self.metadata.get(),
            private: self.private.as_deref(),
        }
    }

    /// The event, read; its private part still sealed.
    pub fn read(&self, position: Position) -> Result<RecordedEvent, StoreError> {
        let aggregate: AggregateType = self.aggregate_type.parse().map_err(corrupt)?;
        let payload = serde_json::from_str(self.payload.get()).map_err(corrupt)?;
        Ok(RecordedEvent {
            position,
            aggregate,
            aggregate_id: self.aggregate_id,
            sequence: Version(self.sequence.unsigned_abs()),
            event_id: EventId::new(self.event_id),
            owner: UserId::new(self.owner),
            recorded_at: self.recorded_at,
            event: Event::from_stored(aggregate, &self.event_version, payload).map_err(corrupt)?,
            sealed: self.private.clone(),
        })
    }

    /// The W3C trace context of the request that led to it.
    pub fn traceparent(&self) -> Option<String> {
        let metadata: serde_json::Value = serde_json::from_str(self.metadata.get()).ok()?;
        metadata.get("traceparent")?.as_str().map(str::to_owned)
    }
}

impl FromRow<'_, sqlx::postgres::PgRow> for LedgerEntry {
    fn from_row(row: &sqlx::postgres::PgRow) -> Result<Self, sqlx::Error> {
        let hash: Vec<u8> = row.try_get("hash")?;
        Ok(Self {
            position: Position(row.try_get::<i64, _>("position")?.unsigned_abs()),
            hash: hash.try_into().map_err(|_| sqlx::Error::Decode("a hash of another length".into()))?,
            event: StoredEvent::from_row(row)?,
        })
    }
}

impl Store {
    /// The ledger's last position and the head of its chain.
    pub async fn ledger_head(&self) -> Result<(Position, LedgerHash), StoreError> {
        let row: Option<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT position, hash FROM ledger ORDER BY position DESC LIMIT 1")
                .fetch_optional(&self.pool)
                .await?;
        match row {
            None => Ok((Position(0), GENESIS)),
            Some((position, hash)) => {
                let hash = hash
                    .try_into()
                    .map_err(|_| StoreError::Corrupt("a hash of another length".to_owned()))?;
                Ok((Position(position.unsigned_abs()), hash))
            }
        }
    }

    /// The ledger after a position, in order, with links.
    pub async fn ledger_after(&self, after: Position, limit: u32) -> Result<Vec<LedgerEntry>, StoreError> {
        let query = select_ledger!("WHERE l.position > $1 ORDER BY l.position LIMIT $2");
        let entries = sqlx::query_as(query)
            .bind(after.0.cast_signed())
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        Ok(entries)
    }

    /// The events after a position, in order.
    pub async fn events_after(&self, after: Position, limit: u32) -> Result<Vec<RecordedEvent>, StoreError> {
        self.ledger_after(after, limit).await?.iter().map(|entry| entry.event.read(entry.position)).collect()
    }

    /// The events of one owner after a position and up to another, in order.
    pub async fn owner_events_between(
        &self,
        owner: UserId,
        after: Position,
        up_to: Position,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let query = select_ledger!(
            "WHERE l.owner = $1 AND l.position > $2 AND l.position <= $3 ORDER BY l.position LIMIT $4"
        );
        let entries: Vec<LedgerEntry> = sqlx::query_as(query)
            .bind(owner.uuid())
            .bind(after.0.cast_signed())
            .bind(up_to.0.cast_signed())
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        entries.iter().map(|entry| entry.event.read(entry.position)).collect()
    }

    /// An aggregate's events with their private parts as stored, whether or not the ledger has them yet.
    pub async fn aggregate_events(
        &self,
        aggregate: AggregateType,
        id: Uuid,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        crate::events::load::recorded_events(&self.pool, aggregate, id).await
    }
}
