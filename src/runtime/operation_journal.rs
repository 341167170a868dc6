//! Records operations on the whole installation as events.

use aggregates::operation::{OperationEvent, RecordOperation};
use aggregates::{Actor, Metadata, OperationId, UserId};
use projections::quarantine;
use store::{ExecuteError, Store, StoreError};

use super::wake::SequencerWake;

/// Operations recorded at once.
const PAGE: u32 = 100;

/// Records an operation that is complete, as the run with this id. A run is recorded once.
pub async fn record_run(
    store: &Store,
    wake: &SequencerWake,
    id: OperationId,
    event: OperationEvent,
) -> Result<(), StoreError> {
    let metadata = Metadata {
        owner: UserId::SHARED,
        actor: Actor::System,
        correlation_id: id.uuid(),
        causation_id: None,
        traceparent: None,
    };
    match store.operations().execute(id.uuid(), RecordOperation(event), &metadata, None).await {
        // A run that is recorded already: an earlier attempt to append was stored, and its answer was lost;
        // or another process records it at this moment.
        Ok(_) | Err(ExecuteError::Refused(_) | ExecuteError::Store(StoreError::Conflict)) => {
            wake.notify();
            Ok(())
        }
        Err(ExecuteError::Store(error)) => Err(error),
    }
}

/// Records the operations whose transactions have left a note: changes of the quarantine, decisions on dead
/// letters. Those that are not recorded now are recorded by the next call, in any process.
pub async fn record_noted(store: &Store, wake: &SequencerWake) -> Result<(), StoreError> {
    loop {
        let noted = quarantine::unrecorded_operations(store.read_models(), PAGE).await;
        let noted = noted.map_err(StoreError::from_query)?;
        if noted.is_empty() {
            return Ok(());
        }
        for (id, event) in noted {
            record_run(store, wake, OperationId::new(id), event).await?;
            quarantine::forget_recorded(store.read_models(), id).await.map_err(StoreError::from_query)?;
        }
    }
}
