//! Progress of documents, for their owners' streams.

use std::time::Duration;

use async_nats::Client;
use nats::Subjects;
use std::sync::Arc;
use tokio::sync::mpsc;

use crate::knowledge::indexing::ProgressSink;

/// Progress reports that wait to be sent; more are dropped, since the next one says more.
const PROGRESS_QUEUE: usize = 1_024;
/// Time limit for sending one report.
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(1);

/// Publishes progress over NATS, in order. Progress that nobody follows is lost. The publishing task ends
/// with the last clone of the returned function.
pub(crate) fn publish_progress(nats: Client, subjects: Subjects) -> ProgressSink {
    let (sender, mut steps) = mpsc::channel(PROGRESS_QUEUE);
    tokio::spawn(async move {
        while let Some((document, owner, progress)) = steps.recv().await {
            let subject = subjects.document_progress(owner, document);
            let Ok(bytes) = serde_json::to_vec(&progress) else { continue };
            let publishing = nats.publish(subject, bytes.into());
            if !matches!(tokio::time::timeout(PROGRESS_TIMEOUT, publishing).await, Ok(Ok(()))) {
                tracing::debug!(document.id = %document, "progress of a document could not be published");
            }
        }
    });
    Arc::new(move |document, owner, progress| {
        let _ = sender.try_send((document, owner, progress));
    })
}
