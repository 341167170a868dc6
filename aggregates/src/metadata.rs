//! What every event says about how it came to be.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{EventId, UserId};

/// Who made something happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "lowercase")]
pub enum Actor {
    /// A person, for themselves.
    User(UserId),
    /// The worker that answers.
    Worker,
    /// Somebody who replays history.
    Auditor(UserId),
    /// The system itself: retention, set-up.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Worker => f.write_str("worker"),
            Self::Auditor(id) => write!(f, "auditor:{id}"),
            Self::System => f.write_str("system"),
        }
    }
}

/// The circumstances of one command, written to each of its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Whose data the events are.
    pub owner: UserId,
    /// Who acted.
    pub actor: Actor,
    /// The request that led here.
    pub correlation_id: Uuid,
    /// The event that led here, when one did.
    pub causation_id: Option<EventId>,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
}

impl Metadata {
    /// The map of strings that the event-sourcing framework carries. `event_id` and `recorded_at` are the
    /// store's to add.
    pub fn to_map(&self) -> HashMap<String, String> {
        let mut map = HashMap::from([
            ("owner".to_owned(), self.owner.to_string()),
            ("actor".to_owned(), self.actor.to_string()),
            ("correlation_id".to_owned(), self.correlation_id.to_string()),
        ]);
        if let Some(causation) = self.causation_id {
            map.insert("causation_id".to_owned(), causation.to_string());
        }
        if let Some(traceparent) = &self.traceparent {
            map.insert("traceparent".to_owned(), traceparent.clone());
        }
        map
    }
}
