//! The ledger as auditors read it: each event with the link before its own, by what they look for.

use aggregates::{ConversationId, Position, UserId};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, Row as _};
use uuid::Uuid;

use crate::ledger::chain::{GENESIS, LedgerHash};
use crate::{LedgerEntry, Store, StoreError};

/// Which events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only those of what this user owns.
    pub user: Option<UserId>,
    /// Only those of this conversation.
    pub conversation: Option<ConversationId>,
    /// Only those of this name.
    pub event_type: Option<String>,
    /// Only those recorded at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Only those recorded before this time.
    pub to: Option<DateTime<Utc>>,
}

impl EventFilter {
    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// As an event keeps it, and an export names it: what is not asked for is left out.
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

    /// Whether an index leads to what it lets through, so that nothing else is looked at.
    const fn is_indexed(&self) -> bool {
        self.user.is_some() || self.conversation.is_some()
    }
}

/// An event with its link and the one before it.
#[derive(Debug)]
pub struct LinkedEntry {
    /// The link of the position before; all zeros before the first.
    pub previous: LedgerHash,
    /// The event in its place.
    pub entry: LedgerEntry,
    /// Whose the ledger says it is.
    pub placed_owner: UserId,
    /// Bytes of payload and metadata in the table, white space around them included.
    pub written: i64,
}

impl FromRow<'_, sqlx::postgres::PgRow> for LinkedEntry {
    fn from_row(row: &sqlx::postgres::PgRow) -> Result<Self, sqlx::Error> {
        let previous: Option<Vec<u8>> = row.try_get("previous")?;
        let previous = previous.map_or(Ok(GENESIS), TryInto::try_into);
        Ok(Self {
            previous: previous.map_err(|_| sqlx::Error::Decode("a hash of another length".into()))?,
            entry: LedgerEntry::from_row(row)?,
            placed_owner: UserId::new(row.try_get::<Uuid, _>("placed_owner")?),
            written: row.try_get("written")?,
        })
    }
}

/// A part of the ledger, and up to where it has been looked through.
#[derive(Debug)]
pub struct LedgerPart {
    /// What was found, in order.
    pub entries: Vec<LinkedEntry>,
    /// No more is to be found up to here.
    pub looked_up_to: Position,
}

/// Positions looked through at once where no index leads to what is looked for.
const STRETCH: u64 = 50_000;

impl Store {
    /// The next part of the ledger after a position and up to another: at most `limit` events that a filter lets through.
    /// Fewer, or none, do not mean that there are no more: `looked_up_to` tells.
    pub async fn audited(
        &self,
        filter: &EventFilter,
        after: Position,
        up_to: Position,
        limit: u32,
    ) -> Result<LedgerPart, StoreError> {
        let every = filter.is_empty() || filter.is_indexed();
        let stretch = if every { up_to } else { up_to.min(Position(after.0.saturating_add(STRETCH))) };
        let statement = match (filter.conversation, filter.user) {
            (Some(_), _) => OF_CONVERSATION,
            (None, Some(_)) => OF_OWNER,
            (None, None) => OF_ALL,
        };
        let entries: Vec<LinkedEntry> = sqlx::query_as(statement)
            .bind(after.0.cast_signed())
            .bind(stretch.0.cast_signed())
            .bind(filter.event_type.as_deref())
            .bind(filter.from)
            .bind(filter.to)
            .bind(i64::from(limit))
            .bind(filter.user.map(UserId::uuid))
            .bind(filter.conversation.map(ConversationId::uuid))
            .fetch_all(&self.pool)
            .await?;
        let full = entries.len() == limit as usize;
        let last = entries.last().filter(|_| full).map(|last| last.entry.position);
        Ok(LedgerPart { entries, looked_up_to: last.unwrap_or(stretch) })
    }

    /// An event that was appended but has no place: neither in the ledger nor waiting for one.
    pub async fn displaced_event(&self) -> Result<Option<(String, Uuid, i64)>, StoreError> {
        Ok(sqlx::query_as(DISPLACED).fetch_optional(&self.pool).await?)
    }

    /// The first and the last position of a conversation's events; `None` if the ledger has none.
    pub async fn conversation_positions(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<(Position, Position)>, StoreError> {
        let (first, last): (Option<i64>, Option<i64>) = sqlx::query_as(
            "SELECT min(position), max(position) FROM ledger WHERE aggregate_type = 'conversation' AND aggregate_id = $1",
        )
        .bind(conversation.uuid())
        .fetch_one(&self.pool)
        .await?;
        let position = |position: i64| Position(position.unsigned_abs());
        Ok(first.zip(last).map(|(first, last)| (position(first), position(last))))
    }
}

/// One statement for each index, since a plan that has to serve all filters serves none. All take the same parameters.
macro_rules! select_audited {
    ($clause:literal) => {
        select_audited!(
            "JOIN events e
               ON e.aggregate_type = l.aggregate_type AND e.aggregate_id = l.aggregate_id AND e.sequence = l.sequence",
            $clause
        )
    };
    ($events:literal, $clause:literal) => {
        concat!(
            "SELECT l.position, l.hash, l.owner AS placed_owner, p.hash AS previous, e.aggregate_type, e.aggregate_id,
                    e.sequence, e.event_type, e.event_version, e.event_id, e.owner, e.payload, e.metadata, e.private,
                    e.recorded_at,
                    (octet_length(e.payload::text) + octet_length(e.metadata::text))::bigint AS written
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

const OF_ALL: &str = select_audited!(" AND $7::uuid IS NULL AND $8::uuid IS NULL");
const OF_OWNER: &str = select_audited!(" AND l.owner = $7::uuid AND $8::uuid IS NULL");
/// One lookup for each event, whatever the planner believes of a conversation's length: without statistics it would join all
/// its events with all its places.
const OF_CONVERSATION: &str = select_audited!(
    "JOIN LATERAL (SELECT * FROM events e
                    WHERE e.aggregate_type = l.aggregate_type AND e.aggregate_id = l.aggregate_id
                      AND e.sequence = l.sequence OFFSET 0) AS e ON true",
    " AND l.aggregate_type = 'conversation' AND l.aggregate_id = $8::uuid AND ($7::uuid IS NULL OR l.owner = $7)"
);

const DISPLACED: &str = "
SELECT e.aggregate_type, e.aggregate_id, e.sequence FROM events e
 WHERE NOT EXISTS (SELECT FROM ledger l WHERE l.aggregate_type = e.aggregate_type
                      AND l.aggregate_id = e.aggregate_id AND l.sequence = e.sequence)
   AND NOT EXISTS (SELECT FROM outbox o WHERE o.aggregate_type = e.aggregate_type
                      AND o.aggregate_id = e.aggregate_id AND o.sequence = e.sequence)
 LIMIT 1";
