//! Reads the ledger for auditors: filtered, with the hash before each entry.

use aggregates::{ConversationId, Position, UserId};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, Row as _};
use uuid::Uuid;

use crate::ledger::chain::{GENESIS, LedgerHash};
use crate::{LedgerEntry, Store, StoreError};
use database::Limit;

/// A selection of events. An event passes if it matches each condition that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// The owner of the aggregate.
    pub user: Option<UserId>,
    /// The conversation that the event changed.
    pub conversation: Option<ConversationId>,
    /// The name of the event.
    pub event_type: Option<String>,
    /// The first time of recording.
    pub from: Option<DateTime<Utc>>,
    /// The time of recording after the last one.
    pub to: Option<DateTime<Utc>>,
}

impl EventFilter {
    /// Whether each event passes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The conditions that are set, as an event of the audit trail and an export show them.
    pub fn to_json(&self) -> Value {
        let fields = [
            ("user", self.user.map(|user| user.to_string())),
            ("conversation", self.conversation.map(|conversation| conversation.to_string())),
            ("type", self.event_type.clone()),
            ("from", self.from.map(|from| from.to_rfc3339())),
            ("to", self.to.map(|to| to.to_rfc3339())),
        ];
        fields
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))))
            .collect()
    }

    /// Whether an index finds the events, so that no other rows are read.
    const fn is_indexed(&self) -> bool {
        self.user.is_some() || self.conversation.is_some()
    }
}

/// An entry of the ledger with the hash before it.
#[derive(Debug)]
pub struct LinkedEntry {
    /// The hash at the position before; [`GENESIS`] before the first.
    pub previous: LedgerHash,
    /// The position, the hash and the event.
    pub entry: LedgerEntry,
    /// The owner in the ledger's own row. It differs from the event's only if one of them was changed.
    pub ledger_owner: UserId,
    /// Bytes of payload and metadata in the table, with white space around them that the hash leaves out.
    pub stored_bytes: i64,
}

impl FromRow<'_, sqlx::postgres::PgRow> for LinkedEntry {
    fn from_row(row: &sqlx::postgres::PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            previous: row.try_get::<Option<LedgerHash>, _>("previous")?.unwrap_or(GENESIS),
            entry: LedgerEntry::from_row(row)?,
            ledger_owner: row.try_get("ledger_owner")?,
            stored_bytes: row.try_get("stored_bytes")?,
        })
    }
}

/// A part of the ledger that was searched.
#[derive(Debug)]
pub struct LedgerPart {
    /// The entries that passed the filter, in order.
    pub entries: Vec<LinkedEntry>,
    /// The position up to which the ledger was searched.
    pub searched_to: Position,
}

/// The key of an event that is neither in the ledger nor in the outbox, as stored.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct UnsequencedEvent {
    /// The type of the aggregate.
    pub aggregate_type: String,
    /// The id of the aggregate.
    pub aggregate_id: Uuid,
    /// The place of the event in the aggregate's history.
    pub sequence: i64,
}

/// Positions that one call searches where no index finds the events.
const SEARCHED_AT_ONCE: u64 = 50_000;

impl Store {
    /// Searches the ledger after a position and up to another, for at most `limit` events that pass a filter.
    ///
    /// Fewer events, or none, do not mean that no more follow: the caller repeats the call after
    /// [`LedgerPart::searched_to`].
    pub async fn filtered_ledger(
        &self,
        filter: &EventFilter,
        after: Position,
        up_to: Position,
        limit: u32,
    ) -> Result<LedgerPart, StoreError> {
        let is_direct = filter.is_empty() || filter.is_indexed();
        let up_to =
            if is_direct { up_to } else { up_to.min(Position(after.0.saturating_add(SEARCHED_AT_ONCE))) };
        let statement = match (filter.conversation, filter.user) {
            (Some(_), _) => OF_CONVERSATION,
            (None, Some(_)) => OF_OWNER,
            (None, None) => OF_ALL,
        };
        let entries: Vec<LinkedEntry> = sqlx::query_as(statement)
            .bind(after)
            .bind(up_to)
            .bind(filter.event_type.as_deref())
            .bind(filter.from)
            .bind(filter.to)
            .bind(i64::from(limit))
            .bind(filter.user)
            .bind(filter.conversation)
            .fetch_all(&self.pool)
            .await?;
        let is_full = entries.len() == limit as usize;
        let last = entries.last().filter(|_| is_full).map(|last| last.entry.position);
        Ok(LedgerPart { entries, searched_to: last.unwrap_or(up_to) })
    }

    /// An event that is neither in the ledger nor in the outbox. Reads all events.
    pub async fn unsequenced_event(&self) -> Result<Option<UnsequencedEvent>, StoreError> {
        let searching = self.pool.transaction(Limit::Long, async |transaction| {
            sqlx::query_as(UNSEQUENCED).fetch_optional(transaction).await
        });
        Ok(searching.await?)
    }

    /// The first and the last position of a conversation; `None` if the ledger has no event of it.
    pub async fn conversation_positions(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<(Position, Position)>, StoreError> {
        let (first, last): (Option<Position>, Option<Position>) = sqlx::query_as(
            "SELECT min(position), max(position) FROM ledger WHERE aggregate_type = 'conversation' AND aggregate_id = $1",
        )
        .bind(conversation)
        .fetch_one(&self.pool)
        .await?;
        Ok(first.zip(last))
    }
}

/// Selects filtered entries with the hash before each. There is one statement for each index, because one
/// plan for all filters would use none. All take the same parameters.
macro_rules! select_filtered {
    ($clause:literal) => {
        select_filtered!(
            "JOIN events e
               ON e.aggregate_type = l.aggregate_type AND e.aggregate_id = l.aggregate_id AND e.sequence = l.sequence",
            $clause
        )
    };
    ($events:literal, $clause:literal) => {
        concat!(
            "SELECT l.position, l.hash, l.owner AS ledger_owner, p.hash AS previous, e.aggregate_type, e.aggregate_id,
                    e.sequence, e.event_type, e.event_version, e.event_id, e.owner, e.payload, e.metadata, e.private,
                    e.recorded_at,
                    (octet_length(e.payload::text) + octet_length(e.metadata::text))::bigint AS stored_bytes
               FROM ledger l ",
            $events,
            " LEFT JOIN ledger p ON p.position = l.position - 1
              WHERE l.position > $1 AND l.position <= $2
                AND ($3::text IS NULL OR e.event_type = $3)
                AND ($4::timestamptz IS NULL OR e.recorded_at >= $4)
                AND ($5::timestamptz IS NULL OR e.recorded_at < $5)",
            $clause,
            " ORDER BY l.position LIMIT $6"
        )
    };
}

const OF_ALL: &str = select_filtered!(" AND $7::uuid IS NULL AND $8::uuid IS NULL");
const OF_OWNER: &str = select_filtered!(" AND l.owner = $7::uuid AND $8::uuid IS NULL");
/// Looks each event up by its key, however long the planner expects the conversation to be: without
/// statistics the planner joins all events of a conversation with all its positions.
const OF_CONVERSATION: &str = select_filtered!(
    "JOIN LATERAL (SELECT * FROM events e
                    WHERE e.aggregate_type = l.aggregate_type AND e.aggregate_id = l.aggregate_id
                      AND e.sequence = l.sequence OFFSET 0) AS e ON true",
    " AND l.aggregate_type = 'conversation' AND l.aggregate_id = $8::uuid AND ($7::uuid IS NULL OR l.owner = $7)"
);

const UNSEQUENCED: &str = "
SELECT e.aggregate_type, e.aggregate_id, e.sequence FROM events e
 WHERE NOT EXISTS (SELECT FROM ledger l WHERE l.aggregate_type = e.aggregate_type
                      AND l.aggregate_id = e.aggregate_id AND l.sequence = e.sequence)
   AND NOT EXISTS (SELECT FROM outbox o WHERE o.aggregate_type = e.aggregate_type
                      AND o.aggregate_id = e.aggregate_id AND o.sequence = e.sequence)
 LIMIT 1";
