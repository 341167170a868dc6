//! The publisher: sends to JetStream, in order, whatever the ledger has and the stream lacks.

use std::sync::Arc;
use std::time::Duration;

use aggregates::Position;
use async_nats::Client;
use async_nats::jetstream;
use nats::{Ciphertext, Envelope, EventPublisher, Outgoing, PublishError, Subjects, ensure_streams};
use rag::error_chain::ErrorChain;
use tokio::sync::{mpsc, watch};

use crate::runtime::backoff::Backoff;

use projections::QueryError;
use store::{LedgerEntry, Store, StoreError};

/// The most events published at once.
const BATCH: u32 = 1_000;
/// Delays after a failure of NATS or the store.
const RETRY: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(5));
/// Interval at which an idle publisher compares its position with the ledger.
const IDLE_CHECK: Duration = Duration::from_secs(1);

/// Publishes sequenced events.
pub(super) struct Publisher {
    store: Store,
    nats: Client,
    subjects: Subjects,
    batches: mpsc::Receiver<Arc<Vec<LedgerEntry>>>,
    head: watch::Receiver<Position>,
    /// The last position that needs no publishing.
    published: Position,
}

/// Why the publisher attaches again.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Streams(#[from] nats::StreamError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Envelope(#[from] nats::InvalidEnvelope),
    #[error("the first unpublished event could not be determined")]
    Pending(#[source] QueryError),
}

impl Publisher {
    pub(super) fn new(
        store: Store,
        nats: Client,
        subjects: Subjects,
        batches: mpsc::Receiver<Arc<Vec<LedgerEntry>>>,
        head: watch::Receiver<Position>,
    ) -> Self {
        Self { store, nats, subjects, batches, head, published: Position(0) }
    }

    /// Publishes for ever and attaches again after each failure.
    pub(super) async fn run(mut self) {
        let mut retry = RETRY;
        loop {
            let before = self.published;
            if let Err(interrupted) = self.publish_all().await {
                // Another sequencer has taken over: it publishes, this one stays ready.
                if !matches!(interrupted, Interrupted::Publish(PublishError::Displaced)) {
                    tracing::warn!(error = %ErrorChain(&interrupted), "publishing was interrupted and is retried");
                }
            }
            if self.published > before {
                retry.reset();
            }
            retry.wait().await;
        }
    }

    async fn publish_all(&mut self) -> Result<(), Interrupted> {
        let jetstream = jetstream::new(self.nats.clone());
        let stream = ensure_streams(&jetstream, &self.subjects).await?;
        let mut publisher = EventPublisher::attach(jetstream, &stream).await?;
        self.published = match publisher.last_position() {
            Position(0) => self.before_first_needed().await?,
            last => last,
        };
        self.catch_up(&mut publisher).await?;
        loop {
            match tokio::time::timeout(IDLE_CHECK, self.batches.recv()).await {
                Ok(Some(batch)) => self.publish_batch(&mut publisher, &batch).await?,
                Ok(None) => return Ok(()),
                Err(_) if *self.head.borrow() > self.published => self.catch_up(&mut publisher).await?,
                Err(_) => {}
            }
        }
    }

    /// The position before the first event that an empty stream needs. An empty stream is new or was lost:
    /// only pending answers and events that some read model has not applied are published again. Consumers
    /// read all others from the ledger.
    async fn before_first_needed(&self) -> Result<Position, Interrupted> {
        let projected =
            projections::lowest_checkpoint(self.store.read_models()).await.map_err(Interrupted::Pending)?;
        let pending = projections::messages::oldest_pending_position(self.store.read_models())
            .await
            .map_err(Interrupted::Pending)?;
        let before_pending = pending.map_or(projected, |oldest| Position(oldest.0.saturating_sub(1)));
        Ok(projected.min(before_pending))
    }

    async fn publish_batch(
        &mut self,
        publisher: &mut EventPublisher,
        batch: &[LedgerEntry],
    ) -> Result<(), Interrupted> {
        match batch.first() {
            Some(first) if first.position > self.published.next() => self.catch_up(publisher).await,
            Some(_) => {
                let new: Vec<&LedgerEntry> =
                    batch.iter().filter(|entry| entry.position > self.published).collect();
                self.publish(publisher, &new).await
            }
            None => Ok(()),
        }
    }

    async fn catch_up(&mut self, publisher: &mut EventPublisher) -> Result<(), Interrupted> {
        loop {
            let entries = self.store.ledger_after(self.published, BATCH).await?;
            if entries.is_empty() {
                return Ok(());
            }
            self.publish(publisher, &entries.iter().collect::<Vec<_>>()).await?;
        }
    }

    async fn publish(
        &mut self,
        publisher: &mut EventPublisher,
        entries: &[&LedgerEntry],
    ) -> Result<(), Interrupted> {
        let mut envelopes = Vec::with_capacity(entries.len());
        for entry in entries {
            envelopes.push(envelope(entry, &self.subjects)?);
        }
        publisher.publish(&envelopes).await?;
        if let Some(last) = entries.last() {
            self.published = last.position;
        }
        Ok(())
    }
}

fn envelope(entry: &LedgerEntry, subjects: &Subjects) -> Result<Envelope, nats::InvalidEnvelope> {
    let event = &entry.event;
    let outgoing = Outgoing {
        position: entry.position,
        aggregate: &event.aggregate_type,
        aggregate_id: event.aggregate_id,
        sequence: event.sequence,
        event_type: &event.event_type,
        event_version: &event.event_version,
        event_id: event.event_id,
        owner: event.owner,
        recorded_at: event.recorded_at,
        payload: &event.payload,
        private: event.private.as_deref().map(Ciphertext),
    };
    Envelope::write(&outgoing, subjects, event.traceparent())
}
