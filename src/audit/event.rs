//! An event as an auditor sees it: its frame, its opened private part, and all that the chain covers.

use std::collections::HashSet;

use aggregates::{AggregateType, Position, UserId, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use sealing::{AssociatedData, Subject};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::signing::hex;
use store::{ContentKeys, LinkedEntry, Store, StoreError, StoredEvent};

/// An event. Its hash is SHA-256 over the previous hash and its canonical bytes (`docs/audit.md`).
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEvent<'a> {
    /// Its place in the ledger.
    pub position: u64,
    /// Its id.
    pub event_id: Uuid,
    /// The kind of aggregate it happened to.
    pub aggregate: &'a str,
    /// The aggregate it happened to.
    pub aggregate_id: Uuid,
    /// Its place in the aggregate's own history.
    pub sequence: i64,
    /// Its name.
    #[serde(rename = "type")]
    pub event_type: &'a str,
    /// The version of its form.
    pub event_version: &'a str,
    /// Whose data it is.
    pub owner: Uuid,
    /// Who made it happen.
    pub actor: ActorName<'a>,
    /// When Postgres recorded it.
    pub recorded_at: DateTime<Utc>,
    /// The request that led to it.
    pub correlation_id: Option<&'a str>,
    /// The event that led to it.
    pub causation_id: Option<&'a str>,
    /// What happened, byte for byte as stored.
    #[schema(value_type = Object)]
    pub payload: &'a RawValue,
    /// What somebody wrote, opened; `null` if there is nothing, or if it was erased.
    #[schema(value_type = Option<Object>)]
    pub private: Option<Box<RawValue>>,
    /// Its key was destroyed: what somebody wrote cannot be read any more.
    pub erased: bool,
    /// How it came to be, byte for byte as stored.
    #[schema(value_type = Object)]
    pub metadata: &'a RawValue,
    /// The private part as stored: ciphertext, in base64.
    pub sealed: Option<String>,
    /// The hash of the event before it, in hexadecimal.
    pub previous: String,
    /// Its own hash.
    pub hash: String,
}

/// Who made something happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ActorName<'a> {
    /// `user`, `worker`, `auditor` or `system`.
    pub kind: &'a str,
    /// Which one, where there is more than one.
    pub id: Option<&'a str>,
}

/// What the metadata says that is shown.
#[derive(Debug, Default, Deserialize)]
struct Circumstances<'a> {
    #[serde(borrow, default)]
    actor: Option<&'a str>,
    #[serde(borrow, default)]
    correlation_id: Option<&'a str>,
    #[serde(borrow, default)]
    causation_id: Option<&'a str>,
}

/// A part of the ledger with the keys that open it.
#[derive(Debug)]
pub struct OpenPage {
    entries: Vec<LinkedEntry>,
    contents: ContentKeys,
    users: HashSet<UserId>,
}

/// Finds the keys of a part of the ledger. Three round trips at most.
pub async fn open_page(store: &Store, entries: Vec<LinkedEntry>) -> Result<OpenPage, StoreError> {
    let (mut contents, mut users) = (Vec::new(), Vec::new());
    for entry in &entries {
        let owner = UserId::new(entry.entry.event.owner);
        match subject(&entry.entry.event) {
            Some(Subject::User(user)) => users.push(user),
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
    /// The events of the page, one after the other.
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
            previous: hex(&linked.previous),
            hash: hex(&linked.entry.hash),
        }
    }

    /// The private part in the clear, and whether its key is gone.
    fn open(&self, linked: &LinkedEntry) -> (Option<Box<RawValue>>, bool) {
        let event = &linked.entry.event;
        let key = match subject(event) {
            None => return (None, false),
            Some(Subject::User(user)) => return (None, !self.users.contains(&user)),
            Some(subject) => self.contents.get(&subject),
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

/// Whose key an event depends on; `None` where no key stands between it and its reader.
fn subject(event: &StoredEvent) -> Option<Subject> {
    match event.aggregate_type.parse() {
        Ok(AggregateType::Conversation) => Some(Subject::Conversation(event.aggregate_id)),
        Ok(AggregateType::Document) => Some(Subject::Document(event.aggregate_id)),
        Ok(AggregateType::Account) => Some(Subject::User(UserId::new(event.aggregate_id))),
        Ok(AggregateType::AuditTrail) | Err(_) => None,
    }
}

impl<'a> ActorName<'a> {
    /// From the form metadata has: `user:<id>`, `worker`.
    fn of(text: &'a str) -> Self {
        match text.split_once(':') {
            Some((kind, id)) => Self { kind, id: Some(id) },
            None => Self { kind: text, id: None },
        }
    }
}
