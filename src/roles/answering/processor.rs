//! Takes one request for an answer from its claim to its end, once. Where the request came from is not its business.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aggregates::conversation::FailureReason;
use aggregates::{AggregateType, AnswerId, ConversationId};
use async_nats::Client;
use async_nats::jetstream::{AckKind, Context, Message};
use futures::FutureExt as _;
use nats::Subjects;
use rag::answer::Answerer;
use rag::generate::ChatModel;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::failure::{ATTEMPTS, AttemptFailed, Next};
use super::history::{AnswerState, PendingQuestion, answer_state};
use super::in_flight::{Handle, InFlight};
use super::record::Ending;
use crate::knowledge::indexing::versions_of;
use crate::knowledge::models::{Library, Stock};
use crate::runtime::consumer::AckDecision;
use crate::runtime::wake::SequencerWake;
use store::{AnswerLease, Claim, Requested, Store, StoreError};

/// How long an answer belongs to a worker that says nothing.
pub(super) const LEASE: Duration = Duration::from_secs(10);
/// How often a worker says that it is still at it.
pub(super) const SIGN_OF_LIFE: Duration = Duration::from_secs(3);
/// How long one attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(2);
/// How long a request is left alone while the store is away, or while somebody else holds it.
const STORE_PAUSE: Duration = Duration::from_secs(2);
const HELD_MARGIN: Duration = Duration::from_millis(250);

/// An answer somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Request {
    pub(super) conversation_id: ConversationId,
    pub(super) answer_id: AnswerId,
}

/// The message that brought a request, where one did: it is told that the work goes on.
pub(super) type Delivery<'a> = Option<&'a Message>;

/// All that answering needs.
pub(super) struct AnswerProcessor {
    pub(super) store: Store,
    pub(super) nats: Client,
    pub(super) jetstream: Context,
    pub(super) subjects: Subjects,
    pub(super) wake: SequencerWake,
    /// What answers come from now.
    pub(super) stock: watch::Receiver<Arc<Stock>>,
    pub(super) library: Library,
    pub(super) model: Option<ChatModel>,
    pub(super) in_flight: InFlight,
    /// This process, as the holder of leases.
    pub(super) holder: Uuid,
    /// The process ends: answers that are not done go back at once.
    pub(super) closing: CancellationToken,
}

/// A claimed answer that is wanted.
pub(super) struct Job {
    pub(super) request: Request,
    pub(super) lease: AnswerLease,
    pub(super) requested: Requested,
    pub(super) asked: PendingQuestion,
}

/// How the work on a job ended.
enum AttemptOutcome {
    /// An attempt led to this.
    Attempted(Result<Ending, AttemptFailed>),
    /// The person stopped it.
    Stopped,
    /// Somebody else has it now.
    Lost,
    /// The process ends.
    Closing,
}

impl AnswerProcessor {
    /// What answers with the models and passages of now.
    pub(super) fn answerer(&self) -> Answerer {
        let stock = self.stock.borrow();
        Answerer::new(stock.embedder.clone(), stock.index.clone(), self.model.clone())
            .with_versions(versions_of(self.store.clone()))
    }

    /// Works on a request, if it is still wanted and nobody else is at it.
    pub(super) async fn process(&self, request: Request, delivery: Delivery<'_>) -> AckDecision {
        // In hand before the events are read: a stop is either among them or reaches the handle.
        let Some(handle) = self.in_flight.take(request.answer_id) else {
            return AckDecision::RetryAfter(LEASE);
        };
        match self.begin(request).await {
            Ok(ClaimOutcome::Claimed(job)) => self.work(&job, &handle, delivery).await,
            Ok(ClaimOutcome::Skipped(decision)) => decision,
            Err(error) => {
                tracing::warn!(%error, answer.id = %request.answer_id, "could not take up a question");
                AckDecision::RetryAfter(STORE_PAUSE)
            }
        }
    }

    /// Claims the answer and reads what is asked.
    async fn begin(&self, request: Request) -> Result<ClaimOutcome, StoreError> {
        let Request { conversation_id, answer_id } = request;
        let claim = self.store.claim_answer(conversation_id, answer_id, self.holder, LEASE);
        let (claim, answer_state) = tokio::join!(claim, self.answer_state(request));
        let (lease, requested) = match claim? {
            Claim::Taken(lease, requested) => (lease, requested),
            Claim::Held(left) => {
                let settled = matches!(answer_state, Ok(AnswerState::Settled));
                return Ok(ClaimOutcome::Skipped(if settled {
                    AckDecision::Ack
                } else {
                    AckDecision::RetryAfter(left + HELD_MARGIN)
                }));
            }
            Claim::Unknown => {
                tracing::error!(answer.id = %answer_id, "an answer was delivered that nobody requested");
                return Ok(ClaimOutcome::Skipped(AckDecision::Ack));
            }
        };
        let answer_state = match answer_state {
            Ok(answer_state) => answer_state,
            Err(error) => {
                self.let_go(&lease).await;
                return Err(error);
            }
        };
        match answer_state {
            AnswerState::Wanted(asked) => {
                Ok(ClaimOutcome::Claimed(Box::new(Job { request, lease, requested, asked })))
            }
            AnswerState::Settled => {
                self.forget(&lease).await;
                Ok(ClaimOutcome::Skipped(AckDecision::Ack))
            }
            AnswerState::Erased { owner } => {
                let ending = Ending::Failed(FailureReason::Internal);
                Ok(ClaimOutcome::Skipped(self.end(request, owner, &lease, &requested, ending).await))
            }
        }
    }

    async fn answer_state(&self, request: Request) -> Result<AnswerState, StoreError> {
        let id = request.conversation_id.uuid();
        let mut events = self.store.aggregate_events(AggregateType::Conversation, id).await?;
        self.store.open(&mut events).await?;
        Ok(answer_state(&events, request.answer_id))
    }

    async fn work(&self, job: &Job, handle: &Handle, delivery: Delivery<'_>) -> AckDecision {
        let attempt = job.lease.attempt;
        if attempt > ATTEMPTS {
            let ending = Ending::Failed(FailureReason::AttemptsExhausted);
            return self.end_job(job, ending, delivery).await;
        }
        let began = Instant::now();
        let worked = tokio::select! {
            biased;
            () = handle.stopped() => AttemptOutcome::Stopped,
            () = self.closing.cancelled() => AttemptOutcome::Closing,
            () = self.hold(&job.lease, delivery) => AttemptOutcome::Lost,
            attempted = self.attempt(job) => AttemptOutcome::Attempted(attempted),
        };
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.conclude(job, worked, duration_ms, delivery).await
    }

    /// Draws the consequences of the work on a job.
    async fn conclude(
        &self,
        job: &Job,
        worked: AttemptOutcome,
        duration_ms: u64,
        delivery: Delivery<'_>,
    ) -> AckDecision {
        let (answer_id, attempt) = (job.request.answer_id, job.lease.attempt);
        match worked {
            AttemptOutcome::Attempted(Ok(ending)) => {
                tracing::info!(answer.id = %answer_id, attempt, duration_ms, "answered");
                self.end_job(job, ending, delivery).await
            }
            AttemptOutcome::Attempted(Err(failed)) => {
                tracing::warn!(answer.id = %answer_id, attempt, duration_ms, error = %failed, "an attempt failed");
                match failed.next(attempt) {
                    Next::Retry(pause) => {
                        self.let_go(&job.lease).await;
                        AckDecision::RetryAfter(pause)
                    }
                    Next::GiveUp(reason) => self.end_job(job, Ending::Failed(reason), delivery).await,
                }
            }
            AttemptOutcome::Stopped => {
                tracing::info!(answer.id = %answer_id, attempt, duration_ms, "stopped");
                self.forget(&job.lease).await;
                AckDecision::Ack
            }
            AttemptOutcome::Lost => {
                tracing::warn!(answer.id = %answer_id, attempt, "somebody else has taken the answer over");
                AckDecision::Leave
            }
            AttemptOutcome::Closing => {
                self.let_go(&job.lease).await;
                AckDecision::RetryAfter(Duration::ZERO)
            }
        }
    }

    /// One attempt, bounded in time; a panic in it is a failure like others.
    async fn attempt(&self, job: &Job) -> Result<Ending, AttemptFailed> {
        let writing = AssertUnwindSafe(self.write(job)).catch_unwind();
        match tokio::time::timeout(ATTEMPT_TIMEOUT, writing).await {
            Ok(Ok(written)) => written.map(|finished| Ending::Answered(Box::new(finished))),
            Ok(Err(_)) => {
                Err(AttemptFailed::Passing(FailureReason::Internal, "the attempt panicked".to_owned()))
            }
            Err(_) => Err(AttemptFailed::Passing(
                FailureReason::ModelUnavailable,
                format!("not done within {} s", ATTEMPT_TIMEOUT.as_secs()),
            )),
        }
    }

    /// Gives signs of life for as long as the answer is ours. A store or broker that is away takes nothing from us.
    async fn hold(&self, lease: &AnswerLease, delivery: Delivery<'_>) {
        loop {
            tokio::time::sleep(SIGN_OF_LIFE).await;
            if let Some(message) = delivery
                && let Err(error) = message.ack_with(AckKind::Progress).await
            {
                tracing::debug!(error, "a delivery was not told that the work goes on");
            }
            match self.store.keep_answer(lease, LEASE).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::debug!(%error, "a lease could not be kept"),
            }
        }
    }

    /// Records the end, however long the store is away, without losing the answer to somebody else meanwhile.
    async fn end_job(&self, job: &Job, ending: Ending, delivery: Delivery<'_>) -> AckDecision {
        let end = self.end(job.request, job.asked.owner, &job.lease, &job.requested, ending);
        let held = async {
            self.hold(&job.lease, delivery).await;
            std::future::pending().await
        };
        tokio::select! {
            decision = end => decision,
            never = held => never,
        }
    }

    /// Lets an answer go for somebody to take at once. If that fails, the lease runs out by itself.
    pub(super) async fn let_go(&self, lease: &AnswerLease) {
        if let Err(error) = self.store.release_answer(lease).await {
            tracing::debug!(%error, "a lease could not be released");
        }
    }

    /// Forgets the lease of an answer that has ended. If that fails, it is purged another day.
    pub(super) async fn forget(&self, lease: &AnswerLease) {
        if let Err(error) = self.store.end_lease(lease).await {
            tracing::debug!(%error, "a lease could not be ended");
        }
    }
}

/// What the beginning of a request showed.
enum ClaimOutcome {
    /// Work.
    Claimed(Box<Job>),
    /// Nothing to do (now).
    Skipped(AckDecision),
}
