//! The ledger at the end of a campaign, read from an export.

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// An event of the ledger.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct LedgerEvent {
    pub(super) position: u64,
    pub(super) aggregate: String,
    pub(super) aggregate_id: Uuid,
    pub(super) sequence: u64,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) owner: Uuid,
    pub(super) actor: Actor,
    pub(super) payload: Value,
    /// The decrypted private part, unless its key is destroyed.
    pub(super) private: Option<Value>,
    pub(super) erased: bool,
}

/// The actor of an event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Actor {
    pub(super) kind: String,
    pub(super) id: Option<String>,
}

impl LedgerEvent {
    /// An id in the payload.
    pub(super) fn id(&self, field: &str) -> Option<Uuid> {
        Uuid::try_parse(self.payload[field].as_str()?).ok()
    }

    /// A text in the private part.
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.private.as_ref()?[field].as_str()
    }

    /// Whether this event ends an answer.
    pub(super) fn is_ending(&self) -> bool {
        ["AnswerCompleted", "AnswerStopped", "AnswerFailed"].contains(&self.kind.as_str())
    }

    /// Whether a person caused this event, not the service.
    pub(super) fn is_by_a_user(&self) -> bool {
        self.actor.kind == "user"
    }
}

/// The events of an export in NDJSON, without its last line, the checkpoint.
pub(super) fn parse(export: &str) -> Vec<LedgerEvent> {
    let is_event = |line: &&str| line.starts_with("{\"position\"");
    export.lines().filter(is_event).map(|line| serde_json::from_str(line).unwrap()).collect()
}
