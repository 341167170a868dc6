//! Looks at the events that are not projected yet. All reads of a process share them: one look is under way
//! at a time, and the reads that arrive meanwhile share the next one, at most one a [`PAUSE`].

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aggregates::{Position, UserId};
use projections::Unprojected;
use store::Store;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::api::live::Live;
use crate::api::problem::{Problem, with_causes};

/// Shortest time from one look to the next. A look that takes longer is followed by a pause of
/// its own length.
const PAUSE: Duration = Duration::from_millis(1);
/// Age of the last look at which a read that needs none starts the next one, which
/// invalidates cached responses.
const REFRESH_AFTER: Duration = Duration::from_millis(100);
/// Time limit of one look.
const LOOK_TIMEOUT: Duration = Duration::from_secs(3);

/// The looks of one process.
#[derive(Debug)]
pub(super) struct Looks {
    store: Store,
    live: Arc<Live>,
    schedule: Mutex<Schedule>,
}

/// The next look, and whether a task takes looks.
#[derive(Debug, Default)]
struct Schedule {
    next: Option<Look>,
    is_running: bool,
    /// Start of the last look.
    last: Option<Instant>,
    /// The position up to which cached responses are invalidated; `None` before the first look.
    invalidated: Option<Position>,
}

/// A look that has not begun.
#[derive(Debug)]
struct Look {
    owners: HashSet<UserId>,
    outcome: watch::Sender<Option<Outcome>>,
}

/// `Err` if the store did not answer.
type Outcome = Result<Arc<Unprojected>, ()>;

impl Looks {
    pub(super) fn new(store: Store, live: Arc<Live>) -> Self {
        Self { store, live, schedule: Mutex::default() }
    }

    /// The state of the read models at a moment after the call.
    pub(super) async fn look(
        self: &Arc<Self>,
        owners: impl IntoIterator<Item = UserId>,
    ) -> Result<Arc<Unprojected>, Problem> {
        let mut outcome = self.request(&mut self.schedule(), owners);
        // An error of the channel means that the process shuts down, or that the look panicked.
        match outcome.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(Ok(seen))) => Ok(Arc::clone(seen)),
            _ => Err(Problem::unavailable("The store cannot be reached.")),
        }
    }

    /// Requests a look without waiting for it, if the last one is old.
    pub(super) fn refresh(self: &Arc<Self>) {
        let mut schedule = self.schedule();
        let is_old = schedule.last.is_none_or(|last| last.elapsed() > REFRESH_AFTER);
        if is_old && !schedule.is_running {
            self.request(&mut schedule, []);
        }
    }

    /// Adds owners to the next look, and starts the task that takes looks if none runs.
    fn request(
        self: &Arc<Self>,
        schedule: &mut Schedule,
        owners: impl IntoIterator<Item = UserId>,
    ) -> watch::Receiver<Option<Outcome>> {
        let next = schedule
            .next
            .get_or_insert_with(|| Look { owners: HashSet::new(), outcome: watch::Sender::new(None) });
        next.owners.extend(owners);
        let outcome = next.outcome.subscribe();
        if !std::mem::replace(&mut schedule.is_running, true) {
            tokio::spawn(Runner { looks: Arc::clone(self) }.run());
        }
        outcome
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one look and invalidates the cached responses of owners whose rows changed since the last one.
    async fn take(&self, owners: HashSet<UserId>) -> Outcome {
        let after = self.schedule().invalidated;
        let looking = projections::unprojected(self.store.read_models(), after, owners.into_iter());
        let seen = match tokio::time::timeout(LOOK_TIMEOUT, looking).await {
            Ok(Ok(seen)) => seen,
            Ok(Err(error)) => {
                tracing::warn!(error = with_causes(error), "the state of the read models was not read");
                return Err(());
            }
            Err(_) => {
                tracing::warn!("reading the state of the read models timed out");
                return Err(());
            }
        };
        match &seen.changed {
            // Without an earlier look nothing is known about what changed.
            Some(changed) if after.is_some() => {
                for owner in changed {
                    self.live.reads().changed(*owner);
                }
            }
            _ => self.live.reads().all_changed(),
        }
        self.schedule().invalidated = Some(seen.level);
        self.live.observe_level(seen.level);
        Ok(Arc::new(seen))
    }
}

/// The task that takes looks. Ends when no read waits for one.
struct Runner {
    looks: Arc<Looks>,
}

impl Runner {
    async fn run(self) {
        while let Some(Look { owners, outcome }) = self.next() {
            let begun = Instant::now();
            outcome.send_replace(Some(self.looks.take(owners).await));
            tokio::time::sleep(begun.elapsed().max(PAUSE)).await;
        }
    }

    fn next(&self) -> Option<Look> {
        let mut schedule = self.looks.schedule();
        let next = schedule.next.take();
        schedule.is_running = next.is_some();
        if schedule.is_running {
            schedule.last = Some(Instant::now());
        }
        next
    }
}

impl Drop for Runner {
    /// A task that ended early leaves a look that nobody takes: its reads are answered, and the next read
    /// starts a new task.
    fn drop(&mut self) {
        let mut schedule = self.looks.schedule();
        if schedule.is_running {
            schedule.is_running = false;
            schedule.next = None;
        }
    }
}
