//! Takes documents that came, changed or were removed, and has each indexed as its events ask. Tells whoever listens how far
//! they are.

use std::sync::Arc;
use std::time::Duration;

use aggregates::DocumentId;
use async_nats::Client;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::{self, AckKind, Message};
use futures::StreamExt as _;
use nats::{Envelope, STREAM_TIMEOUT, Subjects, ensure_streams};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::knowledge::indexing::{Indexing, Told};
use crate::knowledge::models::Stock;

/// How long a delivery belongs to a worker that says nothing, and how often it says something.
const ACK_WAIT: Duration = Duration::from_secs(15);
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// When a document that could not be indexed now is tried again, at first and at most.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_mins(1);
/// When it is looked again after a document that another process is indexing.
const HELD: Duration = Duration::from_secs(5);
/// How long NATS is left alone after a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a pull waits at the server.
const PULL: Duration = Duration::from_secs(5);
/// How often documents are looked for that no delivery accounts for, and from which age on, in seconds.
const SWEEP: Duration = Duration::from_mins(1);
const FORGOTTEN: f64 = 120.0;

/// The documents' part of a worker.
pub(crate) struct Documents {
    pub(crate) indexing: Indexing,
    /// Where documents go now.
    pub(crate) stock: watch::Receiver<Arc<Stock>>,
    /// The collection was made anew.
    pub(crate) made: Arc<Notify>,
    pub(crate) nats: Client,
    pub(crate) subjects: Subjects,
}

impl Documents {
    /// Indexes documents one after the other until cancelled.
    pub(crate) async fn run(self, cancel: CancellationToken) {
        tokio::select! {
            () = self.follow() => {}
            () = self.sweep() => {}
            () = self.mend() => {}
            () = cancel.cancelled() => {}
        }
    }

    async fn follow(&self) {
        loop {
            if let Err(error) = self.follow_consumer().await {
                tracing::warn!(error = format!("{error:#}"), "taking documents is interrupted");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn follow_consumer(&self) -> anyhow::Result<()> {
        let consumer = self.attach().await?;
        loop {
            let mut messages = consumer.batch().max_messages(1).expires(PULL).messages().await?;
            while let Some(message) = messages.next().await {
                let message = message.map_err(|error| anyhow::anyhow!(error))?;
                self.take(&message).await;
            }
        }
    }

    async fn attach(&self) -> anyhow::Result<PullConsumer> {
        let context = jetstream::new(self.nats.clone());
        let stream = ensure_streams(&context, &self.subjects).await?;
        let name = self.subjects.documents_consumer();
        let config = pull::Config {
            durable_name: Some(name.clone()),
            description: Some("documents for the workers to index".to_owned()),
            filter_subjects: self.subjects.documents_changed(),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            ..pull::Config::default()
        };
        let consumer = stream.get_or_create_consumer(&name, config);
        Ok(tokio::time::timeout(STREAM_TIMEOUT, consumer).await??)
    }

    async fn take(&self, message: &Message) {
        let Ok(recorded) = Envelope::read(&message.payload) else {
            let _ = message.ack_with(AckKind::Term).await;
            return;
        };
        let id = DocumentId::new(recorded.aggregate_id);
        let deliveries = message.info().map_or(1, |info| info.delivered).clamp(1, 10);
        let settled = tokio::select! {
            settled = self.settle(id) => settled,
            never = keep_alive(message) => match never {},
        };
        let told = match settled {
            Ok(true) => message.ack().await,
            Ok(false) => message.ack_with(AckKind::Nak(Some(HELD))).await,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), document.id = %id, "a document waits for the index");
                let exponent = u32::try_from(deliveries - 1).unwrap_or_default();
                let pause = LAST_RETRY.min(FIRST_RETRY * 2_u32.saturating_pow(exponent));
                message.ack_with(AckKind::Nak(Some(pause))).await
            }
        };
        if let Err(error) = told {
            tracing::debug!(error, "a delivery could not be disposed of");
        }
    }

    async fn settle(&self, id: DocumentId) -> anyhow::Result<bool> {
        let stock = Arc::clone(&self.stock.borrow());
        self.indexing.settle(&stock, id).await
    }

    /// Fills the index again after it was lost, whenever that was: at the start, and when its collection was made anew.
    async fn mend(&self) {
        loop {
            let stock = Arc::clone(&self.stock.borrow());
            match self.indexing.mend_all(&stock, |_| {}).await {
                Ok((0, _)) => {}
                Ok((documents, _)) => tracing::info!(documents, "what the index had lost is there again"),
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "the index could not be mended yet");
                    tokio::time::sleep(LAST_RETRY).await;
                    continue;
                }
            }
            self.made.notified().await;
        }
    }

    /// Finds documents whose delivery was lost with the stream.
    async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP).await;
            let waiting = projections::documents::waiting(self.indexing.store.pool(), FORGOTTEN, 20).await;
            for id in waiting.unwrap_or_default() {
                if let Err(error) = self.settle(id).await {
                    tracing::warn!(error = format!("{error:#}"), document.id = %id, "a document waits for the index");
                }
            }
        }
    }
}

/// Tells of progress over NATS, in order. What nobody hears is lost.
pub(crate) fn tell_progress(nats: Client, subjects: Subjects) -> Told {
    let (sender, mut steps) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some((document, owner, progress)) = steps.recv().await {
            let subject = subjects.document_progress(owner, document);
            let Ok(bytes) = serde_json::to_vec(&progress) else { continue };
            if let Err(error) = nats.publish(subject, bytes.into()).await {
                tracing::debug!(%error, "nobody was told how far a document is");
            }
        }
    });
    Arc::new(move |document, owner, progress| {
        let _ = sender.send((document, owner, progress));
    })
}

/// Says that the work on a delivery goes on.
async fn keep_alive(message: &Message) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        if let Err(error) = message.ack_with(AckKind::Progress).await {
            tracing::debug!(error, "a delivery was not told that the work goes on");
        }
    }
}
