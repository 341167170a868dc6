//! Records operations on the whole installation as events.

use aggregates::OperationId;
use aggregates::operation::OperationEvent;
use uuid::Uuid;

use crate::runtime::operation_journal::record_run;
use crate::runtime::wake::SequencerWake;
use store::{Store, StoreError};

/// Records an operation that is complete.
pub async fn record(store: &Store, wake: &SequencerWake, event: OperationEvent) -> Result<(), StoreError> {
    record_run(store, wake, OperationId::new(Uuid::now_v7()), event).await
}
