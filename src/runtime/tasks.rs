//! The named tasks of a process: how often each was polled, how long that took, and whether one holds a
//! thread now.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;

/// The tasks of a process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tasks {
    started: Instant,
    tasks: Arc<Mutex<BTreeMap<&'static str, Arc<Polls>>>>,
}

#[derive(Debug, Default)]
struct Polls {
    count: AtomicU64,
    busy: AtomicU64,
    longest: AtomicU64,
    /// Begin and end of the last poll, in microseconds since the start of the process.
    begun: AtomicU64,
    ended: AtomicU64,
    is_over: AtomicU64,
}

/// A task at this moment. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskState {
    /// The name of the task.
    pub name: &'static str,
    /// `waiting`, `running` while it holds a thread, `ended`.
    pub state: &'static str,
    /// Number of polls.
    pub polls: u64,
    /// The time of all polls.
    pub busy_ms: u64,
    /// The time of the longest poll.
    pub longest_poll_ms: u64,
    /// The time since its state changed.
    pub since_ms: u64,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { started: Instant::now(), tasks: Arc::default() }
    }
}

impl Tasks {
    /// Runs a task and watches its polls.
    pub(super) async fn watch<F: Future + Unpin>(&self, name: &'static str, mut task: F) -> F::Output {
        let polls = Arc::<Polls>::default();
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).insert(name, Arc::clone(&polls));
        let output = poll_fn(|context| {
            let begun = self.now();
            polls.begun.store(begun, Ordering::Relaxed);
            let polled = Pin::new(&mut task).poll(context);
            let ended = self.now();
            polls.ended.store(ended, Ordering::Relaxed);
            polls.count.fetch_add(1, Ordering::Relaxed);
            polls.busy.fetch_add(ended - begun, Ordering::Relaxed);
            polls.longest.fetch_max(ended - begun, Ordering::Relaxed);
            polled
        })
        .await;
        polls.is_over.store(1, Ordering::Relaxed);
        output
    }

    /// All tasks, by name.
    pub fn states(&self) -> Vec<TaskState> {
        let now = self.now();
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().map(|(name, polls)| polls.state(name, now)).collect()
    }

    /// Microseconds since the start.
    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl Polls {
    fn state(&self, name: &'static str, now: u64) -> TaskState {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (begun, ended) = (read(&self.begun), read(&self.ended));
        let (state, since) = match (read(&self.is_over), begun > ended) {
            (1, _) => ("ended", ended),
            (_, true) => ("running", begun),
            (_, false) => ("waiting", ended),
        };
        let milliseconds = |microseconds| microseconds / 1_000;
        TaskState {
            name,
            state,
            polls: read(&self.count),
            busy_ms: milliseconds(read(&self.busy)),
            longest_poll_ms: milliseconds(read(&self.longest)),
            since_ms: milliseconds(now.saturating_sub(since)),
        }
    }
}

/// The runtime at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuntimeState {
    /// Threads that poll tasks.
    pub workers: usize,
    /// Tasks that have not ended, named or not.
    pub alive_tasks: usize,
    /// Tasks that are ready and wait for a thread.
    pub queued_tasks: usize,
}

impl RuntimeState {
    /// The runtime of the caller.
    pub fn now() -> Self {
        let metrics = tokio::runtime::Handle::current().metrics();
        Self {
            workers: metrics.num_workers(),
            alive_tasks: metrics.num_alive_tasks(),
            queued_tasks: metrics.global_queue_depth(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_holds_its_thread_and_one_that_waits_are_told_apart() {
        let tasks = Tasks::default();
        let (watched, others) = (tasks.clone(), tasks.clone());
        let waiting =
            tokio::spawn(
                async move { watched.watch("waiting", Box::pin(std::future::pending::<()>())).await },
            );
        tokio::task::yield_now().await;
        let seen = tasks.watch("running", Box::pin(async { others.states() })).await;
        let of = |name| seen.iter().find(|task| task.name == name).unwrap().state;
        assert_eq!((of("waiting"), of("running")), ("waiting", "running"));
        assert_eq!(tasks.states().iter().find(|task| task.name == "running").unwrap().state, "ended");
        waiting.abort();
    }
}
