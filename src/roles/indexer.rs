//! The indexer: brings added, changed and removed documents to the state that their events record, and
//! reports progress.

use std::sync::Arc;
use std::time::Duration;

use aggregates::DocumentId;
use async_nats::Client;
use async_nats::jetstream::Message;
use nats::{Envelope, Subjects};
use rag::error_chain::ErrorChain;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::knowledge::indexing::{Indexing, ProgressSink};
use crate::knowledge::models::ActiveModel;
use crate::runtime::backoff::Backoff;
use crate::runtime::consumer::{
    AckDecision, Consumer, ConsumerError, ConsumerSettings, acknowledge, keep_alive,
};

/// A delivery that is not extended for this long is delivered again, and how often the indexer extends it.
const ACK_WAIT: Duration = Duration::from_secs(15);
const EXTEND_EVERY: Duration = Duration::from_secs(5);
/// Delays of a document that could not be indexed.
const RETRY_DOCUMENT: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));
/// Delay of a document that another process is indexing.
const HELD_ELSEWHERE: Duration = Duration::from_secs(5);
/// Delays after a failure of NATS or the index.
const RETRY: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));
/// A connection that lasted longer than this was a success.
const STABLE: Duration = Duration::from_secs(5);
/// Time that a pull waits at the server.
const PULL_WAIT: Duration = Duration::from_secs(5);
/// Interval between looks for documents without a delivery, and the age from which on a document counts.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);
const SWEEP_AGE: Duration = Duration::from_mins(2);
/// Documents that one sweep takes.
const SWEEP_LIMIT: u32 = 20;
/// Progress reports that wait to be sent; more are dropped, since the next one says more.
const PROGRESS_QUEUE: usize = 1_024;
/// Time limit for sending one report.
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(1);

/// Indexes documents.
pub(crate) struct Documents {
    pub(crate) indexing: Indexing,
    /// The embedding model and collection that documents are written to.
    pub(crate) active: watch::Receiver<Arc<ActiveModel>>,
    /// Notified when the collection was created again.
    pub(crate) recreated: Arc<Notify>,
    pub(crate) nats: Client,
    pub(crate) subjects: Subjects,
}

impl Documents {
    /// Indexes documents one after the other until cancelled.
    pub(crate) async fn run(self, cancel: CancellationToken) {
        tokio::select! {
            () = self.follow() => {}
            () = self.sweep() => {}
            () = self.repair() => {}
            () = cancel.cancelled() => {}
        }
    }

    async fn follow(&self) {
        let mut retry = RETRY;
        loop {
            let began = tokio::time::Instant::now();
            if let Err(error) = self.follow_consumer().await {
                tracing::warn!(error = %ErrorChain(&error), "taking documents was interrupted and is retried");
            }
            if began.elapsed() > STABLE {
                retry.reset();
            }
            retry.wait().await;
        }
    }

    async fn follow_consumer(&self) -> Result<(), ConsumerError> {
        let settings = ConsumerSettings {
            name: self.subjects.documents_consumer(),
            description: "documents for the workers to index",
            filter_subjects: self.subjects.documents_changed(),
            ack_wait: ACK_WAIT,
        };
        let consumer = Consumer::attach(&self.nats, &self.subjects, settings).await?;
        loop {
            let mut messages = consumer.pull(1, PULL_WAIT).await?;
            while let Some(message) = messages.next().await {
                let message = message?;
                acknowledge(&message, self.process(&message).await).await;
            }
        }
    }

    async fn process(&self, message: &Message) -> AckDecision {
        let Ok(recorded) = Envelope::read(&message.payload) else { return AckDecision::Reject };
        let id = DocumentId::new(recorded.aggregate_id);
        let settled = tokio::select! {
            settled = self.settle(id) => settled,
            never = keep_alive(message, EXTEND_EVERY) => match never {},
        };
        match settled {
            Ok(true) => AckDecision::Ack,
            Ok(false) => AckDecision::RetryAfter(HELD_ELSEWHERE),
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), document.id = %id, "a document could not be indexed yet");
                let deliveries = message.info().map_or(1, |info| info.delivered);
                let attempt = u32::try_from(deliveries).unwrap_or(1);
                AckDecision::RetryAfter(RETRY_DOCUMENT.delay_before(attempt))
            }
        }
    }

    async fn settle(&self, id: DocumentId) -> anyhow::Result<bool> {
        let active = Arc::clone(&self.active.borrow());
        self.indexing.settle(&active, id).await
    }

    /// Restores missing passages at the start, and whenever the collection was created again.
    async fn repair(&self) {
        let mut retry = RETRY;
        loop {
            let active = Arc::clone(&self.active.borrow());
            match self.indexing.repair_all(&active, |_| {}).await {
                Ok((0, _)) => {}
                Ok((documents, _)) => {
                    tracing::info!(documents, "missing passages were restored to the index");
                }
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "the index could not be repaired yet");
                    retry.wait().await;
                    continue;
                }
            }
            retry.reset();
            self.recreated.notified().await;
        }
    }

    /// Finds documents whose delivery was lost with the stream.
    async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP_INTERVAL).await;
            let pool = self.indexing.store.read_models();
            let waiting = projections::documents::awaiting_indexing(pool, SWEEP_AGE, SWEEP_LIMIT).await;
            let waiting = match waiting {
                Ok(waiting) => waiting,
                Err(error) => {
                    tracing::warn!(error = %ErrorChain(&error), "waiting documents could not be looked up");
                    continue;
                }
            };
            for id in waiting {
                if let Err(error) = self.settle(id).await {
                    tracing::warn!(error = format!("{error:#}"), document.id = %id, "a document could not be indexed yet");
                }
            }
        }
    }
}

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
