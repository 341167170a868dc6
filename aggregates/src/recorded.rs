//! An event with its position, as the store returns it and NATS carries it.

use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent as _;
use serde_json::Value;
use uuid::Uuid;

use crate::account::AccountEvent;
use crate::audit_trail::AuditTrailEvent;
use crate::conversation::ConversationEvent;
use crate::document::DocumentEvent;
use crate::named::named_enum;
use crate::operation::OperationEvent;
use crate::{EventId, Position, UserId, Version};

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
        /// A run of an operation on the whole installation.
        Operation = "operation",
    }
}

/// An event of any aggregate.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "the large ones, of conversations, are frequent")]
pub enum Event {
    /// An event of a conversation.
    Conversation(ConversationEvent),
    /// An event of an account.
    Account(AccountEvent),
    /// An event of a document.
    Document(DocumentEvent),
    /// An event of an audit trail.
    AuditTrail(AuditTrailEvent),
    /// An event of an operation.
    Operation(OperationEvent),
}

impl Event {
    /// Parses a payload in today's form.
    pub fn from_payload(aggregate: AggregateType, payload: Value) -> Result<Self, serde_json::Error> {
        match aggregate {
            AggregateType::Conversation => serde_json::from_value(payload).map(Self::Conversation),
            AggregateType::Account => serde_json::from_value(payload).map(Self::Account),
            AggregateType::Document => serde_json::from_value(payload).map(Self::Document),
            AggregateType::AuditTrail => serde_json::from_value(payload).map(Self::AuditTrail),
            AggregateType::Operation => serde_json::from_value(payload).map(Self::Operation),
        }
    }

    /// Whether the event has a private part.
    pub const fn has_private(&self) -> bool {
        match self {
            Self::Conversation(event) => event.has_private(),
            Self::Document(event) => event.has_private(),
            Self::Account(event) => event.has_private(),
            Self::AuditTrail(_) | Self::Operation(_) => false,
        }
    }

    /// Sets the private part from its decrypted JSON. Does nothing for an event without one.
    pub fn open_private(&mut self, json: &[u8]) -> Result<(), serde_json::Error> {
        match self {
            Self::Conversation(event) => event.open_private(json)?,
            Self::Document(event) => event.open_private(json)?,
            Self::Account(event) => event.open_private(json)?,
            Self::AuditTrail(_) | Self::Operation(_) => {}
        }
        Ok(())
    }

    /// The version of the event's form in this release.
    pub fn version(&self) -> String {
        match self {
            Self::Conversation(event) => event.event_version(),
            Self::Account(event) => event.event_version(),
            Self::Document(event) => event.event_version(),
            Self::AuditTrail(event) => event.event_version(),
            Self::Operation(event) => event.event_version(),
        }
    }

    /// The event's name in the event store and in subjects.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Conversation(event) => event.name(),
            Self::Account(event) => event.name(),
            Self::Document(event) => event.name(),
            Self::AuditTrail(event) => event.name(),
            Self::Operation(event) => event.name(),
        }
    }
}

/// An event in the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedEvent {
    /// The event's place in the ledger; 0 for an event that was read before it was sequenced.
    pub position: Position,
    /// The kind of aggregate.
    pub aggregate: AggregateType,
    /// The aggregate.
    pub aggregate_id: Uuid,
    /// The event's place among the aggregate's events, from 1.
    pub sequence: Version,
    /// The event's id.
    pub event_id: EventId,
    /// The user whose data the event is.
    pub owner: UserId,
    /// The time at which Postgres recorded the event.
    pub recorded_at: DateTime<Utc>,
    /// The event. Its private part is sealed until it is decrypted.
    pub event: Event,
    /// The ciphertext of the private part.
    pub sealed: Option<Vec<u8>>,
}
