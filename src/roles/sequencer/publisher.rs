//! The publisher: sends to JetStream, in order, the events of the ledger that the stream lacks.
//!
//! A stream whose last message is not an event of the ledger is of another history, as after a restore of an
//! older backup. It is created and filled again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use aggregates::Position;
use async_nats::Client;
use async_nats::jetstream;
use nats::{
    Ciphertext, Envelope, EventPublisher, LastMessage, Outgoing, PublishError, Subjects, ensure_streams,
    recreate_stream,
};
use rag::error_chain::ErrorChain;
use tokio::sync::mpsc;

use crate::runtime::backoff::Backoff;
use crate::runtime::stages::Progress;
use crate::runtime::traced_batch::record_batch;
use crate::telemetry::traces::Kind;
use measures::catalogue::BATCH_EVENTS;

use projections::QueryError;
use store::{LedgerEntry, LedgerHash, Store, StoreError};

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
    /// Whether new events reach JetStream.
    is_publishing: Arc<AtomicBool>,
    /// The last position that needs no publishing.
    published: Position,
    /// Its hash; `None` before the ledger was read from there.
    hash: Option<LedgerHash>,
    /// A foreign message came between those of a batch: the stream has to be created again.
    interleaved: bool,
    progress: Progress,
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

impl Interrupted {
    /// Why JetStream refuses the streams, if waiting does not mend that.
    fn refusal(&self) -> Option<String> {
        match self {
            Self::Streams(error) => error.problem(),
            _ => None,
        }
    }
}

impl Publisher {
    pub(super) fn new(
        store: Store,
        nats: Client,
        subjects: Subjects,
        batches: mpsc::Receiver<Arc<Vec<LedgerEntry>>>,
        is_publishing: Arc<AtomicBool>,
    ) -> Self {
        Self {
            store,
            nats,
            subjects,
            batches,
            is_publishing,
            published: Position(0),
            hash: None,
            interleaved: false,
            progress: Progress::of("publisher"),
        }
    }

    /// Publishes for ever and attaches again after each failure.
    pub(super) async fn run(mut self) {
        let mut retry = RETRY;
        loop {
            let before = self.published;
            if let Err(interrupted) = self.publish_all().await {
                self.interleaved |= matches!(interrupted, Interrupted::Publish(PublishError::Interleaved));
                // Another sequencer has taken over: it publishes, this one stays ready.
                if matches!(interrupted, Interrupted::Publish(PublishError::Displaced)) {
                    self.progress.ok();
                } else {
                    tracing::warn!(error = %ErrorChain(&interrupted), "publishing was interrupted and is retried");
                    self.is_publishing.store(false, Ordering::Relaxed);
                    match interrupted.refusal() {
                        Some(reason) => self.progress.refused(reason),
                        None => self.progress.failing(ErrorChain(&interrupted)),
                    }
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
        let mut stream = ensure_streams(&jetstream, &self.subjects).await?;
        let mut publisher = EventPublisher::attach(jetstream.clone(), &stream).await?;
        if std::mem::take(&mut self.interleaved) || !self.is_of_ledger(publisher.last_message()).await? {
            tracing::warn!("the stream has messages that are no events of the ledger, and is created again");
            recreate_stream(&jetstream, &stream).await?;
            stream = ensure_streams(&jetstream, &self.subjects).await?;
            publisher = EventPublisher::attach(jetstream, &stream).await?;
        }
        (self.published, self.hash) = match publisher.last_message() {
            LastMessage::Event(position, hash) => (position, hash),
            LastMessage::None | LastMessage::Foreign => (self.before_first_needed().await?, None),
        };
        self.catch_up(&mut publisher).await?;
        self.is_publishing.store(true, Ordering::Relaxed);
        loop {
            self.progress.ok();
            match tokio::time::timeout(IDLE_CHECK, self.batches.recv()).await {
                Ok(Some(batch)) => self.publish_batch(&mut publisher, &batch).await?,
                Ok(None) => return Ok(()),
                Err(_) => publisher = self.look_around(publisher, &stream).await?,
            }
        }
    }

    /// Compares the stream with the ledger, which another sequencer may have written to. A stream that stands
    /// still behind the ledger has lost its publisher, and this one goes on.
    async fn look_around(
        &mut self,
        publisher: EventPublisher,
        stream: &jetstream::stream::Stream,
    ) -> Result<EventPublisher, Interrupted> {
        let (head, _) = self.store.ledger_head().await?;
        if head <= self.published {
            return Ok(publisher);
        }
        let mut publisher = EventPublisher::attach(jetstream::new(self.nats.clone()), stream).await?;
        let LastMessage::Event(position, hash) = publisher.last_message() else {
            return Err(PublishError::Displaced.into());
        };
        if position == self.published {
            self.catch_up(&mut publisher).await?;
        } else {
            (self.published, self.hash) = (position, hash);
        }
        Ok(publisher)
    }

    /// Whether the last message of the stream is an event of the ledger, which makes all before
    /// it such events.
    async fn is_of_ledger(&self, last: LastMessage) -> Result<bool, StoreError> {
        match last {
            LastMessage::None => Ok(true),
            LastMessage::Event(position, hash) => {
                let ours = self.store.ledger_hash(position).await?;
                Ok(ours.is_some_and(|ours| hash.is_none_or(|hash| hash == ours)))
            }
            LastMessage::Foreign => Ok(false),
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

    /// Publishes a batch that follows. For any other the ledger is read, which tells whether it still has
    /// what was published.
    async fn publish_batch(
        &mut self,
        publisher: &mut EventPublisher,
        batch: &[LedgerEntry],
    ) -> Result<(), Interrupted> {
        match batch.first() {
            Some(first)
                if first.position == self.published.next()
                    && self.hash.is_some_and(|hash| first.event.chain(&hash) == first.hash) =>
            {
                self.publish(publisher, batch).await
            }
            Some(_) => self.catch_up(publisher).await,
            None => Ok(()),
        }
    }

    async fn catch_up(&mut self, publisher: &mut EventPublisher) -> Result<(), Interrupted> {
        loop {
            let (hash, entries) = self.store.ledger_from(self.published, self.hash, BATCH).await?;
            self.hash = Some(hash);
            if entries.is_empty() {
                return Ok(());
            }
            self.publish(publisher, &entries).await?;
        }
    }

    async fn publish(
        &mut self,
        publisher: &mut EventPublisher,
        entries: &[LedgerEntry],
    ) -> Result<(), Interrupted> {
        let began = SystemTime::now();
        let mut envelopes = Vec::with_capacity(entries.len());
        for entry in entries {
            envelopes.push(envelope(entry, &self.subjects, publisher.max_message_bytes())?);
        }
        publisher.publish(&envelopes).await?;
        BATCH_EVENTS.record_count(&["publisher"], envelopes.len());
        record_batch("publish", Kind::Producer, began, entries);
        if let Some(last) = entries.last() {
            (self.published, self.hash) = (last.position, Some(last.hash));
        }
        Ok(())
    }
}

fn envelope(
    entry: &LedgerEntry,
    subjects: &Subjects,
    max_bytes: usize,
) -> Result<Envelope, nats::InvalidEnvelope> {
    let event = &entry.event;
    let outgoing = Outgoing {
        position: entry.position,
        hash: entry.hash,
        aggregate: &event.aggregate_type,
        aggregate_id: event.aggregate_id,
        sequence: event.sequence,
        event_type: &event.event_type,
        event_version: &event.event_version,
        event_id: event.event_id,
        owner: event.owner,
        recorded_at: event.recorded_at,
        payload: Some(&event.payload),
        metadata: Some(&event.metadata),
        private: event.private.as_deref().map(Ciphertext),
    };
    Envelope::write(&outgoing, subjects, event.traceparent(), max_bytes)
}
