//! The audit trail: each access of an auditor to the history is itself an event.

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};

use crate::UserId;
use crate::named::named_enum;

/// The accesses of one auditor. No decision depends on them, so that nothing is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditTrail;

named_enum! {
    /// The interface through which the history was read.
    pub enum Through {
        /// The API. The token identifies the auditor.
        Api = "api",
        /// The command line of a machine that has the database and the master key.
        CommandLine = "command_line",
    }
}

/// An event of an audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum AuditTrailEvent {
    /// An auditor read a part of the history.
    AuditAccessed {
        /// The auditor; the nil id for the command line.
        auditor: UserId,
        /// The name of the resource that was read.
        what: String,
        /// The filter that selected the part.
        filter: serde_json::Value,
        /// The interface that was used.
        through: Through,
    },
}

/// The command that records an access. It is never refused: permission is checked before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordAccess {
    /// The auditor; the nil id for the command line.
    pub auditor: UserId,
    /// The name of the resource that is read.
    pub what: String,
    /// The filter that selects the part.
    pub filter: serde_json::Value,
    /// The interface that is used.
    pub through: Through,
}

/// The refusals of an audit trail, which has none.
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
            AuditTrailEvent::AuditAccessed { .. } => {}
        }
    }
}

impl AuditTrailEvent {
    /// The event's name in the event store and in subjects.
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
