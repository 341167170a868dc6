//! Takes requests for answers from the durable consumer that all workers share.
//!
//! A message is acknowledged when its answer has ended. The answer's lease counts the attempts, because the
//! lease outlives the stream.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use aggregates::conversation::ConversationEvent;
use aggregates::{ConversationId, Event};
use async_nats::jetstream::Message;
use nats::Envelope;
use rag::error_chain::ErrorChain;
use store::StoreError;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::processor::{AnswerProcessor, LEASE, Request};
use crate::runtime::backoff::Backoff;
use crate::runtime::consumer::{AckDecision, Consumer, ConsumerError, ConsumerSettings, acknowledge};

/// Time that a pull waits at the server for the next request.
const PULL_WAIT: Duration = Duration::from_secs(20);
/// Delays after a failure of NATS or the store.
const RETRY: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));
/// A connection that lasted longer than this was a success.
const STABLE: Duration = Duration::from_secs(5);
/// Waiting messages from which on the consumer may be delivering history, and how many of them are checked at
/// once.
const BACKLOG: u64 = 64;
const BACKLOG_BATCH: usize = 500;
/// Time for which a backlog that turned out to be work is not checked again.
const BACKLOG_IS_WORK: Duration = Duration::from_secs(10);
/// Delay of a request that found no free slot.
const NO_FREE_SLOT: Duration = Duration::from_secs(1);

/// The consumer's side of a worker.
#[derive(Clone)]
pub(super) struct Deliveries {
    pub(super) processor: Arc<AnswerProcessor>,
    pub(super) slots: Arc<Semaphore>,
    pub(super) tasks: TaskTracker,
    /// Notified when deliveries may have been lost, and when there is work, so that the sweep looks.
    pub(super) suspicion: Arc<Notify>,
}

/// Why the consumer is attached again.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error(transparent)]
    Consumer(#[from] ConsumerError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the worker is ending")]
    Ending,
}

impl Deliveries {
    /// Takes requests for ever; waits while NATS or the store is away.
    pub(super) async fn follow(&self) {
        let mut retry = RETRY;
        loop {
            let began = Instant::now();
            if let Err(interrupted) = self.follow_connection().await {
                tracing::warn!(error = %ErrorChain(&interrupted), "taking questions was interrupted and is retried");
            }
            self.suspicion.notify_one();
            if began.elapsed() > STABLE {
                retry.reset();
            }
            retry.wait().await;
        }
    }

    /// Takes requests for as long as the connection and the consumer last.
    async fn follow_connection(&self) -> Result<(), Interrupted> {
        let processor = &self.processor;
        let settings = ConsumerSettings {
            name: processor.subjects.worker_consumer(),
            description: "questions for the workers",
            filter_subjects: vec![processor.subjects.answers_requested()],
            ack_wait: LEASE,
        };
        let consumer = Consumer::attach(&processor.nats, &processor.subjects, settings).await?;
        let mut waiting = consumer.pending_at_attach();
        let mut work_until = Instant::now();
        loop {
            let slot = self.slots.acquire().await.map_err(|_| Interrupted::Ending)?;
            drop(slot);
            if waiting > BACKLOG && Instant::now() >= work_until {
                let backlog = self.check_backlog(&consumer).await?;
                waiting = backlog.waiting;
                if !backlog.any_ended {
                    work_until = Instant::now() + BACKLOG_IS_WORK;
                }
            } else {
                waiting = self.pull(&consumer).await?.unwrap_or(waiting);
            }
        }
    }

    /// Takes as many requests as there are free slots. Returns how many more wait, where the server said so.
    async fn pull(&self, consumer: &Consumer) -> Result<Option<u64>, Interrupted> {
        let free = self.slots.available_permits().max(1);
        let mut messages = consumer.pull(free, PULL_WAIT).await?;
        let mut waiting = None;
        while let Some(message) = messages.next().await {
            let message = message?;
            waiting = message.info().ok().map(|info| info.pending);
            let slots = Arc::clone(&self.slots);
            let slot = slots.acquire_owned().await.map_err(|_| Interrupted::Ending)?;
            match request_of(&message) {
                Some(request) => self.process(request, message, slot),
                // The ledger has the event: where it requests an answer, the sweep finds it.
                None => acknowledge(&message, AckDecision::Reject).await,
            }
        }
        Ok(waiting)
    }

    /// Checks many messages by one query to the store: a new consumer delivers all of history.
    async fn check_backlog(&self, consumer: &Consumer) -> Result<Backlog, Interrupted> {
        let mut messages = consumer.fetch(BACKLOG_BATCH).await?;
        let (mut requests, mut waiting) = (Vec::new(), 0);
        while let Some(message) = messages.next().await {
            let message = message?;
            waiting = message.info().map_or(0, |info| info.pending);
            match request_of(&message) {
                Some(request) => requests.push((request, message)),
                None => acknowledge(&message, AckDecision::Reject).await,
            }
        }
        let answers: Vec<_> =
            requests.iter().map(|(request, _)| (request.conversation_id, request.answer_id)).collect();
        let ended = self.processor.store.ended_answers(&answers).await?;
        let mut seen = HashSet::new();
        let mut any_ended = false;
        for (request, message) in requests {
            if ended.contains(&request.answer_id) {
                any_ended = true;
                acknowledge(&message, AckDecision::Ack).await;
            } else if !seen.insert(request.answer_id) {
                // A second delivery of the same message: the decision on the first counts for both.
                acknowledge(&message, AckDecision::Leave).await;
            } else if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
                self.process(request, message, slot);
            } else {
                acknowledge(&message, AckDecision::RetryAfter(NO_FREE_SLOT)).await;
            }
        }
        Ok(Backlog { waiting, any_ended })
    }

    fn process(&self, request: Request, message: Message, slot: OwnedSemaphorePermit) {
        self.suspicion.notify_one();
        let processor = Arc::clone(&self.processor);
        self.tasks.spawn(async move {
            let decision = processor.process(request, Some(&message)).await;
            acknowledge(&message, decision).await;
            drop(slot);
        });
    }
}

/// The outcome of a check of waiting messages.
struct Backlog {
    waiting: u64,
    any_ended: bool,
}

/// The request in a message; `None` if the message is something else.
fn request_of(message: &Message) -> Option<Request> {
    let recorded = Envelope::read(&message.payload)
        .inspect_err(
            |error| tracing::error!(error = %ErrorChain(error), "a delivered event could not be decoded"),
        )
        .ok()?;
    match recorded.event {
        Event::Conversation(ConversationEvent::AnswerRequested { answer_id, .. }) => {
            Some(Request { conversation_id: ConversationId::new(recorded.aggregate_id), answer_id })
        }
        _ => None,
    }
}
