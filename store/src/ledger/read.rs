//! Reads the ledger in its order, for consumers and publishers.

use aggregates::{AggregateType, ConversationId, Event, EventId, Position, RecordedEvent, UserId, Version};
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::FromRow;
use uuid::Uuid;

use crate::ledger::chain::{Canonical, GENESIS, LedgerHash};
use crate::{Store, StoreError};

/// Longest trace context. The form of today has 55 bytes.
const MAX_TRACEPARENT_BYTES: usize = 128;

/// An event with its position and its hash.
#[derive(Debug, FromRow)]
pub struct LedgerEntry {
    /// The position of the event.
    pub position: Position,
    /// SHA-256 over the hash before it and the event's canonical bytes.
    pub hash: LedgerHash,
    /// The event, as stored.
    #[sqlx(flatten)]
    pub event: StoredEvent,
}

/// An event exactly as it is stored, valid or not: its hash covers these bytes.
#[derive(Debug, FromRow)]
pub struct StoredEvent {
    /// The type of the aggregate.
    pub aggregate_type: String,
    /// The id of the aggregate.
    pub aggregate_id: Uuid,
    /// The place of the event in the aggregate's history, from 1.
    pub sequence: i64,
    /// The name of the event.
    pub event_type: String,
    /// The version of the event's form.
    pub event_version: String,
    /// The id of the event.
    pub event_id: Uuid,
    /// The owner of the aggregate.
    pub owner: Uuid,
    /// The payload without the private part.
    #[sqlx(json)]
    pub payload: Box<RawValue>,
    /// The actor, the causing request and its trace context.
    #[sqlx(json)]
    pub metadata: Box<RawValue>,
    /// The ciphertext of the private part.
    pub private: Option<Vec<u8>>,
    /// The time at which PostgreSQL recorded the event.
    pub recorded_at: DateTime<Utc>,
}

/// Selects entries of the ledger with their events.
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
    /// The hash of the event after another one.
    pub fn chain(&self, previous: &LedgerHash) -> LedgerHash {
        self.canonical().link(previous)
    }

    /// The parts that the hash covers.
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

    /// The event in its current form. Its private part stays encrypted.
    pub fn read(&self, position: Position) -> Result<RecordedEvent, StoreError> {
        let sequence = Version(self.sequence.unsigned_abs());
        let invalid = |source| StoreError::InvalidEvent { aggregate_id: self.aggregate_id, sequence, source };
        let aggregate: AggregateType = self.aggregate_type.parse()?;
        let payload = serde_json::from_str(self.payload.get()).map_err(invalid)?;
        Ok(RecordedEvent {
            position,
            aggregate,
            aggregate_id: self.aggregate_id,
            sequence,
            event_id: EventId::new(self.event_id),
            owner: UserId::new(self.owner),
            recorded_at: self.recorded_at,
            event: Event::from_stored(aggregate, &self.event_version, payload).map_err(invalid)?,
            sealed: self.private.clone(),
        })
    }

    /// The W3C trace context of the request that caused the event. Anything else is left out: it
    /// becomes a header.
    pub fn traceparent(&self) -> Option<String> {
        let metadata: serde_json::Value = serde_json::from_str(self.metadata.get()).ok()?;
        let traceparent = metadata.get("traceparent")?.as_str()?;
        let is_one = traceparent.len() <= MAX_TRACEPARENT_BYTES
            && traceparent.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        is_one.then(|| traceparent.to_owned())
    }

    /// The same where the trace is recorded. Costs no parsing for other events, which are nearly all.
    pub fn sampled_traceparent(&self) -> Option<String> {
        let may_be = self.metadata.get().contains("-01\"");
        may_be.then(|| self.traceparent()).flatten().filter(|traceparent| traceparent.ends_with("-01"))
    }
}

impl Store {
    /// The last position of the ledger and its hash; position 0 and [`GENESIS`] for an empty ledger.
    pub async fn ledger_head(&self) -> Result<(Position, LedgerHash), StoreError> {
        let head = sqlx::query_as("SELECT position, hash FROM ledger ORDER BY position DESC LIMIT 1")
            .fetch_optional(&self.pool)
            .await?;
        Ok(head.unwrap_or((Position(0), GENESIS)))
    }

    /// The hash at a position; [`GENESIS`] at position 0, `None` beyond the head.
    pub async fn ledger_hash(&self, position: Position) -> Result<Option<LedgerHash>, StoreError> {
        if position == Position(0) {
            return Ok(Some(GENESIS));
        }
        let hash = sqlx::query_scalar("SELECT hash FROM ledger WHERE position = $1").bind(position);
        Ok(hash.fetch_optional(&self.pool).await?)
    }

    /// The hash at a position and the entries after it, in order, by one query.
    ///
    /// Fails with [`StoreError::AnotherHistory`] if the ledger ends before the position, or if `known` is
    /// another hash.
    pub async fn ledger_from(
        &self,
        after: Position,
        known: Option<LedgerHash>,
        limit: u32,
    ) -> Result<(LedgerHash, Vec<LedgerEntry>), StoreError> {
        if after == Position(0) {
            return Ok((GENESIS, self.ledger_after(after, limit).await?));
        }
        let before = Position(after.0 - 1);
        let mut entries = self.ledger_after(before, limit.saturating_add(1)).await?.into_iter();
        let anchor = entries.next().filter(|anchor| anchor.position == after);
        match anchor.map(|anchor| anchor.hash) {
            Some(hash) if known.is_none_or(|known| known == hash) => Ok((hash, entries.collect())),
            _ => Err(StoreError::AnotherHistory { position: after }),
        }
    }

    /// The entries after a position, in order.
    pub async fn ledger_after(&self, after: Position, limit: u32) -> Result<Vec<LedgerEntry>, StoreError> {
        let query = select_ledger!("WHERE l.position > $1 ORDER BY l.position LIMIT $2");
        let entries = sqlx::query_as(query).bind(after).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        Ok(entries)
    }

    /// The events after a position, in order.
    pub async fn events_after(&self, after: Position, limit: u32) -> Result<Vec<RecordedEvent>, StoreError> {
        self.ledger_after(after, limit).await?.iter().map(|entry| entry.event.read(entry.position)).collect()
    }

    /// The same as [`Self::events_after`], and an error if a position is missing among them.
    pub async fn contiguous_events_after(
        &self,
        after: Position,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let entries = self.contiguous_entries_after(after, limit).await?;
        entries.iter().map(|entry| entry.event.read(entry.position)).collect()
    }

    /// The entries after a position, in order, and an error if a position is missing among them.
    pub async fn contiguous_entries_after(
        &self,
        after: Position,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        let entries = self.ledger_after(after, limit).await?;
        let mut expected = after;
        for entry in &entries {
            expected = expected.next();
            if entry.position != expected {
                return Err(StoreError::MissingPosition { position: expected });
            }
        }
        Ok(entries)
    }

    /// The entries of one aggregate after a place in its history, in order.
    pub async fn aggregate_entries(
        &self,
        aggregate: AggregateType,
        id: Uuid,
        after: Version,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        let query = select_ledger!(
            "WHERE l.aggregate_type = $1 AND l.aggregate_id = $2 AND l.sequence > $3 ORDER BY l.sequence LIMIT $4"
        );
        let entries = sqlx::query_as(query).bind(aggregate).bind(id).bind(after).bind(i64::from(limit));
        Ok(entries.fetch_all(&self.pool).await?)
    }

    /// The events of an aggregate with these sequence numbers, in order.
    pub async fn aggregate_entries_at(
        &self,
        aggregate: AggregateType,
        id: Uuid,
        sequences: &[Version],
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        let query = select_ledger!(
            "WHERE l.aggregate_type = $1 AND l.aggregate_id = $2 AND l.sequence = ANY($3) ORDER BY l.sequence"
        );
        Ok(sqlx::query_as(query).bind(aggregate).bind(id).bind(sequences).fetch_all(&self.pool).await?)
    }

    /// The events of one owner, or of one of the owner's conversations, after a position and up to another,
    /// in order.
    pub async fn owner_events_between(
        &self,
        owner: UserId,
        only: Option<ConversationId>,
        after: Position,
        up_to: Position,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let entries = self.owner_entries_between(owner, only, after, up_to, limit).await?;
        entries.iter().map(|entry| entry.event.read(entry.position)).collect()
    }

    /// The same events as they are stored.
    pub async fn owner_entries_between(
        &self,
        owner: UserId,
        only: Option<ConversationId>,
        after: Position,
        up_to: Position,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        let query = select_ledger!(
            "WHERE l.owner = $1 AND l.position > $2 AND l.position <= $3
                AND ($5::uuid IS NULL OR l.aggregate_type = 'conversation' AND l.aggregate_id = $5)
              ORDER BY l.position LIMIT $4"
        );
        let entries: Vec<LedgerEntry> = sqlx::query_as(query)
            .bind(owner)
            .bind(after)
            .bind(up_to)
            .bind(i64::from(limit))
            .bind(only)
            .fetch_all(&self.pool)
            .await?;
        Ok(entries)
    }

    /// Whether an owner has more than so many events after a position and up to another one.
    pub async fn has_more_events(
        &self,
        owner: UserId,
        after: Position,
        up_to: Position,
        than: u32,
    ) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM ledger WHERE owner = $1 AND position > $2 AND position <= $3
                             ORDER BY position OFFSET $4)",
        )
        .bind(owner)
        .bind(after)
        .bind(up_to)
        .bind(i64::from(than))
        .fetch_one(&self.pool)
        .await?)
    }
}
