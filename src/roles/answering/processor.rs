//! Processes one request for an answer: claim, attempt, end. Deliveries and the sweep share this code.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aggregates::conversation::FailureReason;
use aggregates::{AggregateType, AnswerId, ConversationId};
use async_nats::Client;
use async_nats::jetstream::{Context, Message};
use futures::FutureExt as _;
use nats::Subjects;
use rag::answer::Answerer;
use rag::error_chain::ErrorChain;
use rag::generate::ChatModel;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::failure::{ATTEMPTS, AttemptFailed, Next};
use super::history::{AnswerState, PendingQuestion, answer_state};
use super::in_flight::{Handle, InFlight};
use super::record::Ending;
use crate::knowledge::indexing::versions_of;
use crate::knowledge::models::{ActiveModel, ModelRegistry};
use crate::runtime::consumer::{AckDecision, keep_alive};
use crate::runtime::wake::SequencerWake;
use store::{AnswerClaim, Lease, Requested, Store, StoreError};

/// Time after which the lease of a silent worker expires.
pub(super) const LEASE: Duration = Duration::from_secs(10);
/// Interval at which a worker extends a delivery.
const SIGN_OF_LIFE: Duration = Duration::from_secs(3);
/// Time limit of one attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(2);
/// Delay of a request while the store is away, and the margin after the lease of another worker.
const STORE_PAUSE: Duration = Duration::from_secs(2);
const HELD_MARGIN: Duration = Duration::from_millis(250);

/// A requested answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Request {
    pub(super) conversation_id: ConversationId,
    pub(super) answer_id: AnswerId,
}

/// The delivery of a request, which is extended during the work; `None` for a request from the sweep.
pub(super) type Delivery<'a> = Option<&'a Message>;

/// Connections and state that all requests share.
pub(super) struct AnswerProcessor {
    pub(super) store: Store,
    pub(super) nats: Client,
    pub(super) jetstream: Context,
    pub(super) subjects: Subjects,
    pub(super) wake: SequencerWake,
    /// The embedding model and collection that answer now.
    pub(super) active: watch::Receiver<Arc<ActiveModel>>,
    pub(super) models: ModelRegistry,
    pub(super) model: Option<ChatModel>,
    pub(super) in_flight: InFlight,
    /// Cancelled when the process ends: unfinished answers are given back at once.
    pub(super) closing: CancellationToken,
}

/// A claimed request with its question.
pub(super) struct Job {
    pub(super) request: Request,
    pub(super) lease: Lease,
    pub(super) requested: Requested,
    pub(super) asked: PendingQuestion,
}

/// Outcome of the work on a job.
enum AttemptOutcome {
    /// The attempt ended.
    Attempted(Result<Ending, AttemptFailed>),
    /// The owner stopped the answer.
    Stopped,
    /// Another worker holds the lease.
    Lost,
    /// The process is ending.
    Closing,
}

impl AnswerProcessor {
    /// An answerer with the current models and collection.
    pub(super) fn answerer(&self) -> Answerer {
        let active = self.active.borrow();
        Answerer::new(active.embedder.clone(), active.index.clone(), self.model.clone())
            .with_versions(versions_of(self.store.clone()))
    }

    /// Processes a request, unless it has ended or another worker holds it.
    pub(super) async fn process(&self, request: Request, delivery: Delivery<'_>) -> AckDecision {
        // Registered before the events are read, so that a stop is either among them or reaches the handle.
        let Some(handle) = self.in_flight.take(request) else {
            return AckDecision::RetryAfter(LEASE);
        };
        match self.begin(request).await {
            Ok(ClaimOutcome::Claimed(job)) => self.work(&job, &handle, delivery).await,
            Ok(ClaimOutcome::Skipped(decision)) => decision,
            Err(error) => {
                tracing::warn!(error = %ErrorChain(&error), answer.id = %request.answer_id, "a request could not be claimed");
                AckDecision::RetryAfter(STORE_PAUSE)
            }
        }
    }

    /// Claims the answer and reads its question.
    async fn begin(&self, request: Request) -> Result<ClaimOutcome, StoreError> {
        let Request { conversation_id, answer_id } = request;
        let claim = self.store.lease_answer(conversation_id, answer_id, LEASE);
        let (claim, answer_state) = tokio::join!(claim, self.answer_state(request));
        let (lease, requested) = match claim? {
            AnswerClaim::Acquired(lease, requested) => (lease, requested),
            AnswerClaim::Held(left) => {
                let settled = matches!(answer_state, Ok(AnswerState::Settled));
                return Ok(ClaimOutcome::Skipped(if settled {
                    AckDecision::Ack
                } else {
                    AckDecision::RetryAfter(left + HELD_MARGIN)
                }));
            }
            AnswerClaim::NotRequested => {
                tracing::error!(answer.id = %answer_id, "a delivered answer has no request in the ledger");
                return Ok(ClaimOutcome::Skipped(AckDecision::Ack));
            }
        };
        let answer_state = match answer_state {
            Ok(answer_state) => answer_state,
            Err(error) => {
                self.release(&lease).await;
                return Err(error);
            }
        };
        match answer_state {
            AnswerState::Wanted(asked) => {
                Ok(ClaimOutcome::Claimed(Box::new(Job { request, lease, requested, asked })))
            }
            AnswerState::Settled => {
                self.delete_lease(&lease).await;
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
        self.store.decrypt_events(&mut events).await?;
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

    /// Acts on the outcome of a job.
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
                tracing::info!(answer.id = %answer_id, attempt, duration_ms, "answer written");
                self.end_job(job, ending, delivery).await
            }
            AttemptOutcome::Attempted(Err(failed)) => {
                tracing::warn!(answer.id = %answer_id, attempt, duration_ms, error = %failed, "an attempt failed");
                match failed.next(attempt) {
                    Next::Retry(pause) => {
                        self.release(&job.lease).await;
                        AckDecision::RetryAfter(pause)
                    }
                    Next::GiveUp(reason) => self.end_job(job, Ending::Failed(reason), delivery).await,
                }
            }
            AttemptOutcome::Stopped => {
                tracing::info!(answer.id = %answer_id, attempt, duration_ms, "answer stopped");
                self.delete_lease(&job.lease).await;
                AckDecision::Ack
            }
            AttemptOutcome::Lost => {
                tracing::warn!(answer.id = %answer_id, attempt, "another worker has taken over the answer");
                AckDecision::Leave
            }
            AttemptOutcome::Closing => {
                self.release(&job.lease).await;
                AckDecision::RetryAfter(Duration::ZERO)
            }
        }
    }

    /// Runs one attempt with its time limit. A panic counts as a failed attempt.
    async fn attempt(&self, job: &Job) -> Result<Ending, AttemptFailed> {
        let writing = AssertUnwindSafe(self.write(job)).catch_unwind();
        match tokio::time::timeout(ATTEMPT_TIMEOUT, writing).await {
            Ok(Ok(written)) => written.map(|finished| Ending::Answered(Box::new(finished))),
            Ok(Err(_)) => {
                Err(AttemptFailed::Passing(FailureReason::Internal, "the attempt panicked".to_owned()))
            }
            Err(_) => Err(AttemptFailed::Passing(
                FailureReason::ModelUnavailable,
                format!("the attempt took longer than {} s", ATTEMPT_TIMEOUT.as_secs()),
            )),
        }
    }

    /// Renews the lease and the delivery; returns when another worker holds the lease. While the store or
    /// NATS is away the work continues.
    async fn hold(&self, lease: &Lease, delivery: Delivery<'_>) {
        let extended = async {
            match delivery {
                Some(message) => keep_alive(message, SIGN_OF_LIFE).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.store.hold_lease(lease, LEASE) => {}
            never = extended => match never {},
        }
    }

    /// Records the end and renews the lease meanwhile, however long the store is away.
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

    /// Releases the lease, so that another worker can claim the answer at once. After a failure the lease
    /// expires.
    pub(super) async fn release(&self, lease: &Lease) {
        if let Err(error) = self.store.release_lease(lease).await {
            tracing::debug!(error = %ErrorChain(&error), "a lease could not be released");
        }
    }

    /// Deletes the lease of an ended answer. After a failure the sweep deletes it.
    pub(super) async fn delete_lease(&self, lease: &Lease) {
        if let Err(error) = self.store.end_lease(lease).await {
            tracing::debug!(error = %ErrorChain(&error), "a lease could not be deleted");
        }
    }
}

/// Outcome of a claim.
enum ClaimOutcome {
    /// The request is claimed.
    Claimed(Box<Job>),
    /// Nothing to do now; the delivery is acknowledged like this.
    Skipped(AckDecision),
}
