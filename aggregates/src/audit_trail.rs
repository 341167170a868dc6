//! The audit trail: each look into history is itself history.

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};

use crate::named::named_enum;
use crate::{UserId, Version};

/// One auditor's looks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditTrail {
    version: Version,
}

named_enum! {
    /// The interface through which the history was read.
    pub enum Through {
        /// The API. The token identifies the auditor.
        Api = "api",
        /// The command line of a machine that has the database and the master key.
        CommandLine = "command_line",
    }
}

/// Somebody looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum AuditTrailEvent {
    /// An auditor saw a part of the history.
    AuditAccessed {
        /// Who looked.
        auditor: UserId,
        /// At what: the resource's name.
        what: String,
        /// Through which filter.
        filter: serde_json::Value,
        /// Which way.
        through: Through,
    },
}

/// A look that is never refused here: whether it is allowed was decided at the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordAccess {
    /// Who looks.
    pub auditor: UserId,
    /// At what.
    pub what: String,
    /// Through which filter.
    pub filter: serde_json::Value,
    /// Which way.
    pub through: Through,
}

/// An audit trail refuses nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditTrailRefused {}

impl Aggregate for AuditTrail {
    const TYPE: &'static str = "audit_trail";
    type Command = RecordAccess;
    type Event = AuditTrailEvent;
    type Error = AuditTrailRefused;
    type Services = ();

    async fn handle(
        &mut self,
        command: RecordAccess,
        _services: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), AuditTrailRefused> {
        let RecordAccess { auditor, what, filter, through } = command;
        sink.write(AuditTrailEvent::AuditAccessed { auditor, what, filter, through }, self).await;
        Ok(())
    }

    fn apply(&mut self, event: AuditTrailEvent) {
        match event {
            AuditTrailEvent::AuditAccessed { .. } => self.version = self.version.next(),
        }
    }
}

impl AuditTrail {
    /// How many looks there were.
    pub const fn version(&self) -> Version {
        self.version
    }
}

impl AuditTrailEvent {
    /// The event's name: in the event store and in subjects.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AuditAccessed { .. } => "AuditAccessed",
        }
    }
}

impl DomainEvent for AuditTrailEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        "2".to_owned()
    }
}
