//! The metadata of events: owner, actor, and the request that led to the event.

use std::collections::HashMap;
use std::fmt;

use uuid::Uuid;

use crate::named::named_enum;
use crate::{EventId, UserId};

/// The author of a command. Metadata holds it as `<kind>` or `<kind>:<id>`, by `Display`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A user.
    User(UserId),
    /// The worker, which writes answers.
    Worker,
    /// A user who reads the history as an auditor.
    Auditor(UserId),
    /// The service itself, for example for retention and set-up.
    System,
}

named_enum! {
    /// The kind of an [`Actor`].
    pub enum ActorKind {
        /// A user.
        User = "user",
        /// The worker, which writes answers.
        Worker = "worker",
        /// A user who reads the history as an auditor.
        Auditor = "auditor",
        /// The service itself, for example for retention and set-up.
        System = "system",
    }
}

impl Actor {
    /// The actor's kind.
    pub const fn kind(self) -> ActorKind {
        match self {
            Self::User(_) => ActorKind::User,
            Self::Worker => ActorKind::Worker,
            Self::Auditor(_) => ActorKind::Auditor,
            Self::System => ActorKind::System,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) | Self::Auditor(id) => write!(f, "{}:{id}", self.kind()),
            Self::Worker | Self::System => self.kind().fmt(f),
        }
    }
}

/// The metadata of one command, which is written to each of its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The user whose data the events are.
    pub owner: UserId,
    /// The author of the command.
    pub actor: Actor,
    /// The request that led to the command.
    pub correlation_id: Uuid,
    /// The event that led to the command, if there is one.
    pub causation_id: Option<EventId>,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
}

impl Metadata {
    /// Converts into the map of strings that the event-sourcing framework carries. The store adds `event_id`
    /// and `recorded_at`.
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
