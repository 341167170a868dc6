//! The form of an event on the wire: JSON, with the ciphertext of the private part in base64.
//!
//! A message carries all that its hash in the ledger covers: a consumer can check it. An event too large for
//! a message is announced without its content, and consumers read it from the ledger.

use std::borrow::Cow;

use aggregates::{AggregateType, Event, EventId, Position, RecordedEvent, UnknownName, UserId, Version};
use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::Subjects;
use crate::subjects::token;

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
    /// The event is too large for a message: the ledger has it.
    #[error("the message announces an event that is too large for it")]
    OnlyAnnounced,
}

/// Bytes of headers that a message has beside its payload, at most: its id, the expected sequence, the trace.
const HEADER_BYTES: usize = 512;

/// An event in the form in which it is published.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The event's position in the ledger.
    pub position: Position,
    /// The event's hash in the ledger. The id of the message consists of position and hash.
    pub hash: [u8; 32],
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
    /// The event's hash in the ledger. The message's id carries it.
    #[serde(skip)]
    pub hash: [u8; 32],
    /// The kind of aggregate.
    pub aggregate: &'a str,
    /// The aggregate.
    pub aggregate_id: Uuid,
    /// The event's sequence within its aggregate.
    pub sequence: i64,
    /// The event's name.
    pub event_type: &'a str,
    /// The version of the event's form.
    pub event_version: &'a str,
    /// The event's id.
    pub event_id: Uuid,
    /// The owner of the event's data.
    pub owner: Uuid,
    /// The time at which Postgres recorded the event.
    pub recorded_at: DateTime<Utc>,
    /// The event's payload, without its private part. `None` if the message only announces the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<&'a RawValue>,
    /// The event's metadata. `None` as for `payload`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<&'a RawValue>,
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

/// An event as a message carries it. Nothing proves that the ledger has it.
#[derive(Debug, Deserialize)]
pub struct Incoming<'a> {
    /// The event's position in the ledger.
    pub position: Position,
    /// The kind of aggregate.
    #[serde(borrow)]
    pub aggregate: Cow<'a, str>,
    /// The aggregate.
    pub aggregate_id: Uuid,
    /// The event's sequence within its aggregate.
    pub sequence: i64,
    /// The event's name. Messages of earlier versions do not carry it.
    #[serde(borrow, default)]
    pub event_type: Option<Cow<'a, str>>,
    /// The version of the event's form. Messages from the time when each event had one version do
    /// not carry it.
    #[serde(borrow, default = "first_version")]
    pub event_version: Cow<'a, str>,
    /// The event's id.
    pub event_id: Uuid,
    /// The owner of the event's data.
    pub owner: Uuid,
    /// The time at which Postgres recorded the event.
    pub recorded_at: DateTime<Utc>,
    /// The event's payload; `None` if the message only announces the event.
    #[serde(borrow, default)]
    pub payload: Option<&'a RawValue>,
    /// The event's metadata; `None` as for `payload`, and in messages of earlier versions.
    #[serde(borrow, default)]
    pub metadata: Option<&'a RawValue>,
    /// The ciphertext of the private part, in base64.
    #[serde(borrow, default)]
    private: Option<Cow<'a, str>>,
}

const fn first_version() -> Cow<'static, str> {
    Cow::Borrowed("1")
}

impl Incoming<'_> {
    /// The ciphertext of the private part.
    pub fn private(&self) -> Result<Option<Vec<u8>>, InvalidEnvelope> {
        Ok(self.private.as_ref().map(|text| STANDARD.decode(text.as_ref())).transpose()?)
    }
}

impl Envelope {
    /// Writes an event to the wire, in at most `max_bytes` with its headers: a larger event is announced
    /// without its payload, metadata and private part.
    pub fn write(
        event: &Outgoing<'_>,
        subjects: &Subjects,
        traceparent: Option<String>,
        max_bytes: usize,
    ) -> Result<Self, InvalidEnvelope> {
        let mut payload = serde_json::to_vec(event)?;
        if payload.len() + HEADER_BYTES > max_bytes {
            let [aggregate, event_type, event_version] =
                [event.aggregate, event.event_type, event.event_version].map(token);
            let (aggregate, event_type, event_version) = (&*aggregate, &*event_type, &*event_version);
            let without = Outgoing { payload: None, metadata: None, private: None, ..*event };
            payload = serde_json::to_vec(&Outgoing { aggregate, event_type, event_version, ..without })?;
        }
        Ok(Self {
            position: event.position,
            hash: event.hash,
            subject: subjects.event(event.aggregate, event.event_type, event.owner, event.aggregate_id),
            traceparent,
            payload: payload.into(),
        })
    }

    /// The id of the message: position and hash.
    pub(crate) fn message_id(&self) -> String {
        format!("{}-{}", self.position, hex::encode(self.hash))
    }

    /// Parses the bytes of a message.
    pub fn parse(bytes: &[u8]) -> Result<Incoming<'_>, InvalidEnvelope> {
        Ok(serde_json::from_slice(bytes)?)
    }

    /// Reads an event from the bytes of a message, for a consumer that looks the event up before it acts.
    pub fn read(bytes: &[u8]) -> Result<RecordedEvent, InvalidEnvelope> {
        let incoming = Self::parse(bytes)?;
        let aggregate: AggregateType = incoming.aggregate.parse()?;
        let payload = incoming.payload.ok_or(InvalidEnvelope::OnlyAnnounced)?;
        let payload: Value = serde_json::from_str(payload.get())?;
        Ok(RecordedEvent {
            position: incoming.position,
            aggregate,
            aggregate_id: incoming.aggregate_id,
            sequence: Version(incoming.sequence.unsigned_abs()),
            event_id: EventId::new(incoming.event_id),
            owner: UserId::new(incoming.owner),
            recorded_at: incoming.recorded_at,
            event: Event::from_stored(aggregate, &incoming.event_version, payload)?,
            sealed: incoming.private()?,
        })
    }
}

/// The position and the hash of an event, from the message's header alone, so that a known event need not be
/// parsed. Messages of earlier versions have no hash.
pub fn place_of(message: &async_nats::Message) -> Option<(Position, Option<[u8; 32]>)> {
    place_in(message.headers.as_ref()?)
}

/// The position of an event, from the headers of a message that was read from a stream.
pub fn position_in(headers: &HeaderMap) -> Option<Position> {
    place_in(headers).map(|(position, _)| position)
}

pub(crate) fn place_in(headers: &HeaderMap) -> Option<(Position, Option<[u8; 32]>)> {
    let id = headers.get(NATS_MESSAGE_ID)?.as_str();
    let Some((position, hash)) = id.split_once('-') else { return Some((Position(id.parse().ok()?), None)) };
    let mut bytes = [0; 32];
    hex::decode_to_slice(hash, &mut bytes).ok()?;
    Some((Position(position.parse().ok()?), Some(bytes)))
}

#[cfg(test)]
mod tests {
    use aggregates::conversation::ConversationEvent;

    use super::*;

    fn payload() -> Box<RawValue> {
        RawValue::from_string(r#"{"type":"ConversationPinned"}"#.into()).unwrap()
    }

    fn outgoing(payload: &RawValue) -> Outgoing<'_> {
        Outgoing {
            position: Position(7),
            hash: [9; 32],
            aggregate: "conversation",
            aggregate_id: Uuid::from_u128(1),
            sequence: 3,
            event_type: "ConversationPinned",
            event_version: "1",
            event_id: Uuid::from_u128(2),
            owner: Uuid::from_u128(3),
            recorded_at: DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
            payload: Some(payload),
            metadata: Some(payload),
            private: Some(Ciphertext(&[1, 2, 3])),
        }
    }

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let payload = payload();
        let outgoing = outgoing(&payload);
        let envelope = Envelope::write(&outgoing, &Subjects::new("t"), None, 1 << 20).unwrap();
        let (owner, id) = (outgoing.owner, outgoing.aggregate_id);
        assert_eq!(envelope.subject, format!("t.events.conversation.ConversationPinned.{owner}.{id}"));
        let read = Envelope::read(&envelope.payload).unwrap();
        assert_eq!(read.event, Event::Conversation(ConversationEvent::ConversationPinned));
        assert_eq!(read.sealed, Some(vec![1, 2, 3]));
        assert_eq!((read.position, read.recorded_at), (outgoing.position, outgoing.recorded_at));
        let parsed = Envelope::parse(&envelope.payload).unwrap();
        assert_eq!(parsed.event_type.as_deref(), Some("ConversationPinned"));
        assert_eq!(parsed.metadata.map(RawValue::get), Some(payload.get()));
    }

    #[test]
    fn the_id_of_a_message_is_its_position_with_its_hash() {
        let payload = payload();
        let envelope = Envelope::write(&outgoing(&payload), &Subjects::new("t"), None, 1 << 20).unwrap();
        let place = |id: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(NATS_MESSAGE_ID, id);
            place_in(&headers)
        };
        assert_eq!(place(&envelope.message_id()), Some((Position(7), Some([9; 32]))));
        assert_eq!(place("7"), Some((Position(7), None)));
        assert_eq!(place("7-abc"), None);
    }

    #[test]
    fn an_event_that_is_too_large_for_a_message_is_announced_without_its_content() {
        let payload = payload();
        let large = vec![0; 4_000];
        let outgoing = Outgoing { private: Some(Ciphertext(&large)), ..outgoing(&payload) };
        let envelope = Envelope::write(&outgoing, &Subjects::new("t"), None, 4_000).unwrap();
        assert!(envelope.payload.len() < 1_000);
        assert!(matches!(Envelope::read(&envelope.payload), Err(InvalidEnvelope::OnlyAnnounced)));
        let announced = Envelope::parse(&envelope.payload).unwrap();
        assert_eq!((announced.position, announced.payload.is_none()), (Position(7), true));
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
