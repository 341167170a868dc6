//! The indexer: brings added, changed and removed documents to the state that their events record, and
//! reports progress.
//!
//! Documents are taken in turn by owner, small files first (`queue`), so that one owner's many, large or
//! stalled documents hold up no other owner's.

mod letters;
mod progress;
mod queue;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use aggregates::document::{DocumentEvent, DocumentStatus};
use aggregates::operation::DeadLetterKind;
use aggregates::{DocumentId, Event, UserId};
use async_nats::Client;
use async_nats::jetstream::Message;
use futures::FutureExt as _;
use measures::catalogue::{DOCUMENTS_IN_FLIGHT, INDEXING_DURATION};
use nats::{Envelope, Subjects};
use rag::error_chain::ErrorChain;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::knowledge::indexing::Indexing;
use crate::knowledge::models::ActiveModel;
use crate::roles::undelivered::{deliveries_of, undelivered};
use crate::runtime::backoff::Backoff;
use crate::runtime::consumer::{
    AckDecision, Consumer, ConsumerError, ConsumerSettings, acknowledge, keep_alive,
};
use crate::runtime::key_hints::KeyHints;
use crate::runtime::stages::Progress;
use crate::runtime::subscription::Subscription;
use letters::Panicked;
pub(crate) use progress::publish_progress;
use queue::{FairQueue, Turn};

/// A delivery that is not extended for this long is delivered again, and how often the indexer extends it.
const ACK_WAIT: Duration = Duration::from_secs(15);
const EXTEND_EVERY: Duration = Duration::from_secs(5);
/// Delays of a document that could not be indexed.
const RETRY_DOCUMENT: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));
/// Delays of a document that found no place in the queue.
const RETRY_QUEUE: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
/// Delay of a document that another process is indexing.
const HELD_ELSEWHERE: Duration = Duration::from_secs(5);
/// Delays after a failure of NATS or the index.
const RETRY: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));
/// Delays between repairs while some documents are left. Each repair reads all documents.
const RETRY_REPAIR: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(5));
/// A connection that lasted longer than this was a success.
const STABLE: Duration = Duration::from_secs(5);
/// Time that a pull waits at the server, and the deliveries that it takes.
const PULL_WAIT: Duration = Duration::from_secs(5);
const PULL_LIMIT: usize = 32;
/// Interval between looks for documents without a delivery, and the age from which on a document counts.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);
const SWEEP_AGE: Duration = Duration::from_mins(2);
/// Time to the next look after a document that one had found could not be indexed.
const SWEEP_AGAIN: Duration = Duration::from_secs(5);
/// Documents that one sweep takes.
const SWEEP_LIMIT: u32 = 20;
/// The size that a document without a delivery counts as having: as the largest file.
const SWEPT_BYTES: u64 = u64::MAX;
/// Attempts at a document whose data is at fault, or that panics, before it becomes a dead letter.
const ATTEMPTS: u32 = 4;

/// Indexes documents.
pub(crate) struct Documents {
    pub(crate) indexing: Indexing,
    /// The embedding model and collection that documents are written to.
    pub(crate) active: watch::Receiver<Arc<ActiveModel>>,
    /// Notified when the collection was created again.
    pub(crate) recreated: Arc<Notify>,
    pub(crate) nats: Client,
    pub(crate) subjects: Subjects,
    pub(crate) key_hints: KeyHints,
    /// Documents that are indexed at the same time.
    pub(crate) concurrency: usize,
}

/// A document to index.
struct Job {
    id: DocumentId,
    owner: UserId,
    /// The delivery to acknowledge, which is extended meanwhile; `None` for a document without one.
    delivery: Option<(Message, AbortOnDropHandle<()>)>,
}

/// The indexer and the documents that wait for it.
struct Indexer {
    documents: Documents,
    queue: Arc<FairQueue<Job>>,
    /// Notified when a document without a delivery could not be indexed yet.
    again: Notify,
}

impl Documents {
    /// Indexes documents until cancelled. What is unfinished then is delivered again.
    pub(crate) async fn run(self, cancel: CancellationToken) {
        let indexer = Arc::new(Indexer { documents: self, queue: Arc::default(), again: Notify::new() });
        tokio::select! {
            () = indexer.follow() => {}
            () = indexer.work() => {}
            () = indexer.sweep() => {}
            () = indexer.documents.repair() => {}
            () = cancel.cancelled() => {}
        }
    }

    async fn settle(&self, id: DocumentId) -> anyhow::Result<bool> {
        let active = Arc::clone(&self.active.borrow());
        let settled = self.indexing.settle(&active, id).await?;
        // The key of a removed document was destroyed.
        let document = self.indexing.store.documents().current(id.uuid()).await?;
        if settled && document.status() == Some(DocumentStatus::Removed) {
            self.key_hints.notify().await;
        }
        Ok(settled)
    }

    /// Restores missing passages at the start, whenever the collection was created again, and after a while if
    /// some documents could not be restored.
    async fn repair(&self) {
        let mut retry = RETRY_REPAIR;
        loop {
            let active = Arc::clone(&self.active.borrow());
            let left = match self.indexing.repair_all(&active, |_| {}).await {
                Ok((documents, left)) => {
                    if documents > 0 {
                        tracing::info!(documents, left, "missing passages were restored to the index");
                    }
                    left
                }
                Err(error) => {
                    tracing::warn!(error = %ErrorChain(&*error), "the index could not be repaired yet");
                    1
                }
            };
            if left == 0 {
                retry.reset();
                self.recreated.notified().await;
            } else {
                tokio::select! {
                    () = retry.wait() => {}
                    () = self.recreated.notified() => {}
                }
            }
        }
    }
}

impl Indexer {
    async fn follow(&self) {
        let (mut retry, progress) = (RETRY, Progress::of("indexer"));
        loop {
            let began = tokio::time::Instant::now();
            if let Err(error) = self.follow_consumer(&progress).await {
                error.report(&progress);
                tracing::warn!(error = %ErrorChain(&error), "taking documents was interrupted and is retried");
            }
            if began.elapsed() > STABLE {
                retry.reset();
            }
            retry.wait().await;
        }
    }

    async fn follow_consumer(&self, progress: &Progress) -> Result<(), ConsumerError> {
        let Documents { nats, subjects, .. } = &self.documents;
        let settings = ConsumerSettings {
            name: subjects.documents_consumer(),
            description: "documents for the workers to index",
            filter_subjects: subjects.documents_changed(),
            ack_wait: ACK_WAIT,
        };
        let consumer = Consumer::attach(nats, subjects, settings).await?;
        loop {
            progress.ok();
            progress.waiting(self.queue.has_room()).await;
            let mut messages = consumer.pull(PULL_LIMIT, PULL_WAIT).await?;
            while let Some(message) = messages.next().await {
                self.enqueue(message?).await;
            }
        }
    }

    /// Puts a delivery into the queue, or gives it back for later where its owner has many documents there.
    async fn enqueue(&self, message: Message) {
        let recorded = match Envelope::read(&message.payload) {
            Ok(recorded) => recorded,
            Err(error) => {
                let store = &self.documents.indexing.store;
                let decision = undelivered(store, DeadLetterKind::Document, &message, &error).await;
                return acknowledge(&message, decision).await;
            }
        };
        let extended = message.clone();
        let extending = tokio::spawn(async move { match keep_alive(&extended, EXTEND_EVERY).await {} });
        let delivery = Some((message, AbortOnDropHandle::new(extending)));
        let job = Job { id: DocumentId::new(recorded.aggregate_id), owner: recorded.owner, delivery };
        // A removal takes no time, so that it counts as the smallest file.
        let bytes = match recorded.event {
            Event::Document(DocumentEvent::DocumentAdded { size, .. }) => size,
            _ => 0,
        };
        if let Err(Job { delivery: Some((message, _)), .. }) = self.queue.push(recorded.owner, bytes, job) {
            let delay = RETRY_QUEUE.delay_before(deliveries_of(&message));
            acknowledge(&message, AckDecision::RetryAfter(delay)).await;
        }
    }

    /// Indexes documents as they get their turn.
    async fn work(self: &Arc<Self>) {
        let mut jobs = JoinSet::new();
        loop {
            tokio::select! {
                (job, turn) = self.queue.take(), if jobs.len() < self.documents.concurrency => {
                    let indexer = Arc::clone(self);
                    jobs.spawn(async move { indexer.run_job(job, turn).await });
                }
                Some(ended) = jobs.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "indexing a document panicked");
                    }
                }
            }
        }
    }

    async fn run_job(&self, job: Job, _turn: Turn<Job>) {
        let Job { id, owner, delivery } = job;
        let (began, _counted) = (std::time::Instant::now(), DOCUMENTS_IN_FLIGHT.hold(&[]));
        // The panic hook has logged the panic.
        let settled = AssertUnwindSafe(self.documents.settle(id)).catch_unwind().await;
        let settled = settled.unwrap_or_else(|_| Err(Panicked.into()));
        let outcome = match &settled {
            Ok(true) => "settled",
            Ok(false) => "elsewhere",
            Err(_) => "failed",
        };
        INDEXING_DURATION.record_time(&[outcome], began.elapsed());
        // A document without a delivery waits for the next sweep.
        let attempt = delivery.as_ref().map_or(ATTEMPTS, |(message, _)| deliveries_of(message));
        let decision = match settled {
            Ok(true) => AckDecision::Ack,
            Ok(false) => AckDecision::RetryAfter(HELD_ELSEWHERE),
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), document.id = %id, "a document could not be indexed yet");
                let lasts = attempt >= ATTEMPTS && letters::is_lasting(&error);
                if lasts && self.keep_letter(id, owner, &error, attempt).await {
                    AckDecision::Reject
                } else {
                    AckDecision::RetryAfter(RETRY_DOCUMENT.delay_before(attempt))
                }
            }
        };
        match (delivery, decision) {
            (Some((message, _extended)), decision) => acknowledge(&message, decision).await,
            (None, AckDecision::RetryAfter(_)) => self.again.notify_one(),
            (None, _) => {}
        }
    }

    /// Finds documents whose delivery was lost with the stream, and those that an operator wants to
    /// be tried again.
    async fn sweep(&self) {
        let Documents { nats, subjects, .. } = &self.documents;
        let mut hints = Subscription::new(nats.clone(), subjects.wake_indexers());
        loop {
            tokio::select! {
                _ = hints.next() => {}
                () = tokio::time::sleep(SWEEP_INTERVAL) => {}
                () = self.again.notified() => tokio::time::sleep(SWEEP_AGAIN).await,
            }
            self.retry_letters().await;
            let pool = self.documents.indexing.store.read_models();
            let waiting = projections::documents::awaiting_indexing(pool, SWEEP_AGE, SWEEP_LIMIT).await;
            let waiting = match waiting {
                Ok(waiting) => waiting,
                Err(error) => {
                    tracing::warn!(error = %ErrorChain(&error), "waiting documents could not be looked up");
                    continue;
                }
            };
            let given_up = self.given_up(&waiting).await;
            for (owner, id) in waiting {
                if !given_up.contains(&id.uuid()) && !self.queue.any_of(owner, |job| job.id == id) {
                    // Without a place in the queue, a later sweep finds it again.
                    let _ = self.queue.push(owner, SWEPT_BYTES, Job { id, owner, delivery: None });
                }
            }
        }
    }
}
