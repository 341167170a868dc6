//! An event with its place in history, as the store hands it out and NATS carries it.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::account::AccountEvent;
use crate::audit_trail::AuditTrailEvent;
use crate::conversation::ConversationEvent;
use crate::document::DocumentEvent;
use crate::named::named_enum;
use crate::{EventId, Position, Private, UserId, Version};

named_enum! {
    /// The kinds of aggregates, by their names in the event store and in subjects.
    pub enum AggregateType {
        /// A conversation.
        Conversation = "conversation",
        /// An account.
        Account = "account",
        /// A document.
        Document = "document",
        /// An auditor's accesses to the history.
        AuditTrail = "audit_trail",
    }
}

/// Any event of ours.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Of a conversation.
    Conversation(ConversationEvent),
    /// Of an account.
    Account(AccountEvent),
    /// Of a document.
    Document(DocumentEvent),
    /// Of an audit trail.
    AuditTrail(AuditTrailEvent),
}

impl Event {
    /// Reads an event of the given aggregate type from its payload.
    pub fn from_payload(aggregate: AggregateType, payload: Value) -> Result<Self, serde_json::Error> {
        match aggregate {
            AggregateType::Conversation => serde_json::from_value(payload).map(Self::Conversation),
            AggregateType::Account => serde_json::from_value(payload).map(Self::Account),
            AggregateType::Document => serde_json::from_value(payload).map(Self::Document),
            AggregateType::AuditTrail => serde_json::from_value(payload).map(Self::AuditTrail),
        }
    }

    /// Whether it has a private part.
    pub const fn has_private(&self) -> bool {
        match self {
            Self::Conversation(event) => event.has_private(),
            Self::Document(DocumentEvent::DocumentAdded { .. }) => true,
            Self::Document(_) | Self::Account(_) | Self::AuditTrail(_) => false,
        }
    }

    /// Takes in the private part, as the JSON that was sealed.
    pub fn open_private(&mut self, json: &[u8]) -> Result<(), serde_json::Error> {
        match self {
            Self::Conversation(event) => event.open_private(json)?,
            Self::Document(DocumentEvent::DocumentAdded { private, .. }) => *private = Private::read(json)?,
            Self::Document(_) | Self::Account(_) | Self::AuditTrail(_) => {}
        }
        Ok(())
    }

    /// The event's name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Conversation(event) => event.name(),
            Self::Account(event) => event.name(),
            Self::Document(event) => event.name(),
            Self::AuditTrail(event) => event.name(),
        }
    }
}

/// An event in the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedEvent {
    /// Its place in the ledger.
    pub position: Position,
    /// The kind of aggregate it happened to.
    pub aggregate: AggregateType,
    /// The aggregate it happened to.
    pub aggregate_id: Uuid,
    /// Its place in the aggregate's own history.
    pub sequence: Version,
    /// Its id.
    pub event_id: EventId,
    /// Whose data it is.
    pub owner: UserId,
    /// When Postgres recorded it.
    pub recorded_at: DateTime<Utc>,
    /// What happened. Its private part is sealed until somebody with the key opens it.
    pub event: Event,
    /// The private part as it is stored: ciphertext.
    pub sealed: Option<Vec<u8>>,
}
