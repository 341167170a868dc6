//! Follows the stream of events for requests for answers, by a durable consumer that all workers share.
//!
//! Deliveries are not counted here: how often an answer is tried is counted by its lease, which outlives the stream. So a
//! message is delivered until it is acknowledged, and it is acknowledged when its answer has ended.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aggregates::conversation::ConversationEvent;
use aggregates::{ConversationId, Event};
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::{AckKind, Message};
use futures::StreamExt as _;
use nats::{Envelope, STREAM_TIMEOUT, ensure_streams};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::processor::{Desk, Disposal, LEASE, Request};
use store::StoreError;

/// How long a pull waits at the server for the next request.
const PULL: Duration = Duration::from_secs(20);
/// How often the connection is looked at while a pull waits: what a server that went away was asked is forgotten.
const LOOK: Duration = Duration::from_millis(200);
/// How long NATS or the store is left alone after a failure, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(5);
/// Waiting messages that may be history rather than work, and how many of them are looked through at once.
const BACKLOG: u64 = 64;
const LOOKED_THROUGH: usize = 500;
/// How long a backlog that turned out to be work is not looked through again.
const BACKLOG_OF_WORK: Duration = Duration::from_secs(10);
/// When a request that found no free slot is delivered again.
const CROWDED: Duration = Duration::from_secs(1);

/// The consumer's side of a worker.
#[derive(Clone)]
pub(crate) struct Deliveries {
    pub(crate) desk: Arc<Desk>,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) tasks: TaskTracker,
    /// Told when something may have been lost, and when there is work, so that the sweep looks.
    pub(crate) suspicion: Arc<Notify>,
}

/// Why following begins anew.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error(transparent)]
    Streams(#[from] nats::StreamFailed),
    #[error("use the worker's consumer: {0}")]
    Consumer(String),
    #[error("keep the connection to NATS")]
    Reconnected,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("go on: the worker is ending")]
    Ending,
}

fn consumer_failed(error: impl std::fmt::Display) -> Interrupted {
    Interrupted::Consumer(error.to_string())
}

impl Deliveries {
    /// Follows for ever; what is away is waited for.
    pub(crate) async fn follow(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            if let Err(interrupted) = self.follow_connection().await {
                tracing::warn!(error = %interrupted, "taking questions is interrupted");
            }
            self.suspicion.notify_one();
            if began.elapsed() > LAST_PAUSE {
                pause = FIRST_PAUSE;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// Follows for as long as the connection and the consumer last.
    async fn follow_connection(&self) -> Result<(), Interrupted> {
        let connects = self.connects();
        let consumer = self.attach().await?;
        let mut waiting = consumer.cached_info().num_pending;
        let mut work_until = Instant::now();
        loop {
            let slot = self.slots.acquire().await.map_err(|_| Interrupted::Ending)?;
            drop(slot);
            if waiting > BACKLOG && Instant::now() >= work_until {
                let found = self.look_through(&consumer).await?;
                waiting = found.waiting;
                if !found.any_ended {
                    work_until = Instant::now() + BACKLOG_OF_WORK;
                }
            } else {
                let pull = self.pull(&consumer);
                tokio::select! {
                    pulled = pull => waiting = pulled?.unwrap_or(waiting),
                    () = self.reconnected(connects) => return Err(Interrupted::Reconnected),
                }
            }
        }
    }

    async fn attach(&self) -> Result<PullConsumer, Interrupted> {
        let stream = ensure_streams(&self.desk.jetstream, &self.desk.subjects).await?;
        let name = self.desk.subjects.worker_consumer();
        let config = pull::Config {
            durable_name: Some(name.clone()),
            description: Some("questions for the workers".to_owned()),
            filter_subject: self.desk.subjects.answers_requested(),
            ack_policy: AckPolicy::Explicit,
            ack_wait: LEASE,
            max_ack_pending: 10_000,
            ..pull::Config::default()
        };
        let consumer = stream.get_or_create_consumer(&name, config);
        tokio::time::timeout(STREAM_TIMEOUT, consumer)
            .await
            .map_err(consumer_failed)?
            .map_err(consumer_failed)
    }

    /// Takes as many requests as there are free slots, each as it comes. Returns how many more wait, when it is known.
    async fn pull(&self, consumer: &PullConsumer) -> Result<Option<u64>, Interrupted> {
        let free = self.slots.available_permits().max(1);
        let mut messages =
            consumer.batch().max_messages(free).expires(PULL).messages().await.map_err(consumer_failed)?;
        let mut waiting = None;
        while let Some(message) = messages.next().await {
            let message = message.map_err(consumer_failed)?;
            waiting = message.info().ok().map(|info| info.pending);
            let slots = Arc::clone(&self.slots);
            let slot = slots.acquire_owned().await.map_err(|_| Interrupted::Ending)?;
            match request_of(&message) {
                Some(request) => self.take_up(request, message, slot),
                None => refuse(&message).await,
            }
        }
        Ok(waiting)
    }

    /// Looks through many messages with one question to the store: a consumer that was made anew is brought all of history.
    async fn look_through(&self, consumer: &PullConsumer) -> Result<Backlog, Interrupted> {
        let mut messages = consumer
            .fetch()
            .max_messages(LOOKED_THROUGH)
            .expires(STREAM_TIMEOUT)
            .messages()
            .await
            .map_err(consumer_failed)?;
        let (mut requests, mut waiting) = (Vec::new(), 0);
        while let Some(message) = messages.next().await {
            let message = message.map_err(consumer_failed)?;
            waiting = message.info().map_or(0, |info| info.pending);
            match request_of(&message) {
                Some(request) => requests.push((request, message)),
                None => refuse(&message).await,
            }
        }
        let answers: Vec<_> =
            requests.iter().map(|(request, _)| (request.conversation_id, request.answer_id)).collect();
        let ended = self.desk.store.ended_answers(&answers).await?;
        let mut seen = HashSet::new();
        let mut any_ended = false;
        for (request, message) in requests {
            if ended.contains(&request.answer_id) {
                any_ended = true;
                dispose(&message, Disposal::Done).await;
            } else if !seen.insert(request.answer_id) {
                // The same message twice: what is done about one of them counts for both.
                dispose(&message, Disposal::Leave).await;
            } else if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
                self.take_up(request, message, slot);
            } else {
                dispose(&message, Disposal::Later(CROWDED)).await;
            }
        }
        Ok(Backlog { waiting, any_ended })
    }

    fn take_up(&self, request: Request, message: Message, slot: OwnedSemaphorePermit) {
        self.suspicion.notify_one();
        let desk = Arc::clone(&self.desk);
        self.tasks.spawn(async move {
            let disposal = desk.take_up(request, Some(&message)).await;
            dispose(&message, disposal).await;
            drop(slot);
        });
    }

    fn connects(&self) -> u64 {
        self.desk.nats.statistics().connects.load(Ordering::Relaxed)
    }

    /// Waits until the connection is another one.
    async fn reconnected(&self, connects: u64) {
        while self.connects() == connects {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// What looking through waiting messages showed.
struct Backlog {
    waiting: u64,
    any_ended: bool,
}

/// The request in a message; `None` if it is something else.
fn request_of(message: &Message) -> Option<Request> {
    let recorded = Envelope::read(&message.payload)
        .inspect_err(|error| tracing::error!(%error, "an event that was delivered cannot be read"))
        .ok()?;
    match recorded.event {
        Event::Conversation(ConversationEvent::AnswerRequested { answer_id, .. }) => {
            Some(Request { conversation_id: ConversationId::new(recorded.aggregate_id), answer_id })
        }
        _ => None,
    }
}

/// Tells the server what became of a delivery. If that is lost, it is delivered again, which changes nothing.
async fn dispose(message: &Message, disposal: Disposal) {
    let told = match disposal {
        Disposal::Done => message.ack().await,
        Disposal::Later(pause) => message.ack_with(AckKind::Nak(Some(pause))).await,
        Disposal::Leave => Ok(()),
    };
    if let Err(error) = told {
        tracing::debug!(%error, "a delivery could not be disposed of");
    }
}

/// A message nobody can work on. The ledger has the event; the sweep finds its answer if it asks for one.
async fn refuse(message: &Message) {
    if let Err(error) = message.ack_with(AckKind::Term).await {
        tracing::debug!(%error, "a delivery could not be refused");
    }
}
