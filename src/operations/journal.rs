//! Records operations on the whole installation as events.

use aggregates::operation::{OperationEvent, RecordOperation};
use aggregates::{Actor, Metadata, OperationId, UserId};
use uuid::Uuid;

use crate::runtime::wake::SequencerWake;
use store::{ExecuteError, Store, StoreError};

/// Records an operation that is complete.
pub async fn record(store: &Store, wake: &SequencerWake, event: OperationEvent) -> Result<(), StoreError> {
    let id = OperationId::new(Uuid::now_v7());
    let metadata = Metadata {
        owner: UserId::SHARED,
        actor: Actor::System,
        correlation_id: id.uuid(),
        causation_id: None,
        traceparent: None,
    };
    match store.operations().execute(id.uuid(), RecordOperation(event), &metadata, None).await {
        // A run that is recorded already: an earlier attempt to append was stored, and its answer was lost.
        Ok(_) | Err(ExecuteError::Refused(_)) => {
            wake.notify();
            Ok(())
        }
        Err(ExecuteError::Store(error)) => Err(error),
    }
}
