//! Deletes files that no document needs, once a day.

use std::time::Duration;

use aggregates::document::DocumentStatus;
use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt as _;
use store::Store;

use crate::knowledge::files::{FileVersion, Files};
use crate::runtime::backoff::Backoff;

/// Interval between sweeps.
const SWEEP_INTERVAL: Duration = Duration::from_hours(24);
/// Delays after a failed sweep.
const RETRY: Backoff = Backoff::new(Duration::from_mins(1), SWEEP_INTERVAL);
/// Time limit of the next part of the list.
const LISTED_WITHIN: Duration = Duration::from_mins(1);
/// Age from which on a file counts: what is newer may still become the file of a document.
const AGE: Duration = Duration::from_hours(24);
/// Age from which on a file counts that the events of its document do not name. The events may be in
/// a newer backup.
const AGE_WITHOUT_EVENT: TimeDelta = TimeDelta::days(30);

/// Deletes files that no document needs.
pub struct FileSweep {
    /// The events of documents.
    pub store: Store,
    /// The stored files.
    pub files: Files,
}

impl FileSweep {
    /// Sweeps for ever. The first sweep is an hour after the start.
    pub async fn run(self) {
        let mut retry = RETRY;
        tokio::time::sleep(Duration::from_hours(1)).await;
        loop {
            match self.sweep(AGE).await {
                Ok(deleted) => {
                    if deleted > 0 {
                        tracing::info!(deleted, "files without a document were deleted");
                    }
                    retry.reset();
                    tokio::time::sleep(SWEEP_INTERVAL).await;
                }
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "files without a document were not deleted");
                    retry.wait().await;
                }
            }
        }
    }

    /// Deletes files older than `age` that no document needs; returns their number.
    pub async fn sweep(&self, age: Duration) -> anyhow::Result<u64> {
        let mut deleted = 0;
        let mut files = self.files.older_than(age);
        while let Some(file) = tokio::time::timeout(LISTED_WITHIN, files.try_next()).await?? {
            let is_needed = match &file.version {
                Some(version) => self.is_needed(version, file.modified).await?,
                None => false,
            };
            if !is_needed {
                self.files.delete(&file).await?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    async fn is_needed(&self, version: &FileVersion, modified: DateTime<Utc>) -> anyhow::Result<bool> {
        let documents = self.store.documents();
        documents.forget(version.document);
        let document = documents.current(version.document).await?;
        let is_current =
            document.owner() == Some(version.owner) && document.sha256() == Some(version.sha256.as_str());
        Ok(match document.status() {
            Some(DocumentStatus::Removed) => false,
            _ => is_current || Utc::now() - modified < AGE_WITHOUT_EVENT,
        })
    }
}
