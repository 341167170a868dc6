//! A document's row for whoever listens.

use std::time::Duration;

use aggregates::{DocumentId, RecordedEvent, UserId};
use projections::documents::{self, DocumentRow};
use serde::Serialize;

use store::{Store, StoreError};

/// How long the read models may take, and how often it is looked.
const LONGEST: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(25);

/// A document as its owner's stream tells of it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum LiveDocument {
    /// As it is now.
    Row(Box<DocumentRow>),
    /// It is gone.
    Deleted {
        /// The document.
        id: DocumentId,
        /// Always `true`.
        deleted: bool,
    },
}

/// The row after an event; where the read models are late, as they are.
pub(crate) async fn document_row(
    store: &Store,
    owner: UserId,
    event: &RecordedEvent,
) -> Result<LiveDocument, StoreError> {
    let id = DocumentId::new(event.aggregate_id);
    let deadline = tokio::time::Instant::now() + LONGEST;
    loop {
        let row = documents::get(store.pool(), owner, id).await?;
        let late = row.as_ref().is_none_or(|row| row.version() < event.sequence);
        if late && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
            continue;
        }
        return match row.filter(|row| !row.is_removed()) {
            Some(row) => Ok(LiveDocument::Row(Box::new(super::open(store, row).await?))),
            None => Ok(LiveDocument::Deleted { id, deleted: true }),
        };
    }
}
