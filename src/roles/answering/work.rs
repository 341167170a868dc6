//! Takes answers from the queue, as many as there are slots, and starts the work on each.
//!
//! The queue is in Postgres, not in this process: a worker that holds back requests of its own would leave
//! other workers idle, and a request behind hundreds of another owner's would wait for all of them. Owners
//! take turns in the queue, and no owner has more than a share of this process' slots, so that a slot is soon
//! free although the answers of one owner take minutes. An idle worker waits for a hint and does not query.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use bytes::Bytes;
use nats::Subjects;
use rag::error_chain::ErrorChain;
use store::{NextAnswer, StoreError};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;
use uuid::Uuid;

use super::processor::{AnswerProcessor, LEASE};
use super::trace::span_of;
use crate::runtime::backoff::Backoff;
use crate::runtime::hint::send_hint;
use crate::runtime::stages::Progress;
use crate::runtime::subscription::{Delivery, Subscription};

/// Delays after a failure of the store.
const RETRY: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));
/// Time limit for publishing a hint.
const HINT_TIMEOUT: Duration = Duration::from_secs(2);

/// Tells the workers that the queue may have an answer to take.
pub(super) struct Work {
    nats: Client,
    subjects: Subjects,
    /// Identity of this worker among those that receive a hint.
    worker: Uuid,
    here: Notify,
    /// Whether every answer that this worker may take had a slot when it last looked at the queue.
    has_room: watch::Sender<bool>,
}

impl Work {
    pub(super) fn new(nats: Client, subjects: Subjects) -> Self {
        Self {
            nats,
            subjects,
            worker: Uuid::new_v4(),
            here: Notify::new(),
            has_room: watch::Sender::new(false),
        }
    }

    /// Makes this worker look at the queue.
    pub(super) fn notify(&self) {
        self.here.notify_one();
    }

    /// Waits until no answer waits for a slot of this worker, at most for this time.
    pub(super) async fn room(&self, at_most: Duration) {
        let mut has_room = self.has_room.subscribe();
        let _ = tokio::time::timeout(at_most, has_room.wait_for(|has_room| *has_room)).await;
    }

    /// Makes all workers look at the queue. A lost hint costs time: other workers look on their own
    /// after a while.
    pub(super) async fn notify_all(&self) {
        self.notify();
        let hint = Bytes::copy_from_slice(self.worker.as_bytes());
        send_hint(&self.nats, self.subjects.wake_workers(), hint, HINT_TIMEOUT).await;
    }

    /// Follows the hints of other workers for ever.
    pub(super) async fn follow_hints(&self, suspicion: &Notify) {
        let mut hints = Subscription::new(self.nats.clone(), self.subjects.wake_workers());
        loop {
            if let Delivery::Message(hint) = hints.next().await
                && hint.payload != self.worker.as_bytes().as_slice()
            {
                self.notify();
                suspicion.notify_one();
            }
        }
    }
}

/// The consumer of the queue.
pub(super) struct Queue {
    pub(super) processor: Arc<AnswerProcessor>,
    pub(super) slots: Arc<Semaphore>,
    /// Slots that the answers of one owner take at most.
    pub(super) per_owner: usize,
    pub(super) tasks: TaskTracker,
    pub(super) work: Arc<Work>,
}

impl Queue {
    /// Takes answers for ever; waits while the store is away.
    pub(super) async fn follow(&self) {
        let (mut retry, progress) = (RETRY, Progress::of("worker"));
        loop {
            if self.slots.available_permits() == 0 {
                self.work.has_room.send_replace(false);
            }
            let slot = progress.waiting(Arc::clone(&self.slots).acquire_owned()).await;
            let Ok(slot) = slot else { return };
            match self.take(slot).await {
                Ok(None) => {
                    progress.ok();
                    retry.reset();
                }
                Ok(Some(Pause(due))) => {
                    self.work.has_room.send_replace(true);
                    progress.ok();
                    retry.reset();
                    let due = async {
                        match due {
                            Some(due) => tokio::time::sleep(due).await,
                            None => std::future::pending().await,
                        }
                    };
                    let waiting = async {
                        tokio::select! {
                            () = self.work.here.notified() => {}
                            () = due => {}
                        }
                    };
                    progress.waiting(waiting).await;
                }
                Err(error) => {
                    tracing::warn!(error = %ErrorChain(&error), "taking answers was interrupted and is retried");
                    progress.failing(ErrorChain(&error));
                    retry.wait().await;
                }
            }
        }
    }

    /// Takes one answer and starts the work on it; otherwise returns how long there is nothing to take.
    async fn take(&self, slot: OwnedSemaphorePermit) -> Result<Option<Pause>, StoreError> {
        let processor = Arc::clone(&self.processor);
        let full = processor.in_flight.owners_with(self.per_owner);
        let (lease, requested) = match processor.store.take_answer(&full, LEASE).await? {
            NextAnswer::Nothing(due) => return Ok(Some(Pause(due))),
            NextAnswer::Taken(lease, requested) => (lease, requested),
        };
        // Registered before the events are read, so that a stop is either among them or reaches the handle.
        let handle = processor.in_flight.take(lease.answer);
        let (work, span) = (Arc::clone(&self.work), span_of(&lease, requested.as_ref()));
        self.tasks.spawn(async move {
            Box::pin(processor.process(lease, requested, handle)).instrument(span).await;
            drop(slot);
            // The owner may have more answers than it had slots, or the answer waits for its next attempt.
            work.notify();
        });
        Ok(None)
    }
}

/// Nothing can be taken for this time, unless there is a hint.
struct Pause(Option<Duration>);
