//! Each look into history is history, too: recorded before anything is shown.

use aggregates::audit_trail::{RecordAccess, Through};
use aggregates::{Actor, Metadata, UserId};
use serde_json::Value;

use crate::runtime::wake::SequencerWake;
use store::{ExecuteError, Store, StoreError};

/// A look.
#[derive(Debug, Clone)]
pub struct Access {
    /// At what: the resource's name.
    pub what: &'static str,
    /// Through which filter.
    pub filter: Value,
    /// Which way.
    pub through: Through,
}

/// Records a look, durably. Who looks from the command line is nobody's account: the nil id stands for them.
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

/// The circumstances of a look from the command line.
pub(crate) fn from_command_line() -> Metadata {
    Metadata {
        owner: UserId::SHARED,
        actor: Actor::System,
        correlation_id: uuid::Uuid::now_v7(),
        causation_id: None,
        traceparent: None,
    }
}
