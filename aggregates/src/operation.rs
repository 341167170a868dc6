//! Operations on the whole installation, of which each run is an aggregate of one event. The events belong to
//! no user.

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};

use uuid::Uuid;

use crate::account::UserRole;
use crate::named::named_enum;
use crate::{AggregateType, Position, UserId, Version};

/// One run of an operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    version: Version,
}

/// The command that records a completed operation. It is refused for a run that is recorded already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordOperation(pub OperationEvent);

named_enum! {
    /// A key that operators rotate.
    pub enum RotatedKey {
        /// The master key, which wraps the keys of all users.
        Master = "master",
        /// The key that signs checkpoints of the ledger.
        CheckpointSigning = "checkpoint_signing",
    }
}

named_enum! {
    /// Why an event could not be applied to a read model.
    pub enum QuarantineCause {
        /// This version does not know the type or the version of the event, or its payload is invalid.
        Unreadable = "unreadable",
        /// The private part does not decrypt, although its key exists, or the key itself does not.
        Undecryptable = "undecryptable",
        /// The database refused the values of its rows.
        Refused = "refused",
        /// The projection panicked.
        Panicked = "panicked",
    }
}

named_enum! {
    /// End of a quarantine.
    pub enum QuarantineOutcome {
        /// An operator had the rows built again, with every event.
        Retried = "retried",
        /// An operator had the rows built again, without the event.
        Skipped = "skipped",
        /// A rebuild of the read model applied every event.
        Rebuilt = "rebuilt",
        /// The aggregate or its owner was erased.
        Erased = "erased",
    }
}

named_enum! {
    /// Work that a worker could not complete.
    pub enum DeadLetterKind {
        /// The writing of an answer.
        Answer = "answer",
        /// The indexing or the removal of a document.
        Document = "document",
        /// A delivered message that could not be read.
        Delivery = "delivery",
    }
}

named_enum! {
    /// The decision of an operator on a dead letter.
    pub enum DeadLetterOutcome {
        /// The work is done again.
        Retried = "retried",
        /// The work stays undone.
        Discarded = "discarded",
    }
}

/// An operation that is complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
#[expect(missing_docs, reason = "fields carry the names of the event model")]
pub enum OperationEvent {
    /// Another key is in use. `rewrapped` counts the keys that the new one wraps since.
    KeyRotated { key: RotatedKey, key_id: String, rewrapped: u64 },
    /// A read model was rebuilt from the ledger.
    ReadModelRebuilt { read_model: String, position: Position },
    /// A backup was restored, or streams and read models from the database, up to a position.
    BackupRestored { position: Position },
    /// A backup is complete. It contains the ledger up to a position.
    BackupCreated { backup: String, position: Position },
    /// A backup was read and checked. `problems` counts what was wrong with it.
    BackupVerified { backup: String, position: Position, problems: u64 },
    /// Somebody can sign up with a role by an invitation, which has the id of the run. `by` is the
    /// administrator, or the nil id for the command line.
    InvitationCreated { role: UserRole, by: UserId },
    /// An event could not be applied: its aggregate has no rows in the read model until the quarantine ends.
    Quarantined {
        read_model: String,
        aggregate: AggregateType,
        aggregate_id: Uuid,
        position: Position,
        event_type: String,
        cause: QuarantineCause,
    },
    /// The aggregate has rows again, or never needs them again.
    QuarantineEnded {
        read_model: String,
        aggregate: AggregateType,
        aggregate_id: Uuid,
        position: Position,
        outcome: QuarantineOutcome,
    },
    /// An operator decided on a dead letter.
    DeadLetterEnded { letter: Uuid, kind: DeadLetterKind, outcome: DeadLetterOutcome },
}

/// The refusals of an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperationRefused {
    /// The run is recorded.
    #[error("the operation is recorded already")]
    Recorded,
}

impl Aggregate for Operation {
    const TYPE: &'static str = "operation";
    type Command = RecordOperation;
    type Event = OperationEvent;
    type Error = OperationRefused;
    type Services = ();

    async fn handle(
        &mut self,
        RecordOperation(event): RecordOperation,
        _services: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), OperationRefused> {
        if self.version > Version(0) {
            return Err(OperationRefused::Recorded);
        }
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: OperationEvent) {
        match event {
            OperationEvent::KeyRotated { .. }
            | OperationEvent::ReadModelRebuilt { .. }
            | OperationEvent::BackupRestored { .. }
            | OperationEvent::BackupCreated { .. }
            | OperationEvent::BackupVerified { .. }
            | OperationEvent::InvitationCreated { .. }
            | OperationEvent::Quarantined { .. }
            | OperationEvent::QuarantineEnded { .. }
            | OperationEvent::DeadLetterEnded { .. } => self.version = self.version.next(),
        }
    }
}

impl OperationEvent {
    /// The event's name in the event store and in subjects.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::KeyRotated { .. } => "KeyRotated",
            Self::ReadModelRebuilt { .. } => "ReadModelRebuilt",
            Self::BackupRestored { .. } => "BackupRestored",
            Self::BackupCreated { .. } => "BackupCreated",
            Self::BackupVerified { .. } => "BackupVerified",
            Self::InvitationCreated { .. } => "InvitationCreated",
            Self::Quarantined { .. } => "Quarantined",
            Self::QuarantineEnded { .. } => "QuarantineEnded",
            Self::DeadLetterEnded { .. } => "DeadLetterEnded",
        }
    }
}

impl DomainEvent for OperationEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use cqrs_es::test::TestFramework;

    use super::*;

    #[test]
    fn a_run_is_recorded_once() {
        let restored = OperationEvent::BackupRestored { position: Position(7) };
        TestFramework::<Operation>::with(())
            .given_no_previous_events()
            .when(RecordOperation(restored.clone()))
            .then_expect_events(vec![restored.clone()]);
        TestFramework::<Operation>::with(())
            .given(vec![restored.clone()])
            .when(RecordOperation(restored))
            .then_expect_error(OperationRefused::Recorded);
    }
}
