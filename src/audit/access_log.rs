//! Records every access of an auditor as an event, before anything is shown.

use aggregates::audit_trail::{RecordAccess, Through};
use aggregates::{Actor, Metadata, UserId};
use serde_json::Value;

use crate::runtime::wake::SequencerWake;
use store::{ExecuteError, Store, StoreError};

/// An access to the history.
#[derive(Debug, Clone)]
pub struct Access {
    /// Name of the resource.
    pub what: &'static str,
    /// Filter of the access.
    pub filter: Value,
    /// HTTP or command line.
    pub through: Through,
}

/// Records an access durably. An access from the command line belongs to no account and is recorded under the
/// nil id.
pub async fn record_access(
    store: &Store,
    wake: &SequencerWake,
    access: Access,
    metadata: &Metadata,
) -> Result<(), StoreError> {
    let auditor = metadata.owner;
    let command = RecordAccess {
        auditor,
        what: access.what.to_owned(),
        filter: access.filter,
        through: access.through,
    };
    match store.audit_trails().execute(auditor.uuid(), command, metadata, None).await {
        Ok(_) => {
            wake.notify();
            Ok(())
        }
        Err(ExecuteError::Refused(refused)) => match refused {},
        Err(ExecuteError::Store(error)) => Err(error),
    }
}

/// Metadata of an access from the command line.
pub(crate) fn from_command_line() -> Metadata {
    Metadata {
        owner: UserId::SHARED,
        actor: Actor::System,
        correlation_id: uuid::Uuid::now_v7(),
        causation_id: None,
        traceparent: None,
    }
}
