//! What an event looks like on the wire: JSON, its private part as base64 of the ciphertext.

use aggregates::{AggregateType, Event, EventId, Position, RecordedEvent, UserId, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::Subjects;

/// The bytes are no envelope of ours.
#[derive(Debug, thiserror::Error)]
#[error("read an event from NATS: {0}")]
pub struct InvalidEnvelope(String);

impl InvalidEnvelope {
    fn because(reason: impl std::fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

/// An event on its way to the stream: its place and its bytes.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The event's place in the ledger; also the message's id.
    pub position: Position,
    /// Where it is published.
    pub subject: String,
    /// The W3C trace context of the request that led to it.
    pub traceparent: Option<String>,
    /// The message.
    pub payload: Bytes,
}

/// An event exactly as stored, about to be written to the wire.
#[derive(Debug, Serialize)]
pub struct Outgoing<'a> {
    /// Its place in the ledger.
    pub position: Position,
    /// The kind of aggregate.
    pub aggregate: &'a str,
    /// The aggregate.
    pub aggregate_id: Uuid,
    /// Its place in the aggregate's own history.
    pub sequence: i64,
    /// Its name, which the subject carries.
    #[serde(skip)]
    pub event_type: &'a str,
    /// The version of its form.
    pub event_version: &'a str,
    /// Its id.
    pub event_id: Uuid,
    /// Whose it is.
    pub owner: Uuid,
    /// When Postgres recorded it.
    pub recorded_at: DateTime<Utc>,
    /// Its payload.
    pub payload: &'a RawValue,
    /// The ciphertext of its private part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private: Option<Ciphertext<'a>>,
}

/// Ciphertext, written as base64.
#[derive(Debug, Clone, Copy)]
pub struct Ciphertext<'a>(pub &'a [u8]);

impl Serialize for Ciphertext<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.0))
    }
}

#[derive(Deserialize)]
struct Read<'a> {
    position: Position,
    #[serde(borrow)]
    aggregate: &'a str,
    aggregate_id: Uuid,
    sequence: Version,
    /// Messages of before events had more than one version do not say it.
    #[serde(borrow, default = "first_version")]
    event_version: &'a str,
    event_id: EventId,
    owner: UserId,
    recorded_at: DateTime<Utc>,
    payload: Value,
    #[serde(borrow)]
    private: Option<&'a str>,
}

const fn first_version() -> &'static str {
    "1"
}

impl Envelope {
    /// Writes an event.
    pub fn write(
        event: &Outgoing<'_>,
        subjects: &Subjects,
        traceparent: Option<String>,
    ) -> Result<Self, InvalidEnvelope> {
        Ok(Self {
            position: event.position,
            subject: subjects.event(event.aggregate, event.event_type, event.owner, event.aggregate_id),
            traceparent,
            payload: serde_json::to_vec(event).map_err(InvalidEnvelope::because)?.into(),
        })
    }

    /// Reads an event.
    pub fn read(bytes: &[u8]) -> Result<RecordedEvent, InvalidEnvelope> {
        let read: Read<'_> = serde_json::from_slice(bytes).map_err(InvalidEnvelope::because)?;
        let aggregate: AggregateType = read.aggregate.parse().map_err(InvalidEnvelope::because)?;
        let sealed =
            read.private.map(|text| STANDARD.decode(text)).transpose().map_err(InvalidEnvelope::because)?;
        Ok(RecordedEvent {
            position: read.position,
            aggregate,
            aggregate_id: read.aggregate_id,
            sequence: read.sequence,
            event_id: read.event_id,
            owner: read.owner,
            recorded_at: read.recorded_at,
            event: Event::from_stored(aggregate, read.event_version, read.payload)
                .map_err(InvalidEnvelope::because)?,
            sealed,
        })
    }
}

/// The position of an event's message, from its header alone: cheaper than reading what may be known already.
pub fn position_of(message: &async_nats::Message) -> Option<Position> {
    let id = message.headers.as_ref()?.get(async_nats::header::NATS_MESSAGE_ID)?;
    id.as_str().parse().ok().map(Position)
}

#[cfg(test)]
mod tests {
    use aggregates::conversation::ConversationEvent;

    use super::*;

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let payload = RawValue::from_string(r#"{"type":"ConversationPinned"}"#.into()).unwrap();
        let outgoing = Outgoing {
            position: Position(7),
            aggregate: "conversation",
            aggregate_id: Uuid::from_u128(1),
            sequence: 3,
            event_type: "ConversationPinned",
            event_version: "1",
            event_id: Uuid::from_u128(2),
            owner: Uuid::from_u128(3),
            recorded_at: DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
            payload: &payload,
            private: Some(Ciphertext(&[1, 2, 3])),
        };
        let envelope = Envelope::write(&outgoing, &Subjects::new("t"), None).unwrap();
        let (owner, id) = (outgoing.owner, outgoing.aggregate_id);
        assert_eq!(envelope.subject, format!("t.events.conversation.ConversationPinned.{owner}.{id}"));
        let read = Envelope::read(&envelope.payload).unwrap();
        assert_eq!(read.event, Event::Conversation(ConversationEvent::ConversationPinned));
        assert_eq!(read.sealed, Some(vec![1, 2, 3]));
        assert_eq!((read.position, read.recorded_at), (outgoing.position, outgoing.recorded_at));
    }

    #[test]
    fn bytes_of_something_else_are_refused() {
        assert!(Envelope::read(b"hello").is_err());
        assert!(Envelope::read(b"{}").is_err());
    }
}
