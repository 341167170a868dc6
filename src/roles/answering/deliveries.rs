//! Brings requests for answers from the durable consumer that all workers share into the queue.
//!
//! A message is acknowledged when its answer is in the queue, which lasts longer than the stream. So requests
//! do not wait for each other here: messages come in the order of the ledger, and a worker that worked on one
//! message at a time would let all wait for one owner's.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aggregates::conversation::ConversationEvent;
use aggregates::operation::DeadLetterKind;
use aggregates::{AnswerRef, ConversationId, Event};
use async_nats::jetstream::Message;
use futures::FutureExt as _;
use nats::{Envelope, InvalidEnvelope};
use projections::QueryError;
use rag::error_chain::ErrorChain;
use store::{AnswerRequest, StoreError};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::processor::AnswerProcessor;
use super::trace::received;
use super::work::Work;
use crate::roles::undelivered::undelivered;
use crate::runtime::backoff::Backoff;
use crate::runtime::consumer::{AckDecision, Batch, Consumer, ConsumerError, ConsumerSettings, acknowledge};
use crate::runtime::stages::Progress;

/// Time after which a request is delivered again: the worker that has it stands still.
const ACK_WAIT: Duration = Duration::from_secs(3);
/// Time that a pull waits at the server for the next request. The pull of a worker that stands still takes a
/// request, and possibly once more, until this time is over; so both times together bound the delay.
const PULL_WAIT: Duration = Duration::from_secs(4);
/// Delays after a failure of NATS or the store.
const RETRY: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));
/// A connection that lasted longer than this was a success.
const STABLE: Duration = Duration::from_secs(5);
/// Messages of one pull.
const PULL: usize = 500;
/// Messages that are queued together, if so many have arrived.
const GROUP: usize = 250;
/// Waiting messages from which on the consumer may be delivering history: answers that have ended
/// are left out.
const BACKLOG: usize = 64;

/// The consumer's side of a worker.
pub(super) struct Deliveries {
    pub(super) processor: Arc<AnswerProcessor>,
    pub(super) work: Arc<Work>,
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
    #[error("answers could not be looked up")]
    Query(#[from] QueryError),
}

impl Interrupted {
    fn report(&self, progress: &Progress) {
        match self {
            Self::Consumer(error) => error.report(progress),
            other => progress.failing(ErrorChain(other)),
        }
    }
}

impl Deliveries {
    /// Takes requests for ever; waits while NATS or the store is away.
    pub(super) async fn follow(&self) {
        let (mut retry, progress) = (RETRY, Progress::of("deliveries"));
        loop {
            let began = Instant::now();
            let Err(interrupted) = self.follow_connection(&progress).await;
            interrupted.report(&progress);
            tracing::warn!(error = %ErrorChain(&interrupted), "taking questions was interrupted and is retried");
            self.suspicion.notify_one();
            if began.elapsed() > STABLE {
                retry.reset();
            }
            retry.wait().await;
        }
    }

    /// Takes requests for as long as the connection and the consumer last.
    async fn follow_connection(&self, progress: &Progress) -> Result<std::convert::Infallible, Interrupted> {
        let processor = &self.processor;
        let settings = ConsumerSettings {
            name: processor.subjects.worker_consumer(),
            description: "questions for the workers",
            filter_subjects: vec![processor.subjects.answers_requested()],
            ack_wait: ACK_WAIT,
        };
        let consumer = Consumer::attach(&processor.nats, &processor.subjects, settings).await?;
        loop {
            progress.ok();
            let mut batch = consumer.pull(PULL, PULL_WAIT).await?;
            while let Some(group) = next_group(&mut batch).await? {
                self.queue(group).await?;
            }
        }
    }

    /// Queues the requests of some messages, then acknowledges them.
    async fn queue(&self, messages: Vec<Message>) -> Result<(), Interrupted> {
        let waiting = messages.last().and_then(|message| message.info().ok()).map_or(0, |info| info.pending);
        let began = SystemTime::now();
        let is_backlog = messages.len() > BACKLOG || waiting > BACKLOG as u64;
        let (mut requests, mut acknowledged) = (Vec::with_capacity(messages.len()), Vec::new());
        for message in messages {
            match request_of(&message) {
                Ok(Some(request)) => {
                    requests.push(request);
                    acknowledged.push(message);
                }
                // The ledger has the event: where it requests an answer, the sweep finds it.
                Ok(None) | Err(InvalidEnvelope::OnlyAnnounced) => {
                    acknowledge(&message, AckDecision::Reject).await;
                }
                Err(error) => {
                    let kind = DeadLetterKind::Delivery;
                    let decision = undelivered(&self.processor.store, kind, &message, &error).await;
                    acknowledge(&message, decision).await;
                }
            }
        }
        if is_backlog {
            self.retain_pending(&mut requests).await?;
        }
        if !requests.is_empty() {
            self.processor.store.queue_answers(&requests).await?;
            for message in &acknowledged {
                let headers = message.headers.as_ref();
                let traceparent = headers.and_then(|headers| headers.get("traceparent"));
                received(traceparent.map(async_nats::HeaderValue::as_str), began);
            }
            self.suspicion.notify_one();
            self.work.notify_all().await;
        }
        for message in acknowledged {
            acknowledge(&message, AckDecision::Ack).await;
        }
        Ok(())
    }

    /// Removes the requests whose answers have ended: a new consumer delivers all of history.
    async fn retain_pending(&self, requests: &mut Vec<AnswerRequest>) -> Result<(), QueryError> {
        let answers: Vec<_> = requests
            .iter()
            .map(|request| (request.answer.conversation_id, request.answer.answer_id))
            .collect();
        let ended =
            projections::messages::ended_answers(self.processor.store.read_models(), &answers).await?;
        requests
            .retain(|request| !ended.contains(&(request.answer.conversation_id, request.answer.answer_id)));
        Ok(())
    }
}

/// Waits for a message, and takes those that have arrived with it; `None` at the end of the pull.
async fn next_group(batch: &mut Batch<'_>) -> Result<Option<Vec<Message>>, ConsumerError> {
    let Some(first) = batch.next().await else { return Ok(None) };
    let mut group = vec![first?];
    while group.len() < GROUP
        && let Some(Some(message)) = batch.next().now_or_never()
    {
        group.push(message?);
    }
    Ok(Some(group))
}

/// The request in a message; `None` if the message is something else.
fn request_of(message: &Message) -> Result<Option<AnswerRequest>, InvalidEnvelope> {
    let recorded = Envelope::read(&message.payload)?;
    Ok(match recorded.event {
        Event::Conversation(ConversationEvent::AnswerRequested { answer_id, .. }) => {
            let conversation_id = ConversationId::new(recorded.aggregate_id);
            let answer = AnswerRef { owner: recorded.owner, conversation_id, answer_id };
            Some(AnswerRequest { answer, sequence: recorded.sequence })
        }
        _ => None,
    })
}
