//! The row of a document after an event.

use std::time::Duration;

use aggregates::{DocumentId, RecordedEvent, UserId};
use projections::documents;
use tokio::time::Instant;

use super::event::{DocumentChanged, DocumentDeleted, True};
use crate::api::routes::documents::open;
use store::{Store, StoreError};

/// Longest wait for the read model. After that the row is sent as it is.
const MAX_WAIT: Duration = Duration::from_secs(2);
const CHECK_EVERY: Duration = Duration::from_millis(25);

/// The row of a document, as soon as the read model has applied the event.
pub(super) async fn document_row(
    store: &Store,
    owner: UserId,
    event: &RecordedEvent,
) -> Result<DocumentChanged, StoreError> {
    let id = DocumentId::new(event.aggregate_id);
    let deadline = Instant::now() + MAX_WAIT;
    loop {
        let row = documents::get(store.read_models(), owner, id).await.map_err(StoreError::from_query)?;
        let is_behind = row.as_ref().is_none_or(|row| row.version() < event.sequence);
        if is_behind && Instant::now() < deadline {
            tokio::time::sleep(CHECK_EVERY).await;
            continue;
        }
        return match row.filter(|row| !row.is_removed()) {
            Some(row) => Ok(DocumentChanged::Row(Box::new(open(store, row).await?))),
            None => Ok(DocumentChanged::Deleted(DocumentDeleted { id, deleted: True })),
        };
    }
}
