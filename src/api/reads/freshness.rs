//! Reads show the writes of their reader: a read waits until the events that were committed before it arrived
//! are in the read models.
//!
//! Whether events of an owner are on their way is read from Postgres, which alone knows the commands that any
//! process has accepted: [`looks`](super::looks). A process that is the only one to accept commands knows the
//! owners who wrote, and reads of others wait for no look. The looks also invalidate cached responses, so
//! that the cache needs no announcement to be right; announcements only make waits shorter.

use std::sync::Arc;
use std::time::Duration;

use aggregates::{Position, UserId};
use projections::{Behind, Unprojected};
use tokio::sync::watch;
use tokio::time::Instant;

use super::api_processes::ApiProcesses;
use super::looks::Looks;
use super::written::{Write, WrittenOwners};
use crate::api::limits::Limits;
use crate::api::live::Live;
use crate::api::problem::Problem;
use store::Store;

/// Longest wait of a read for the read models.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// Interval of looks while a read waits; an announcement of the projector leads to a look at once.
const CHECK_EVERY: Duration = Duration::from_millis(25);
/// Interval at which the owners who wrote are looked for, and the most of them in one look.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
const SWEPT: usize = 512;
/// Longest distance between the end of the ledger and a position that a read waits for.
const MAX_AHEAD: u64 = 10_000;

/// Knowledge of this process about writes and read models.
#[derive(Debug)]
pub(super) struct Freshness {
    live: Arc<Live>,
    limits: Arc<Limits>,
    looks: Arc<Looks>,
    processes: ApiProcesses,
    written: Arc<WrittenOwners>,
}

/// The events of one owner that a read waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Awaited {
    /// The last row of the outbox: its event has no position yet.
    outbox: Option<i64>,
    position: Option<Position>,
}

impl Freshness {
    pub(super) fn new(store: Store, live: Arc<Live>, limits: Arc<Limits>) -> Self {
        let processes = ApiProcesses::new(store.clone());
        let looks = Arc::new(Looks::new(store, Arc::clone(&live)));
        Self { live, limits, looks, processes, written: Arc::default() }
    }

    /// Waits until this process may accept commands, up to 5 s.
    pub(super) async fn until_accepting(&self) -> Result<(), Problem> {
        self.processes.until_accepting().await
    }

    /// Notes that a write of an owner begins.
    pub(super) fn begin_write(&self, owner: UserId) -> Write {
        self.written.begin(owner)
    }

    /// Keeps the registration of the process fresh, and forgets writes that the read models show. Never ends.
    pub(super) async fn run(&self) {
        let sweeping = async {
            loop {
                tokio::time::sleep(SWEEP_EVERY).await;
                self.sweep().await;
            }
        };
        tokio::join!(self.processes.keep_registered(), sweeping);
    }

    /// Ends the registration of the process.
    pub(super) async fn leave(&self) {
        self.processes.leave().await;
    }

    async fn sweep(&self) {
        let (ended, untracked) = (self.written.all_ended(SWEPT), self.written.untracked_ended());
        if ended.is_empty() && untracked.is_none() {
            return;
        }
        let Ok(seen) = self.looks.look(ended.iter().map(|ended| ended.owner())).await else { return };
        for ended in ended {
            if seen.of(ended.owner()) == Behind::default() {
                self.written.forget(ended);
            }
        }
        if let Some(begun) = untracked
            && seen.is_level()
        {
            self.written.forget_untracked(begun);
        }
    }

    /// The last announced position of the read models.
    pub(super) fn read_position(&self) -> watch::Receiver<Position> {
        self.live.read_position()
    }

    /// Waits until the read models contain every event of an owner that was committed before the call, and
    /// until no cached response lacks one.
    pub(super) async fn wait_for_writes(&self, owner: UserId) -> Result<(), Problem> {
        if self.processes.is_alone() && !self.written.contains(owner) {
            self.looks.refresh();
            return Ok(());
        }
        let ended = self.written.ended(owner);
        let seen = self.looks.look([owner]).await?;
        if let Some(mut awaited) = Awaited::of(seen.of(owner)) {
            self.wait(owner, |now| awaited.is_met(now.level, now.of(owner))).await?;
        }
        if let Some(ended) = ended {
            self.written.forget(ended);
        }
        Ok(())
    }

    /// Waits until the read models have reached a position. A position far beyond the ledger is refused.
    pub(super) async fn wait_for_position(&self, owner: UserId, wanted: Position) -> Result<(), Problem> {
        if self.live.is_level(wanted) {
            return Ok(());
        }
        let seen = self.looks.look([owner]).await?;
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
            let now = self.looks.look([owner]).await?;
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

impl Awaited {
    /// The events that a read waits for; `None` if everything is projected.
    fn of(behind: Behind) -> Option<Self> {
        let awaited = Self { outbox: behind.outbox.map(|(_, last)| last), position: behind.position };
        (awaited != Self { outbox: None, position: None }).then_some(awaited)
    }

    /// Whether the read models have the awaited events. Events of the owner that were committed later do not
    /// count, so that a busy owner does not wait for ever.
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
