//! The row of a document after an event.

use std::time::Duration;

use aggregates::{DocumentId, RecordedEvent, UserId};
use projections::{ReadModel, documents, quarantine};
use tokio::time::Instant;

use super::event::{DocumentChanged, DocumentDeleted, True};
use crate::api::live::DocumentState;
use crate::api::routes::documents::open;
use store::{Store, StoreError};

/// Longest wait for the read model. After that the row is sent as it is.
const MAX_WAIT: Duration = Duration::from_secs(2);
const CHECK_EVERY: Duration = Duration::from_millis(25);

impl DocumentChanged {
    /// The row of a document in a stream after an event; nothing while it is quarantined.
    pub(super) fn of(event: &RecordedEvent, state: DocumentState) -> Option<Self> {
        match state {
            DocumentState::Row(row) => Some(Self::Row(row)),
            DocumentState::Removed => Some(Self::Deleted(DocumentDeleted {
                id: DocumentId::new(event.aggregate_id),
                deleted: True,
            })),
            DocumentState::Quarantined => None,
        }
    }
}

/// The state of a document, as soon as the read model has applied the event.
pub(super) async fn document_row(
    store: &Store,
    owner: UserId,
    event: &RecordedEvent,
) -> Result<DocumentState, StoreError> {
    let id = DocumentId::new(event.aggregate_id);
    let deadline = Instant::now() + MAX_WAIT;
    loop {
        let row = documents::get(store.read_models(), owner, id).await.map_err(StoreError::from_query)?;
        if row.is_none() && is_quarantined(store, owner, id).await? {
            return Ok(DocumentState::Quarantined);
        }
        let is_behind = row.as_ref().is_none_or(|row| row.version() < event.sequence);
        if is_behind && Instant::now() < deadline {
            tokio::time::sleep(CHECK_EVERY).await;
            continue;
        }
        return match row.filter(|row| !row.is_removed()) {
            Some(row) => Ok(DocumentState::Row(Box::new(open(store, row).await?))),
            None => Ok(DocumentState::Removed),
        };
    }
}

async fn is_quarantined(store: &Store, owner: UserId, id: DocumentId) -> Result<bool, StoreError> {
    let models = &[ReadModel::Documents];
    let found = quarantine::is_quarantined(store.read_models(), owner, id.uuid(), models).await;
    found.map_err(StoreError::from_query)
}
