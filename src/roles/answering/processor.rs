//! Processes one answer that was taken from the queue: attempt, end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aggregates::conversation::FailureReason;
use aggregates::{DocumentId, ModelName};
use async_nats::Client;
use async_nats::jetstream::Context;
use futures::FutureExt as _;
use nats::Subjects;
use rag::answer::Answerer;
use rag::error_chain::ErrorChain;
use rag::generate::Meter;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::failure::{ATTEMPTS, AttemptFailed, Next};
use super::history::{AnswerState, PendingQuestion};
use super::in_flight::{Handle, InFlight};
use super::record::{Ending, Told};
use super::titles::Untitled;
use super::work::Work;
use crate::knowledge::indexing::versions_of;
use crate::knowledge::models::{ActiveModel, ModelRegistry};
use crate::language_models::LanguageModels;
use crate::runtime::backoff::Backoff;
use crate::runtime::wake::SequencerWake;
use store::{AnswerLease, Requested, Store, StoreError};

/// Time after which the lease of a silent worker expires.
pub(super) const LEASE: Duration = Duration::from_secs(6);
/// Delay of an answer while the store is away.
const STORE_PAUSE: Duration = Duration::from_secs(2);
/// Delay of an answer whose conversation has an event that this release does not know.
pub(super) const UNREADABLE_PAUSE: Duration = Duration::from_secs(20);
/// The longest wait for the index of documents that a question names, and the interval between two looks: a
/// quarter of the wait so far, within these.
const INDEX_TIMEOUT: Duration = Duration::from_mins(2);
const FIRST_LOOK: Duration = Duration::from_secs(1);
const LONGEST_LOOK: Duration = Duration::from_secs(5);
/// Delays of an answer whose processing panicked, by the number of the attempt. Below a minute, because the
/// queue takes longer delays for those of a clock that was set back.
const PANIC_PAUSE: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(50));

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
    pub(super) language_models: LanguageModels,
    /// Answers of conversations that may get a title.
    pub(super) untitled: mpsc::Sender<Untitled>,
    pub(super) in_flight: InFlight,
    /// Told when answers are given back at the end of the process.
    pub(super) work: Arc<Work>,
    pub(super) began: Instant,
    /// Cancelled when the process ends: unfinished answers are given back at once.
    pub(super) closing: CancellationToken,
}

/// An answer that this worker holds, with its question.
pub(super) struct Job {
    pub(super) lease: AnswerLease,
    pub(super) requested: Requested,
    pub(super) asked: PendingQuestion,
}

/// Outcome of an answer in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QueueDecision {
    /// The answer has ended, or cannot end any more.
    Remove,
    /// Another attempt follows after this delay.
    RetryAfter(Duration),
    /// A worker of another release may be able to read the conversation, after this delay.
    DeclineFor(Duration),
    /// Another worker holds the answer.
    Leave,
}

/// Outcome of the work on a job.
pub(super) enum AttemptOutcome {
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
    /// An answerer with the chosen language model, and the current embedding model and collection.
    pub(super) fn answerer(&self, model: Option<&ModelName>) -> Answerer {
        let active = self.active.borrow();
        Answerer::new(
            active.embedder.clone(),
            active.index.clone(),
            self.language_models.find(model).cloned(),
        )
        .with_versions(versions_of(self.store.clone()))
    }

    /// Processes an answer that was taken from the queue. `handle` is `None` if this process still works on
    /// an earlier attempt at it. A panic wherever it happens counts as an attempt, and after the last attempt
    /// the answer ends without its question being read.
    pub(super) async fn process(
        &self,
        lease: AnswerLease,
        requested: Option<Requested>,
        handle: Option<Handle>,
    ) {
        let processing = self.process_taken(&lease, requested, handle.as_ref());
        let decision = caught(processing, lease.attempt).await;
        match decision {
            QueueDecision::Remove => self.remove(&lease).await,
            QueueDecision::RetryAfter(pause) => self.give_back(&lease, pause).await,
            QueueDecision::DeclineFor(pause) => self.decline(&lease, pause).await,
            QueueDecision::Leave => {}
        }
    }

    async fn process_taken(
        &self,
        lease: &AnswerLease,
        requested: Option<Requested>,
        handle: Option<&Handle>,
    ) -> QueueDecision {
        let Some(handle) = handle else { return QueueDecision::RetryAfter(LEASE) };
        let Some(requested) = requested else {
            tracing::error!(answer.id = %lease.answer.answer_id, "a queued answer has no request in the store");
            return QueueDecision::Remove;
        };
        if lease.attempt > ATTEMPTS {
            let exhausted = "every attempt ended without a result".to_owned();
            let failed = Ending::Failed(FailureReason::AttemptsExhausted, exhausted);
            return self.end(lease, &requested, failed).await.0;
        }
        match self.answer_state(lease.answer, &requested).await {
            Ok(AnswerState::Wanted(asked)) => {
                self.work(&Job { lease: *lease, requested, asked }, handle).await
            }
            Ok(AnswerState::Unindexed(pause)) => QueueDecision::DeclineFor(pause),
            Ok(AnswerState::Settled) => QueueDecision::Remove,
            Ok(AnswerState::Erased) => self.end(lease, &requested, Ending::Erased).await.0,
            Err(error) if error.is_unreadable() => {
                tracing::warn!(error = %ErrorChain(&error), answer.id = %lease.answer.answer_id, "a conversation is not readable for this release");
                QueueDecision::DeclineFor(UNREADABLE_PAUSE)
            }
            Err(error) => {
                tracing::warn!(error = %ErrorChain(&error), answer.id = %lease.answer.answer_id, "a question could not be read");
                // A worker of another release may read it.
                let pause =
                    if error.is_of_data() { PANIC_PAUSE.delay_before(lease.attempt) } else { STORE_PAUSE };
                QueueDecision::RetryAfter(pause)
            }
        }
    }

    /// The time after which to look again whether the documents that a question names are indexed or rejected;
    /// `None` if they are, or if the question has waited for long enough. The answer waits in the queue, so that
    /// it takes no slot from others.
    pub(super) async fn index_pause(
        &self,
        documents: &[DocumentId],
        requested: &Requested,
    ) -> Result<Option<Duration>, StoreError> {
        // Where the workers were away, the documents were not indexed either.
        let waited = requested.age.min(self.began.elapsed());
        if documents.is_empty() || waited >= INDEX_TIMEOUT {
            return Ok(None);
        }
        let unindexed = self.store.unindexed(documents).await?;
        Ok((!unindexed.is_empty()).then(|| (waited / 4).clamp(FIRST_LOOK, LONGEST_LOOK)))
    }

    async fn work(&self, job: &Job, handle: &Handle) -> QueueDecision {
        let (began, meter) = (Instant::now(), Meter::default());
        let worked = tokio::select! {
            biased;
            () = handle.stopped() => AttemptOutcome::Stopped,
            () = self.closing.cancelled() => AttemptOutcome::Closing,
            () = self.store.hold_answer(&job.lease, LEASE) => AttemptOutcome::Lost,
            attempted = self.attempt(job, &meter) => AttemptOutcome::Attempted(attempted),
        };
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (decision, told) = self.conclude(job, worked, duration_ms).await;
        // Nobody waits for this.
        self.record_attempt(job, told, &meter).await;
        decision
    }

    /// Acts on the outcome of a job.
    async fn conclude(&self, job: &Job, worked: AttemptOutcome, duration_ms: u64) -> (QueueDecision, Told) {
        let (answer_id, attempt) = (job.lease.answer.answer_id, job.lease.attempt);
        let decision = match worked {
            AttemptOutcome::Attempted(Ok(ending)) => {
                tracing::info!(answer.id = %answer_id, attempt, duration_ms, "answer written");
                let untitled = Untitled::of(job, &ending);
                let (decision, told) = self.end_job(job, ending).await;
                if let (Told::Yes, Some(untitled)) = (told, untitled) {
                    // A conversation without a title is named by its question.
                    let _ = self.untitled.try_send(untitled);
                }
                return (decision, told);
            }
            AttemptOutcome::Attempted(Err(failed)) => {
                failed.count();
                tracing::warn!(answer.id = %answer_id, attempt, duration_ms, error = %failed, "an attempt failed");
                match failed.next(attempt) {
                    Next::Retry(pause) => QueueDecision::RetryAfter(pause),
                    Next::GiveUp(reason) => {
                        self.end_job(job, Ending::Failed(reason, failed.to_string())).await.0
                    }
                }
            }
            AttemptOutcome::Stopped => {
                tracing::info!(answer.id = %answer_id, attempt, duration_ms, "answer stopped");
                QueueDecision::Remove
            }
            AttemptOutcome::Lost => {
                tracing::warn!(answer.id = %answer_id, attempt, "another worker has taken over the answer");
                QueueDecision::Leave
            }
            AttemptOutcome::Closing => QueueDecision::RetryAfter(Duration::ZERO),
        };
        (decision, Told::No)
    }

    /// Runs one attempt. A panic counts as a failed attempt. The silence of each dependency is bounded, and
    /// so is the size of the answer, but not the time in which a slow model writes it.
    async fn attempt(&self, job: &Job, meter: &Meter) -> Result<Ending, AttemptFailed> {
        match AssertUnwindSafe(Box::pin(self.write(job, meter))).catch_unwind().await {
            Ok(written) => written.map(|finished| Ending::Answered(Box::new(finished))),
            Err(_) => Err(AttemptFailed::Passing(FailureReason::Internal, "the attempt panicked".to_owned())),
        }
    }

    /// Records the end and renews the lease meanwhile, however long the store is away.
    async fn end_job(&self, job: &Job, ending: Ending) -> (QueueDecision, Told) {
        let end = self.end(&job.lease, &job.requested, ending);
        let held = async {
            self.store.hold_answer(&job.lease, LEASE).await;
            std::future::pending().await
        };
        tokio::select! {
            ended = end => ended,
            never = held => never,
        }
    }

    /// Gives the answer back, so that a worker can take it after the pause. After a failure
    /// the lease expires.
    async fn give_back(&self, lease: &AnswerLease, pause: Duration) {
        if let Err(error) = self.store.return_answer(lease, pause).await {
            tracing::debug!(error = %ErrorChain(&error), "an answer could not be given back");
        }
        if self.closing.is_cancelled() {
            self.work.notify_all().await;
        }
    }

    /// Gives the answer back for a worker of another release.
    async fn decline(&self, lease: &AnswerLease, pause: Duration) {
        if let Err(error) = self.store.decline_answer(lease, pause).await {
            tracing::debug!(error = %ErrorChain(&error), "an answer could not be given back");
        }
    }

    /// Removes an ended answer from the queue. After a failure its lease expires, and the next worker that
    /// takes it finds its end.
    async fn remove(&self, lease: &AnswerLease) {
        if let Err(error) = self.store.remove_answer(lease).await {
            tracing::debug!(error = %ErrorChain(&error), "an ended answer could not be removed from the queue");
        }
    }
}

/// The decision of a future; another attempt if it panics.
async fn caught(processing: impl Future<Output = QueueDecision>, attempt: u32) -> QueueDecision {
    // The panic hook has logged the panic.
    let decision = AssertUnwindSafe(processing).catch_unwind().await;
    decision.unwrap_or_else(|_| QueueDecision::RetryAfter(PANIC_PAUSE.delay_before(attempt)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_wherever_it_happens_is_an_attempt_and_pauses_grow_up_to_a_limit() {
        let pause = async |attempt| match caught(async { panic!("in a test") }, attempt).await {
            QueueDecision::RetryAfter(pause) => pause,
            other => panic!("{other:?}"),
        };
        assert!(pause(1).await < pause(4).await);
        assert!(pause(u32::MAX).await < Duration::from_mins(1));
        assert_eq!(caught(async { QueueDecision::Remove }, 1).await, QueueDecision::Remove);
    }
}
