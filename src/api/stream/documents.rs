//! What a stream tells of its owner's documents.

use aggregates::{DocumentId, RecordedEvent};
use serde::Serialize;

use super::session::{Ended, Session};
use crate::api::routes::documents::live::document_row;
use crate::knowledge::indexing::{Progress, Stage};

#[derive(Serialize)]
struct DocumentProgress {
    id: DocumentId,
    stage: Stage,
    done: u32,
    total: u32,
}

impl Session {
    /// Tells how a document's row looks after an event, as soon as the read models show it.
    pub(crate) async fn document(&self, event: &RecordedEvent) -> Result<(), Ended> {
        let row = document_row(&self.store, self.owner, event).await?;
        self.send("document", &row).await
    }

    /// Tells how far a document is. Its row says how it ended.
    pub(crate) async fn progress(
        &self,
        id: DocumentId,
        Progress { stage, done, total }: Progress,
    ) -> Result<(), Ended> {
        if self.only.is_some() {
            return Ok(());
        }
        self.send("document.progress", &DocumentProgress { id, stage, done, total }).await
    }
}
