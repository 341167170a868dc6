//! Replay: a conversation at a position or a time, folded from its events alone.

use std::str::FromStr;

use aggregates::{ConversationId, Position, RecordedEvent, UserId};
use chrono::{DateTime, Datelike as _, Utc};
use projections::conversations::ConversationRow;
use projections::messages::Message;
use serde::Serialize;
use utoipa::ToSchema;

use crate::runtime::decrypt::decrypt_events;
use store::{EventFilter, Store, StoreError};

/// Events of one page.
const PAGE: u32 = 5_000;

/// A point in the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AsOf {
    /// The current head.
    Now,
    /// After the event at this position.
    Position(Position),
    /// After the last event recorded at this time or earlier.
    Time(DateTime<Utc>),
}

/// The text is neither a position nor a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither a position nor a time in RFC 3339")]
pub struct InvalidAsOf;

impl FromStr for AsOf {
    type Err = InvalidAsOf;

    fn from_str(text: &str) -> Result<Self, InvalidAsOf> {
        if text == "now" {
            return Ok(Self::Now);
        }
        if let Ok(position) = text.parse::<u64>() {
            return i64::try_from(position)
                .map(|_| Self::Position(Position(position)))
                .map_err(|_| InvalidAsOf);
        }
        // A query string decodes a plus sign as a space.
        let time = DateTime::parse_from_rfc3339(&text.replace(' ', "+")).map_err(|_| InvalidAsOf)?;
        if (0..=9_999).contains(&time.year()) { Ok(Self::Time(time.to_utc())) } else { Err(InvalidAsOf) }
    }
}

/// A conversation at a point in the history.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReplayedConversation {
    /// The row; `null` before the start of the conversation and after its deletion.
    #[schema(required)]
    pub conversation: Option<ConversationRow>,
    /// Messages of all branches, oldest first.
    pub messages: Vec<Message>,
    /// Owner.
    #[schema(value_type = uuid::Uuid)]
    pub owner: UserId,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Whether its key was destroyed since, so that all texts are unreadable.
    pub erased: bool,
    /// Number of events at that point.
    pub version: u64,
    /// Position of the last event at that point; 0 without events.
    #[schema(value_type = u64)]
    pub position: Position,
    /// Time at which that event was recorded.
    #[schema(required)]
    pub at: Option<DateTime<Utc>>,
    /// Position of the first event.
    #[schema(value_type = u64)]
    pub first_position: Position,
    /// Position of the newest event today.
    #[schema(value_type = u64)]
    pub last_position: Position,
}

/// Replays a conversation up to a point; `None` if the ledger has no event of it.
pub async fn replay(
    store: &Store,
    conversation: ConversationId,
    as_of: AsOf,
) -> Result<Option<ReplayedConversation>, StoreError> {
    let Some((first, last)) = store.conversation_positions(conversation).await? else { return Ok(None) };
    let events = events_until(store, conversation, as_of, first, last).await?;
    let newest = events.last().map(|event| (event.position, event.recorded_at, event.sequence));
    let owner = match events.first() {
        Some(event) => event.owner,
        None => owner(store, conversation, first).await?,
    };
    let opened = decrypt_events(store, events).await?;
    let erased = opened.iter().any(|event| event.content_key.is_none());
    let state = projections::replay(&opened);
    let (position, at, version) =
        newest.map_or((Position(0), None, 0), |(position, at, sequence)| (position, Some(at), sequence.0));
    Ok(Some(ReplayedConversation {
        conversation: state.conversation,
        messages: state.messages,
        owner,
        deleted: state.deleted,
        erased,
        version,
        position,
        at,
        first_position: first,
        last_position: last,
    }))
}

async fn events_until(
    store: &Store,
    conversation: ConversationId,
    as_of: AsOf,
    first: Position,
    last: Position,
) -> Result<Vec<RecordedEvent>, StoreError> {
    let filter = EventFilter { conversation: Some(conversation), ..EventFilter::default() };
    let until = match as_of {
        AsOf::Now | AsOf::Time(_) => last,
        AsOf::Position(position) => position.min(last),
    };
    let mut after = Position(first.0 - 1);
    let mut events = Vec::new();
    while after < until {
        let part = store.filtered_ledger(&filter, after, until, PAGE).await?;
        for linked in &part.entries {
            // Times are non-decreasing within one conversation.
            if matches!(as_of, AsOf::Time(time) if linked.entry.event.recorded_at > time) {
                return Ok(events);
            }
            events.push(linked.entry.event.read(linked.entry.position)?);
        }
        after = part.searched_to;
    }
    Ok(events)
}

async fn owner(store: &Store, conversation: ConversationId, first: Position) -> Result<UserId, StoreError> {
    let filter = EventFilter { conversation: Some(conversation), ..EventFilter::default() };
    let part = store.filtered_ledger(&filter, Position(first.0 - 1), first, 1).await?;
    let owner = part.entries.first().map(|linked| linked.ledger_owner);
    owner.ok_or(StoreError::MissingPosition { position: first })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_position_or_a_time() {
        assert_eq!("now".parse(), Ok(AsOf::Now));
        assert_eq!("17".parse(), Ok(AsOf::Position(Position(17))));
        let time = AsOf::Time(DateTime::from_timestamp(1_767_225_600, 0).unwrap());
        assert_eq!("2026-01-01T00:00:00Z".parse(), Ok(time));
        assert_eq!("2026-01-01T02:00:00 02:00".parse(), Ok(time));
        for other in ["", "yesterday", "99999999999999999999", "-9999-01-01T00:00:00Z"] {
            assert_eq!(other.parse::<AsOf>(), Err(InvalidAsOf), "{other}");
        }
    }
}
