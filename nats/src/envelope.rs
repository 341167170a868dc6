//! What an event looks like on the wire: JSON, its private part as base64 of the ciphertext.

use aggregates::{AggregateType, Event, EventId, Position, RecordedEvent, UserId, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

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

#[derive(Serialize)]
struct Written<'a> {
    position: Position,
    aggregate: &'a str,
    aggregate_id: Uuid,
    sequence: Version,
    event_id: EventId,
    owner: UserId,
    recorded_at: DateTime<Utc>,
    payload: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    private: Option<String>,
}

#[derive(Deserialize)]
struct Read<'a> {
    position: Position,
    #[serde(borrow)]
    aggregate: &'a str,
    aggregate_id: Uuid,
    sequence: Version,
    event_id: EventId,
    owner: UserId,
    recorded_at: DateTime<Utc>,
    payload: Value,
    #[serde(borrow)]
    private: Option<&'a str>,
}

impl Envelope {
    /// Writes an event; `payload` is its payload exactly as stored.
    pub fn write(event: &RecordedEvent, payload: &RawValue) -> Result<Bytes, InvalidEnvelope> {
        let written = Written {
            position: event.position,
            aggregate: event.aggregate.name(),
            aggregate_id: event.aggregate_id,
            sequence: event.sequence,
            event_id: event.event_id,
            owner: event.owner,
            recorded_at: event.recorded_at,
            payload,
            private: event.sealed.as_ref().map(|sealed| STANDARD.encode(sealed)),
        };
        serde_json::to_vec(&written)
            .map(Bytes::from)
            .map_err(InvalidEnvelope::because)
    }

    /// Reads an event.
    pub fn read(bytes: &[u8]) -> Result<RecordedEvent, InvalidEnvelope> {
        let read: Read<'_> = serde_json::from_slice(bytes).map_err(InvalidEnvelope::because)?;
        let aggregate: AggregateType = read.aggregate.parse().map_err(InvalidEnvelope::because)?;
        let sealed = read
            .private
            .map(|text| STANDARD.decode(text))
            .transpose()
            .map_err(InvalidEnvelope::because)?;
        Ok(RecordedEvent {
            position: read.position,
            aggregate,
            aggregate_id: read.aggregate_id,
            sequence: read.sequence,
            event_id: read.event_id,
            owner: read.owner,
            recorded_at: read.recorded_at,
            event: Event::from_payload(aggregate, read.payload).map_err(InvalidEnvelope::because)?,
            sealed,
        })
    }
}

#[cfg(test)]
mod tests {
    use aggregates::conversation::ConversationEvent;

    use super::*;

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let event = RecordedEvent {
            position: Position(7),
            aggregate: AggregateType::Conversation,
            aggregate_id: Uuid::from_u128(1),
            sequence: Version(3),
            event_id: EventId::new(Uuid::from_u128(2)),
            owner: UserId::new(Uuid::from_u128(3)),
            recorded_at: DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
            event: Event::Conversation(ConversationEvent::ConversationPinned),
            sealed: Some(vec![1, 2, 3]),
        };
        let payload = RawValue::from_string(r#"{"type":"ConversationPinned"}"#.into()).unwrap();
        let bytes = Envelope::write(&event, &payload).unwrap();
        assert_eq!(Envelope::read(&bytes).unwrap(), event);
    }

    #[test]
    fn bytes_of_something_else_are_refused() {
        assert!(Envelope::read(b"hello").is_err());
        assert!(Envelope::read(b"{}").is_err());
    }
}
