//! The row of a document after an event.

use std::time::Duration;

use aggregates::{DocumentId, RecordedEvent, UserId};
use projections::documents::{self, DocumentRow};
use tokio::time::Instant;

use super::event::{DocumentChanged, DocumentDeleted, True};
use crate::api::routes::documents::open;
use store::{Store, StoreError};

/// Longest wait for the read model. After that the row is sent as it is.
const MAX_WAIT: Duration = Duration::from_secs(2);
const CHECK_EVERY: Duration = Duration::from_millis(25);

impl DocumentChanged {
    /// The row of a document after an event; without a row, the document does not exist any more.
    pub(super) fn of(event: &RecordedEvent, row: Option<DocumentRow>) -> Self {
        let id = DocumentId::new(event.aggregate_id);
        let deleted = Self::Deleted(DocumentDeleted { id, deleted: True });
        row.map_or(deleted, |row| Self::Row(Box::new(row)))
    }
}

/// The row of a document, as soon as the read model has applied the event; `None` if the document was removed.
pub(super) async fn document_row(
    store: &Store,
    owner: UserId,
    event: &RecordedEvent,
) -> Result<Option<DocumentRow>, StoreError> {
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
            Some(row) => open(store, row).await.map(Some),
            None => Ok(None),
        };
    }
}
