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
use super::history::{Asked, Standing, standing};
use super::in_flight::{Handle, InHand};
use super::record::Ending;
use crate::knowledge::indexing::versions_of;
use crate::knowledge::models::{Library, Stock};
use crate::runtime::wake::SealerWake;
use store::{AnswerLease, Claim, Requested, Store, StoreError};

/// How long an answer belongs to a worker that says nothing.
pub(crate) const LEASE: Duration = Duration::from_secs(10);
/// How often a worker says that it is still at it.
pub(crate) const SIGN_OF_LIFE: Duration = Duration::from_secs(3);
/// How long one attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(2);
/// How long a request is left alone while the store is away, or while somebody else holds it.
const STORE_PAUSE: Duration = Duration::from_secs(2);
const HELD_MARGIN: Duration = Duration::from_millis(250);

/// An answer somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    pub(crate) conversation_id: ConversationId,
    pub(crate) answer_id: AnswerId,
}

/// What becomes of whatever brought the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposal {
    /// It is settled.
    Done,
    /// Bring it again after this time.
    Later(Duration),
    /// Somebody else has it now; they will say.
    Leave,
}

/// The message that brought a request, where one did: it is told that the work goes on.
pub(crate) type Delivery<'a> = Option<&'a Message>;

/// All that answering needs.
pub(crate) struct Desk {
    pub(crate) store: Store,
    pub(crate) nats: Client,
    pub(crate) jetstream: Context,
    pub(crate) subjects: Subjects,
    pub(crate) wake: SealerWake,
    /// What answers come from now.
    pub(crate) stock: watch::Receiver<Arc<Stock>>,
    pub(crate) library: Library,
    pub(crate) model: Option<ChatModel>,
    pub(crate) in_hand: InHand,
    /// This process, as the holder of leases.
    pub(crate) holder: Uuid,
    /// The process ends: answers that are not done go back at once.
    pub(crate) closing: CancellationToken,
}

/// A claimed answer that is wanted.
pub(crate) struct Job {
    pub(crate) request: Request,
    pub(crate) lease: AnswerLease,
    pub(crate) requested: Requested,
    pub(crate) asked: Asked,
}

/// How the work on a job ended.
enum Worked {
    /// An attempt led to this.
    Attempted(Result<Ending, AttemptFailed>),
    /// The person stopped it.
    Stopped,
    /// Somebody else has it now.
    Lost,
    /// The process ends.
    Closing,
}

impl Desk {
    /// What answers with the models and passages of now.
    pub(crate) fn answerer(&self) -> Answerer {
        let stock = self.stock.borrow();
        Answerer::new(stock.embedder.clone(), stock.index.clone(), self.model.clone())
            .with_versions(versions_of(self.store.clone()))
    }

    /// Works on a request, if it is still wanted and nobody else is at it.
    pub(crate) async fn take_up(&self, request: Request, delivery: Delivery<'_>) -> Disposal {
        // In hand before the events are read: a stop is either among them or reaches the handle.
        let Some(handle) = self.in_hand.take(request.answer_id) else {
            return Disposal::Later(LEASE);
        };
        match self.begin(request).await {
            Ok(Begun::Wanted(job)) => self.work(&job, &handle, delivery).await,
            Ok(Begun::Over(disposal)) => disposal,
            Err(error) => {
                tracing::warn!(%error, answer.id = %request.answer_id, "could not take up a question");
                Disposal::Later(STORE_PAUSE)
            }
        }
    }

    /// Claims the answer and reads what is asked.
    async fn begin(&self, request: Request) -> Result<Begun, StoreError> {
        let Request { conversation_id, answer_id } = request;
        let claim = self.store.claim_answer(conversation_id, answer_id, self.holder, LEASE);
        let (claim, standing) = tokio::join!(claim, self.standing(request));
        let (lease, requested) = match claim? {
            Claim::Taken(lease, requested) => (lease, requested),
            Claim::Held(left) => {
                let settled = matches!(standing, Ok(Standing::Settled));
                return Ok(Begun::Over(if settled {
                    Disposal::Done
                } else {
                    Disposal::Later(left + HELD_MARGIN)
                }));
            }
            Claim::Unknown => {
                tracing::error!(answer.id = %answer_id, "an answer was delivered that nobody requested");
                return Ok(Begun::Over(Disposal::Done));
            }
        };
        let standing = match standing {
            Ok(standing) => standing,
            Err(error) => {
                self.let_go(&lease).await;
                return Err(error);
            }
        };
        match standing {
            Standing::Wanted(asked) => Ok(Begun::Wanted(Box::new(Job { request, lease, requested, asked }))),
            Standing::Settled => {
                self.forget(&lease).await;
                Ok(Begun::Over(Disposal::Done))
            }
            Standing::Erased { owner } => {
                let ending = Ending::Failed(FailureReason::Internal);
                Ok(Begun::Over(self.end(request, owner, &lease, &requested, ending).await))
            }
        }
    }

    async fn standing(&self, request: Request) -> Result<Standing, StoreError> {
        let id = request.conversation_id.uuid();
        let mut events = self.store.aggregate_events(AggregateType::Conversation, id).await?;
        self.store.open(&mut events).await?;
        Ok(standing(&events, request.answer_id))
    }

    async fn work(&self, job: &Job, handle: &Handle, delivery: Delivery<'_>) -> Disposal {
        let attempt = job.lease.attempt;
        if attempt > ATTEMPTS {
            let ending = Ending::Failed(FailureReason::AttemptsExhausted);
            return self.end_job(job, ending, delivery).await;
        }
        let began = Instant::now();
        let worked = tokio::select! {
            biased;
            () = handle.stopped() => Worked::Stopped,
            () = self.closing.cancelled() => Worked::Closing,
            () = self.hold(&job.lease, delivery) => Worked::Lost,
            attempted = self.attempt(job) => Worked::Attempted(attempted),
        };
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.conclude(job, worked, duration_ms, delivery).await
    }

    /// Draws the consequences of the work on a job.
    async fn conclude(
        &self,
        job: &Job,
        worked: Worked,
        duration_ms: u64,
        delivery: Delivery<'_>,
    ) -> Disposal {
        let (answer_id, attempt) = (job.request.answer_id, job.lease.attempt);
        match worked {
            Worked::Attempted(Ok(ending)) => {
                tracing::info!(answer.id = %answer_id, attempt, duration_ms, "answered");
                self.end_job(job, ending, delivery).await
            }
            Worked::Attempted(Err(failed)) => {
                tracing::warn!(answer.id = %answer_id, attempt, duration_ms, error = %failed, "an attempt failed");
                match failed.next(attempt) {
                    Next::Retry(pause) => {
                        self.let_go(&job.lease).await;
                        Disposal::Later(pause)
                    }
                    Next::GiveUp(reason) => self.end_job(job, Ending::Failed(reason), delivery).await,
                }
            }
            Worked::Stopped => {
                tracing::info!(answer.id = %answer_id, attempt, duration_ms, "stopped");
                self.forget(&job.lease).await;
                Disposal::Done
            }
            Worked::Lost => {
                tracing::warn!(answer.id = %answer_id, attempt, "somebody else has taken the answer over");
                Disposal::Leave
            }
            Worked::Closing => {
                self.let_go(&job.lease).await;
                Disposal::Later(Duration::ZERO)
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
    async fn end_job(&self, job: &Job, ending: Ending, delivery: Delivery<'_>) -> Disposal {
        let end = self.end(job.request, job.asked.owner, &job.lease, &job.requested, ending);
        let held = async {
            self.hold(&job.lease, delivery).await;
            std::future::pending().await
        };
        tokio::select! {
            disposal = end => disposal,
            never = held => never,
        }
    }

    /// Lets an answer go for somebody to take at once. If that fails, the lease runs out by itself.
    pub(crate) async fn let_go(&self, lease: &AnswerLease) {
        if let Err(error) = self.store.release_answer(lease).await {
            tracing::debug!(%error, "a lease could not be released");
        }
    }

    /// Forgets the lease of an answer that has ended. If that fails, it is purged another day.
    pub(crate) async fn forget(&self, lease: &AnswerLease) {
        if let Err(error) = self.store.end_lease(lease).await {
            tracing::debug!(%error, "a lease could not be ended");
        }
    }
}

/// What the beginning of a request showed.
enum Begun {
    /// Work.
    Wanted(Box<Job>),
    /// Nothing to do (now).
    Over(Disposal),
}
