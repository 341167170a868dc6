//! Reads show the writes of their reader: a read waits until the events that were committed before it arrived are in
//! the read models.
//!
//! Whether events of an owner are on their way is read from Postgres, which alone knows the commands that any process
//! has accepted. All reads of a process share these looks: one is under way at a time, and the reads that arrive
//! meanwhile share the next one, at most one look a [`PAUSE`]. The same looks invalidate cached responses, so that the
//! cache needs no announcement to be right; announcements only make waits shorter.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aggregates::{Position, UserId};
use projections::{Behind, Unprojected};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::api::limits::Limits;
use crate::api::live::Live;
use crate::api::problem::{Problem, with_causes};
use store::Store;

/// Longest wait of a read for the read models.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// Interval of looks while a read waits; an announcement of the projector leads to a look at once.
const CHECK_EVERY: Duration = Duration::from_millis(25);
/// Shortest time from one look to the next. A look that takes longer is followed by a pause of its own length.
const PAUSE: Duration = Duration::from_millis(1);
/// Time limit of one look.
const LOOK_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest distance between the end of the ledger and a position that a read waits for.
const MAX_AHEAD: u64 = 10_000;

/// The looks of one process.
#[derive(Debug)]
pub(super) struct Freshness {
    live: Arc<Live>,
    limits: Arc<Limits>,
    looks: Arc<Looks>,
}

#[derive(Debug)]
struct Looks {
    store: Store,
    live: Arc<Live>,
    schedule: Mutex<Schedule>,
}

/// The next look, and whether a task takes looks.
#[derive(Debug, Default)]
struct Schedule {
    next: Option<Look>,
    is_running: bool,
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

/// The events of one owner that a read waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Awaited {
    /// The last row of the outbox: its event has no position yet.
    outbox: Option<i64>,
    position: Option<Position>,
}

impl Freshness {
    pub(super) fn new(store: Store, live: Arc<Live>, limits: Arc<Limits>) -> Self {
        let looks = Looks { store, live: Arc::clone(&live), schedule: Mutex::default() };
        Self { live, limits, looks: Arc::new(looks) }
    }

    /// Waits until the read models contain every event of an owner that was committed before the call, and until no
    /// cached response lacks one.
    pub(super) async fn wait_for_writes(&self, owner: UserId) -> Result<(), Problem> {
        let seen = self.looks.look(owner).await?;
        let Some(mut awaited) = Awaited::of(seen.of(owner)) else { return Ok(()) };
        self.wait(owner, |now| awaited.is_met(now.level, now.of(owner))).await
    }

    /// Waits until the read models have reached a position. A position far beyond the ledger is refused.
    pub(super) async fn wait_for_position(&self, owner: UserId, wanted: Position) -> Result<(), Problem> {
        if self.live.is_level(wanted) {
            return Ok(());
        }
        let seen = self.looks.look(owner).await?;
        if wanted.0 > seen.head.0.saturating_add(MAX_AHEAD) {
            let detail = format!("The ledger ends at {}, far before this position.", seen.head);
            return Err(Problem::invalid_field("min_position", detail));
        }
        if seen.level >= wanted {
            return Ok(());
        }
        self.wait(owner, |now| now.level >= wanted).await
    }

    async fn wait(&self, owner: UserId, mut is_met: impl FnMut(&Unprojected) -> bool) -> Result<(), Problem> {
        let _permit = self.limits.waiting_reads.take(owner)?;
        let mut announced = self.live.read_position();
        let deadline = Instant::now() + MAX_WAIT;
        loop {
            announced.mark_unchanged();
            let now = self.looks.look(owner).await?;
            if is_met(&now) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(Problem::not_yet(now.level.0));
            }
            // An error means that the process shuts down.
            let _ = tokio::time::timeout(CHECK_EVERY, announced.changed()).await;
        }
    }
}

impl Looks {
    /// The state of the read models at a moment after the call.
    async fn look(self: &Arc<Self>, owner: UserId) -> Result<Arc<Unprojected>, Problem> {
        let (mut outcome, begin) = {
            let mut schedule = self.schedule();
            let next = schedule
                .next
                .get_or_insert_with(|| Look { owners: HashSet::new(), outcome: watch::Sender::new(None) });
            next.owners.insert(owner);
            let outcome = next.outcome.subscribe();
            let begin = !std::mem::replace(&mut schedule.is_running, true);
            (outcome, begin)
        };
        if begin {
            tokio::spawn(Runner { looks: Arc::clone(self) }.run());
        }
        // An error of the channel means that the process shuts down, or that the look panicked.
        match outcome.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(Ok(seen))) => Ok(Arc::clone(seen)),
            _ => Err(Problem::unavailable("The store cannot be reached.")),
        }
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
        next
    }
}

impl Drop for Runner {
    /// A task that ended early leaves a look that nobody takes: its reads are answered, and the next read starts a
    /// new task.
    fn drop(&mut self) {
        let mut schedule = self.looks.schedule();
        if schedule.is_running {
            schedule.is_running = false;
            schedule.next = None;
        }
    }
}

impl Awaited {
    /// What a read waits for; `None` if everything is projected.
    fn of(behind: Behind) -> Option<Self> {
        let awaited = Self { outbox: behind.outbox.map(|(_, last)| last), position: behind.position };
        (awaited != Self { outbox: None, position: None }).then_some(awaited)
    }

    /// Whether the read models have the awaited events. Events of the owner that were committed later do not count,
    /// so that a busy owner does not wait for ever.
    fn is_met(&mut self, level: Position, behind: Behind) -> bool {
        if let Some(last) = self.outbox
            && behind.outbox.is_none_or(|(first, _)| first > last)
        {
            // The awaited events have left the outbox, and have positions up to this one.
            self.outbox = None;
            self.position = self.position.max(behind.position);
        }
        self.outbox.is_none() && self.position.is_none_or(|position| level >= position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(outbox: Option<(i64, i64)>, position: Option<u64>) -> Behind {
        Behind { outbox, position: position.map(Position) }
    }

    #[test]
    fn an_owner_whose_events_are_projected_waits_for_nothing() {
        assert_eq!(Awaited::of(behind(None, None)), None);
    }

    #[test]
    fn a_read_waits_for_events_through_outbox_and_ledger_into_the_read_models() {
        let mut awaited = Awaited::of(behind(Some((7, 9)), Some(40))).unwrap();
        assert!(!awaited.is_met(Position(40), behind(Some((9, 9)), None)));
        assert!(!awaited.is_met(Position(40), behind(None, Some(43))));
        assert!(!awaited.is_met(Position(42), behind(None, Some(43))));
        assert!(awaited.is_met(Position(43), behind(None, None)));
    }

    #[test]
    fn a_read_does_not_wait_for_events_that_were_committed_after_it_arrived() {
        let mut awaited = Awaited::of(behind(Some((7, 9)), None)).unwrap();
        assert!(!awaited.is_met(Position(1), behind(Some((10, 12)), Some(5))));
        assert!(awaited.is_met(Position(5), behind(Some((13, 14)), Some(9))));
    }
}
