//! The form of an event on the wire: JSON, with the ciphertext of the private part in base64.

use aggregates::{AggregateType, Event, EventId, Position, RecordedEvent, UnknownName, UserId, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::Subjects;

/// A message is not an event of this service.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEnvelope {
    /// The message is not the JSON of an event.
    #[error("the message is not an event in JSON")]
    Json(#[from] serde_json::Error),
    /// The event belongs to an unknown kind of aggregate.
    #[error("the event belongs to an unknown kind of aggregate")]
    Aggregate(#[from] UnknownName),
    /// The ciphertext is not base64.
    #[error("the ciphertext of the event is not base64")]
    Ciphertext(#[from] base64::DecodeError),
}

/// An event in the form in which it is published.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The event's position in the ledger, which is also the message's id.
    pub position: Position,
    /// The subject of the message.
    pub subject: String,
    /// The W3C trace context of the request that led to the event.
    pub traceparent: Option<String>,
    /// The bytes of the message.
    pub payload: Bytes,
}

/// An event exactly as it is stored, to be written to the wire.
#[derive(Debug, Serialize)]
pub struct Outgoing<'a> {
    /// The event's position in the ledger.
    pub position: Position,
    /// The kind of aggregate.
    pub aggregate: &'a str,
    /// The aggregate.
    pub aggregate_id: Uuid,
    /// The event's sequence within its aggregate.
    pub sequence: i64,
    /// The event's name. The subject carries it.
    #[serde(skip)]
    pub event_type: &'a str,
    /// The version of the event's form.
    pub event_version: &'a str,
    /// The event's id.
    pub event_id: Uuid,
    /// The owner of the event's data.
    pub owner: Uuid,
    /// The time at which Postgres recorded the event.
    pub recorded_at: DateTime<Utc>,
    /// The event's payload, without its private part.
    pub payload: &'a RawValue,
    /// The ciphertext of the private part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private: Option<Ciphertext<'a>>,
}

/// Bytes that are serialized as base64.
#[derive(Debug, Clone, Copy)]
pub struct Ciphertext<'a>(pub &'a [u8]);

impl Serialize for Ciphertext<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.0))
    }
}

#[derive(Deserialize)]
struct Incoming<'a> {
    position: Position,
    #[serde(borrow)]
    aggregate: &'a str,
    aggregate_id: Uuid,
    sequence: Version,
    /// Messages from the time when each event had one version do not carry it.
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
    /// Writes an event to the wire.
    pub fn write(
        event: &Outgoing<'_>,
        subjects: &Subjects,
        traceparent: Option<String>,
    ) -> Result<Self, InvalidEnvelope> {
        Ok(Self {
            position: event.position,
            subject: subjects.event(event.aggregate, event.event_type, event.owner, event.aggregate_id),
            traceparent,
            payload: serde_json::to_vec(event)?.into(),
        })
    }

    /// Reads an event from the bytes of a message.
    pub fn read(bytes: &[u8]) -> Result<RecordedEvent, InvalidEnvelope> {
        let incoming: Incoming<'_> = serde_json::from_slice(bytes)?;
        let aggregate: AggregateType = incoming.aggregate.parse()?;
        let sealed = incoming.private.map(|text| STANDARD.decode(text)).transpose()?;
        Ok(RecordedEvent {
            position: incoming.position,
            aggregate,
            aggregate_id: incoming.aggregate_id,
            sequence: incoming.sequence,
            event_id: incoming.event_id,
            owner: incoming.owner,
            recorded_at: incoming.recorded_at,
            event: Event::from_stored(aggregate, incoming.event_version, incoming.payload)?,
            sealed,
        })
    }
}

/// The position of an event, from the message's header alone, so that a known event need not be parsed.
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
    fn a_message_that_is_not_an_event_is_refused() {
        assert!(matches!(Envelope::read(b"hello"), Err(InvalidEnvelope::Json(_))));
        assert!(matches!(Envelope::read(b"{}"), Err(InvalidEnvelope::Json(_))));
    }

    #[test]
    fn an_event_of_an_unknown_aggregate_or_with_a_broken_ciphertext_is_refused() {
        let payload = r#"{"type":"ConversationPinned"}"#;
        let message = |aggregate: &str, private: &str| {
            let id = Uuid::from_u128(1);
            let rest = format!(
                r#""aggregate_id":"{id}","event_id":"{id}","owner":"{id}","sequence":1,"position":1"#
            );
            let at = "2026-01-01T00:00:00Z";
            format!(
                r#"{{"aggregate":"{aggregate}",{rest},"recorded_at":"{at}","payload":{payload},"private":"{private}"}}"#
            )
        };
        assert!(Envelope::read(message("conversation", "AQID").as_bytes()).is_ok());
        let unknown = Envelope::read(message("drawer", "AQID").as_bytes());
        assert!(matches!(unknown, Err(InvalidEnvelope::Aggregate(_))));
        let broken = Envelope::read(message("conversation", "?").as_bytes());
        assert!(matches!(broken, Err(InvalidEnvelope::Ciphertext(_))));
    }
}
