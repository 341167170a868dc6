//! An event as auditors see it: metadata, decrypted private part, and all fields that the hash chain covers.

use std::collections::HashSet;

use aggregates::{ActorKind, AggregateType, Position, UserId, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use sealing::{AssociatedData, Subject};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use store::{ContentKeys, LinkedEntry, Store, StoreError, StoredEvent};

/// An event of the ledger. Its hash is SHA-256 over the previous hash and its canonical bytes
/// (`docs/audit.md`).
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEvent<'a> {
    /// Position in the ledger.
    pub position: u64,
    /// Event id.
    pub event_id: Uuid,
    /// Type of the aggregate.
    #[schema(value_type = AggregateType)]
    pub aggregate: &'a str,
    /// Id of the aggregate.
    pub aggregate_id: Uuid,
    /// Sequence number within the aggregate, from 1.
    pub sequence: i64,
    /// Event type.
    #[serde(rename = "type")]
    pub event_type: &'a str,
    /// Version of the event type.
    pub event_version: &'a str,
    /// Owner of the data.
    pub owner: Uuid,
    /// Actor of the command.
    pub actor: ActorName<'a>,
    /// Time at which Postgres recorded the event.
    pub recorded_at: DateTime<Utc>,
    /// Correlation id: the request.
    #[schema(required)]
    pub correlation_id: Option<&'a str>,
    /// Causation id: the event that caused this one.
    #[schema(required)]
    pub causation_id: Option<&'a str>,
    /// Payload, byte for byte as stored.
    #[schema(value_type = HashMap<String, serde_json::Value>, additional_properties)]
    pub payload: &'a RawValue,
    /// Decrypted private part; `null` if the event has none or the text was erased.
    #[schema(value_type = Option<HashMap<String, serde_json::Value>>, additional_properties, required)]
    pub private: Option<Box<RawValue>>,
    /// Whether the key was destroyed, so that the private part is unreadable.
    pub erased: bool,
    /// Metadata, byte for byte as stored.
    #[schema(value_type = HashMap<String, serde_json::Value>, additional_properties)]
    pub metadata: &'a RawValue,
    /// Private part as stored: ciphertext in base64.
    #[schema(required)]
    pub sealed: Option<String>,
    /// Chain hash of the previous event in hexadecimal.
    pub previous: String,
    /// Chain hash of this event in hexadecimal.
    pub hash: String,
}

/// Actor of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ActorName<'a> {
    /// Kind of the actor.
    #[schema(value_type = ActorKind)]
    pub kind: &'a str,
    /// Id of the user, auditor or worker; `null` for the system.
    #[schema(required)]
    pub id: Option<&'a str>,
}

/// Displayed fields of the metadata.
#[derive(Debug, Default, Deserialize)]
struct Circumstances<'a> {
    #[serde(borrow, default)]
    actor: Option<&'a str>,
    #[serde(borrow, default)]
    correlation_id: Option<&'a str>,
    #[serde(borrow, default)]
    causation_id: Option<&'a str>,
}

/// A page of the ledger with its keys.
#[derive(Debug)]
pub struct OpenPage {
    entries: Vec<LinkedEntry>,
    contents: ContentKeys,
    users: HashSet<UserId>,
}

/// Loads the keys of a page. At most three round trips.
pub async fn open_page(store: &Store, entries: Vec<LinkedEntry>) -> Result<OpenPage, StoreError> {
    let (mut contents, mut users) = (Vec::new(), Vec::new());
    for entry in &entries {
        let owner = UserId::new(entry.entry.event.owner);
        match subject(&entry.entry.event) {
            Some(subject @ Subject::User(user)) => {
                users.push(user);
                if entry.entry.event.private.is_some() {
                    contents.push((owner, subject));
                }
            }
            Some(subject) => contents.push((owner, subject)),
            None => {}
        }
    }
    contents.sort_unstable();
    contents.dedup();
    users.sort_unstable();
    users.dedup();
    let contents = store.keyring().content_keys(&contents).await?;
    let users = store.keyring().user_keys(&users).await?.into_keys().collect();
    Ok(OpenPage { entries, contents, users })
}

impl OpenPage {
    /// The decrypted events of the page.
    pub fn events(&self) -> impl Iterator<Item = AuditEvent<'_>> {
        self.entries.iter().map(|entry| self.event(entry))
    }

    /// The last position on the page.
    pub fn last(&self) -> Option<Position> {
        self.entries.last().map(|entry| entry.entry.position)
    }

    fn event<'a>(&'a self, linked: &'a LinkedEntry) -> AuditEvent<'a> {
        let event = &linked.entry.event;
        let circumstances: Circumstances<'_> = serde_json::from_str(event.metadata.get()).unwrap_or_default();
        let (private, erased) = self.open(linked);
        AuditEvent {
            position: linked.entry.position.0,
            event_id: event.event_id,
            aggregate: &event.aggregate_type,
            aggregate_id: event.aggregate_id,
            sequence: event.sequence,
            event_type: &event.event_type,
            event_version: &event.event_version,
            owner: event.owner,
            actor: ActorName::of(circumstances.actor.unwrap_or("system")),
            recorded_at: event.recorded_at,
            correlation_id: circumstances.correlation_id,
            causation_id: circumstances.causation_id,
            payload: &event.payload,
            private,
            erased,
            metadata: &event.metadata,
            sealed: event.private.as_ref().map(|sealed| STANDARD.encode(sealed)),
            previous: hex::encode(linked.previous),
            hash: hex::encode(linked.entry.hash),
        }
    }

    /// The decrypted private part, and whether its key was destroyed.
    fn open(&self, linked: &LinkedEntry) -> (Option<Box<RawValue>>, bool) {
        let event = &linked.entry.event;
        let key = match subject(event) {
            None => return (None, false),
            Some(Subject::User(user)) if event.private.is_none() => {
                return (None, !self.users.contains(&user));
            }
            Some(subject) => self.contents.get(&(UserId::new(event.owner), subject)),
        };
        let Some(key) = key else { return (None, true) };
        let (Some(sealed), Ok(aggregate)) = (&event.private, event.aggregate_type.parse()) else {
            return (None, false);
        };
        let aad = AssociatedData::Event {
            aggregate,
            aggregate_id: event.aggregate_id,
            sequence: Version(event.sequence.unsigned_abs()),
            event_type: &event.event_type,
        };
        let opened = key.open(&aad, sealed).ok().and_then(|json| String::from_utf8(json).ok());
        let private = opened.and_then(|json| RawValue::from_string(json).ok());
        if private.is_none() {
            tracing::error!(position = %linked.entry.position, "the private part of an event cannot be opened");
        }
        (private, false)
    }
}

/// Subject of the key that encrypts an event, and of the user whose account it is of; `None` for an aggregate
/// without a key.
fn subject(event: &StoredEvent) -> Option<Subject> {
    match event.aggregate_type.parse() {
        Ok(AggregateType::Conversation) => Some(Subject::Conversation(event.aggregate_id)),
        Ok(AggregateType::Document) => Some(Subject::Document(event.aggregate_id)),
        Ok(AggregateType::Account) => Some(Subject::User(UserId::new(event.aggregate_id))),
        Ok(AggregateType::AuditTrail | AggregateType::Operation) | Err(_) => None,
    }
}

impl<'a> ActorName<'a> {
    /// Parses the text in metadata: `user:<id>`, `worker`.
    fn of(text: &'a str) -> Self {
        match text.split_once(':') {
            Some((kind, id)) => Self { kind, id: Some(id) },
            None => Self { kind: text, id: None },
        }
    }
}
