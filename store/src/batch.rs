//! Batches concurrent requests into one round trip.
//!
//! At most [`SLOTS`] batches run at a time. A request that finds a free slot is sent immediately; others are
//! queued and sent with the next batch. There is no artificial delay.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::sync::{Mutex, spawn};

/// Batches that run at the same time. More hide the latency of a distant database, fewer make larger batches.
pub const SLOTS: usize = 2;
/// Requests in one batch, at most.
pub const MAX_REQUESTS: usize = 64;

/// A request that can share a batch with others.
pub trait Request: Send + 'static {
    /// Requests with the same key never share a batch. A request without a key shares a batch with any other.
    fn key(&self) -> Option<Uuid>;
}

/// A request without a key.
#[derive(Debug)]
pub struct Unkeyed<Q>(pub Q);

impl<Q: Send + 'static> Request for Unkeyed<Q> {
    fn key(&self) -> Option<Uuid> {
        None
    }
}

type Work<Q, A> = dyn Fn(Vec<Q>) -> BoxFuture<'static, Vec<A>> + Send + Sync;
type Pending<Q, A> = (Q, oneshot::Sender<A>);

/// Batches requests of type `Q`, which are answered by an `A` each. Clones share the queue and the slots.
pub struct Batcher<Q, A> {
    shared: Arc<Shared<Q, A>>,
}

struct Shared<Q, A> {
    work: Box<Work<Q, A>>,
    queue: Mutex<Queue<Q, A>>,
}

impl<Q: Request, A: Send + 'static> Batcher<Q, A> {
    /// A batcher that processes batches by `work`. `work` returns the answers in the order of the requests.
    pub fn new(work: impl Fn(Vec<Q>) -> BoxFuture<'static, Vec<A>> + Send + Sync + 'static) -> Self {
        Self::with_slots(SLOTS, work)
    }

    pub(crate) fn with_slots(
        slots: usize,
        work: impl Fn(Vec<Q>) -> BoxFuture<'static, Vec<A>> + Send + Sync + 'static,
    ) -> Self {
        let queue = Mutex::new(Queue { waiting: VecDeque::new(), slots, slots_in_use: 0 });
        Self { shared: Arc::new(Shared { work: Box::new(work), queue }) }
    }

    /// Sends a request in a batch and waits for its answer; `None` after a panic or a shutdown.
    ///
    /// Dropping the future does not withdraw the request.
    pub async fn request(&self, request: Q) -> Option<A> {
        let (reply, answer) = oneshot::channel();
        let slot_taken = self.shared.locked(|queue| queue.push((request, reply)));
        if slot_taken {
            spawn(Slot { shared: Arc::clone(&self.shared), in_use: true }.run());
        }
        answer.await.ok()
    }
}

impl<Q, A> Shared<Q, A> {
    /// Runs one critical section.
    fn locked<T>(&self, section: impl FnOnce(&mut Queue<Q, A>) -> T) -> T {
        section(&mut self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The requests that wait and the number of slots in use. While a request waits, a slot is in use, and the
/// slot takes it: each method is one critical section and keeps this true.
struct Queue<Q, A> {
    waiting: VecDeque<Pending<Q, A>>,
    slots: usize,
    slots_in_use: usize,
}

impl<Q, A> Queue<Q, A> {
    /// Adds a request. Returns whether it took a free slot, which the caller must start.
    fn push(&mut self, pending: Pending<Q, A>) -> bool {
        self.waiting.push_back(pending);
        let free = self.slots_in_use < self.slots;
        self.slots_in_use += usize::from(free);
        free
    }

    /// Gives back a slot whose task ended early. Returns the requests that no other slot will take.
    fn abandon_slot(&mut self) -> VecDeque<Pending<Q, A>> {
        self.slots_in_use -= 1;
        if self.slots_in_use == 0 { std::mem::take(&mut self.waiting) } else { VecDeque::new() }
    }
}

impl<Q: Request, A> Queue<Q, A> {
    /// The next batch of a slot. `None` gives the slot back, because nothing waits.
    fn next_batch(&mut self) -> Option<Vec<Pending<Q, A>>> {
        if self.waiting.is_empty() {
            self.slots_in_use -= 1;
            return None;
        }
        Some(self.take_batch())
    }

    /// The first waiting requests, without a second request of the same key. Requests of the same key keep
    /// their order.
    fn take_batch(&mut self) -> Vec<Pending<Q, A>> {
        let mut batch = Vec::with_capacity(self.waiting.len().min(MAX_REQUESTS));
        let mut keys = HashSet::new();
        let mut deferred = VecDeque::new();
        while batch.len() < MAX_REQUESTS {
            let Some(next) = self.waiting.pop_front() else { break };
            match next.0.key() {
                Some(key) if !keys.insert(key) => deferred.push_back(next),
                _ => batch.push(next),
            }
        }
        while let Some(next) = deferred.pop_back() {
            self.waiting.push_front(next);
        }
        batch
    }
}

/// A slot that runs one batch after another until nothing waits.
struct Slot<Q, A> {
    shared: Arc<Shared<Q, A>>,
    in_use: bool,
}

impl<Q: Request, A: Send + 'static> Slot<Q, A> {
    async fn run(mut self) {
        while let Some(batch) = self.next_batch() {
            self.process(batch).await;
        }
    }

    fn next_batch(&mut self) -> Option<Vec<Pending<Q, A>>> {
        self.shared.locked(|queue| {
            let batch = queue.next_batch();
            self.in_use = batch.is_some();
            batch
        })
    }

    /// A panic in `work` ends the batch and not the slot: the requests that wait are taken next.
    async fn process(&self, batch: Vec<Pending<Q, A>>) {
        let (requests, replies): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let work = AssertUnwindSafe(async { (self.shared.work)(requests).await });
        let Ok(answers) = work.catch_unwind().await else {
            tracing::error!(requests = replies.len(), "a batch panicked");
            return;
        };
        for (reply, answer) in replies.into_iter().zip(answers) {
            // The receiver is gone if the caller stopped waiting.
            let _ = reply.send(answer);
        }
    }
}

impl<Q, A> Drop for Slot<Q, A> {
    /// A slot still in use belongs to a task that the runtime dropped on its way down. Requests that no other
    /// slot takes are then answered by `None`.
    fn drop(&mut self) {
        if self.in_use {
            let unanswered = self.shared.locked(Queue::abandon_slot);
            drop(unanswered);
        }
    }
}

impl<Q, A> Clone for Batcher<Q, A> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<Q, A> fmt::Debug for Batcher<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Batcher")
    }
}
