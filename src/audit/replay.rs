//! A conversation as it stood: folded anew from its events, and from nothing else.

use std::str::FromStr;

use aggregates::{ConversationId, Position, RecordedEvent, UserId};
use chrono::{DateTime, Utc};
use projections::conversations::ConversationRow;
use projections::messages::Message;
use serde::Serialize;
use utoipa::ToSchema;

use crate::runtime::decrypt::decrypt_events;
use store::{EventFilter, Store, StoreError};

/// Events read at once.
const PAGE: u32 = 5_000;

/// A moment of history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AsOf {
    /// As far as the ledger is.
    Now,
    /// After the event at this position.
    Position(Position),
    /// After what was recorded at this time.
    Time(DateTime<Utc>),
}

/// What was given is no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("read a moment: it must be a position or a time in RFC 3339")]
pub struct InvalidAsOf;

impl FromStr for AsOf {
    type Err = InvalidAsOf;

    fn from_str(text: &str) -> Result<Self, InvalidAsOf> {
        if text.is_empty() || text == "now" {
            return Ok(Self::Now);
        }
        if let Ok(position) = text.parse::<u64>() {
            return i64::try_from(position)
                .map(|_| Self::Position(Position(position)))
                .map_err(|_| InvalidAsOf);
        }
        // In a query a plus sign means a space.
        let time = DateTime::parse_from_rfc3339(&text.replace(' ', "+")).map_err(|_| InvalidAsOf)?;
        Ok(Self::Time(time.to_utc()))
    }
}

/// A conversation as it stood.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReplayedConversation {
    /// Its row; `null` where there was none: not yet, or deleted.
    pub conversation: Option<ConversationRow>,
    /// Its messages, those of all branches, oldest first.
    pub messages: Vec<Message>,
    /// Whose it is.
    #[schema(value_type = uuid::Uuid)]
    pub owner: UserId,
    /// It had been deleted.
    pub deleted: bool,
    /// Its key was destroyed since: there are no texts any more.
    pub erased: bool,
    /// The number of its events then.
    pub version: u64,
    /// The position of the newest of them; 0 where there was none.
    #[schema(value_type = u64)]
    pub position: Position,
    /// When that was recorded.
    pub at: Option<DateTime<Utc>>,
    /// The position of its first event.
    #[schema(value_type = u64)]
    pub first_position: Position,
    /// The position of its newest event today.
    #[schema(value_type = u64)]
    pub last_position: Position,
}

/// Replays a conversation up to a moment; `None` if the ledger does not know it.
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
    let erased = opened.iter().any(|event| event.key.is_none());
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
        let part = store.audited(&filter, after, until, PAGE).await?;
        for linked in &part.entries {
            // Within one conversation events follow each other in time as well.
            if matches!(as_of, AsOf::Time(time) if linked.entry.event.recorded_at > time) {
                return Ok(events);
            }
            events.push(linked.entry.event.read(linked.entry.position)?);
        }
        after = part.looked_up_to;
    }
    Ok(events)
}

async fn owner(store: &Store, conversation: ConversationId, first: Position) -> Result<UserId, StoreError> {
    let filter = EventFilter { conversation: Some(conversation), ..EventFilter::default() };
    let part = store.audited(&filter, Position(first.0 - 1), first, 1).await?;
    let owner = part.entries.first().map(|linked| linked.placed_owner);
    owner.ok_or_else(|| StoreError::Corrupt("a conversation's first event is missing".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_position_or_a_time() {
        assert_eq!("".parse(), Ok(AsOf::Now));
        assert_eq!("17".parse(), Ok(AsOf::Position(Position(17))));
        let time = AsOf::Time(DateTime::from_timestamp(1_767_225_600, 0).unwrap());
        assert_eq!("2026-01-01T00:00:00Z".parse(), Ok(time));
        assert_eq!("2026-01-01T02:00:00 02:00".parse(), Ok(time));
        assert_eq!("yesterday".parse::<AsOf>(), Err(InvalidAsOf));
        assert_eq!("99999999999999999999".parse::<AsOf>(), Err(InvalidAsOf));
    }
}
