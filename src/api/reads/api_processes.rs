//! Whether other processes accept commands.
//!
//! The process that is alone knows every accepted command, so that its reads need not ask the database for
//! the commands of others. Two rules keep this true, without a clock that processes share:
//!
//! - A process accepts commands while its registration is fresh, and begins only after any other process has
//!   had the time to see it: longer than another process believes a look at the registrations.
//! - A process counts as gone when its row did not change for longer than its own registration stays fresh.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rag::error_chain::ErrorChain;
use store::{ApiProcess, Store, StoreError};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use uuid::Uuid;

use crate::api::problem::Problem;

/// Interval of renewals.
const RENEW_EVERY: Duration = Duration::from_millis(400);
/// Time for which a look at the registrations is believed, from its start.
const BELIEVED: Duration = Duration::from_secs(1);
/// Time from a registration to the first command beside other processes.
const ANNOUNCED: Duration = Duration::from_millis(1_200);
/// Time for which a registration is fresh, from the start of its renewal.
const FRESH: Duration = Duration::from_secs(8);
/// Time without a renewal after which a process counts as gone.
const GONE: Duration = Duration::from_secs(10);
/// Time without a renewal after which the row of a process is deleted.
const FORGOTTEN: Duration = Duration::from_mins(1);
/// Longest wait of a command for the registration.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The registration of this process, and what it knows of others.
#[derive(Debug)]
pub(super) struct ApiProcesses {
    store: Store,
    known: Mutex<Known>,
    /// Held by whoever registers or renews.
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    registration: Option<Registration>,
    /// The moment until which no other process accepts commands.
    alone_until: Option<Instant>,
    others: HashMap<Uuid, Renewed>,
}

#[derive(Debug, Clone, Copy)]
struct Registration {
    id: Uuid,
    accepts_from: Instant,
    fresh_until: Instant,
}

/// The last change of a row that this process saw.
#[derive(Debug, Clone, Copy)]
struct Renewed {
    renewals: i64,
    seen: Instant,
}

impl ApiProcesses {
    pub(super) fn new(store: Store) -> Self {
        Self { store, known: Mutex::default(), renewing: tokio::sync::Mutex::default() }
    }

    /// Whether no other process accepts commands now.
    pub(super) fn is_alone(&self) -> bool {
        self.known().alone_until.is_some_and(|until| Instant::now() < until)
    }

    /// Waits until this process may accept commands, up to 5 s. Costs nothing while the
    /// registration is fresh.
    pub(super) async fn until_accepting(&self) -> Result<(), Problem> {
        let deadline = Instant::now() + MAX_WAIT;
        loop {
            match self.fresh().map(|registration| registration.accepts_from) {
                Some(from) if from <= Instant::now() => return Ok(()),
                Some(from) => sleep_until(from).await,
                None => match timeout_at(deadline, self.renew()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) if Instant::now() + RENEW_EVERY < deadline => sleep(RENEW_EVERY).await,
                    _ => return Err(Problem::unavailable("The store cannot be reached.")),
                },
            }
        }
    }

    /// Keeps the registration fresh, for ever.
    pub(super) async fn keep_registered(&self) {
        loop {
            if let Err(error) = self.renew().await {
                tracing::debug!(error = %ErrorChain(&error), "the registration of the process was not renewed");
            }
            sleep(RENEW_EVERY).await;
        }
    }

    /// Ends the registration. The process accepts no command afterwards.
    pub(super) async fn leave(&self) {
        let _renewing = self.renewing.lock().await;
        let Some(Registration { id, .. }) = self.known().registration.take() else { return };
        if let Err(error) = self.store.remove_api_processes(&[id]).await {
            tracing::debug!(error = %ErrorChain(&error), "the registration of the process was not removed");
        }
    }

    /// The registration, if it is fresh.
    fn fresh(&self) -> Option<Registration> {
        self.known().registration.filter(|registration| Instant::now() < registration.fresh_until)
    }

    async fn renew(&self) -> Result<(), StoreError> {
        let _renewing = self.renewing.lock().await;
        let begun = Instant::now();
        if let Some(Registration { id, .. }) = self.fresh()
            && let Some(others) = self.store.renew_api_process(id).await?
        {
            return self.note(begun, id, &others, false).await;
        }
        let former = self.known().registration.map(|registration| registration.id);
        let id = Uuid::new_v4();
        let others = self.store.register_api_process(id, former).await?;
        self.note(begun, id, &others, true).await
    }

    async fn note(
        &self,
        begun: Instant,
        id: Uuid,
        others: &[ApiProcess],
        is_new: bool,
    ) -> Result<(), StoreError> {
        let forgotten = self.known().note(begun, id, others, is_new);
        if forgotten.is_empty() { Ok(()) } else { self.store.remove_api_processes(&forgotten).await }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Notes what a renewal or a registration saw. Returns the rows of processes that ended long ago.
    fn note(&mut self, begun: Instant, id: Uuid, others: &[ApiProcess], is_new: bool) -> Vec<Uuid> {
        let now = Instant::now();
        let before = std::mem::take(&mut self.others);
        for &ApiProcess { id, renewals } in others {
            let seen = before.get(&id).filter(|renewed| renewed.renewals == renewals);
            self.others.insert(id, seen.copied().unwrap_or(Renewed { renewals, seen: now }));
        }
        let is_alone = self.others.values().all(|renewed| now - renewed.seen > GONE);
        self.alone_until = is_alone.then(|| begun + BELIEVED);
        let accepts_from = match self.registration {
            Some(registration) if !is_new => registration.accepts_from,
            _ if is_alone => now,
            _ => now + ANNOUNCED,
        };
        self.registration = Some(Registration { id, accepts_from, fresh_until: begun + FRESH });
        let is_forgotten = |renewed: &Renewed| now - renewed.seen > FORGOTTEN;
        self.others.iter().filter(|(_, renewed)| is_forgotten(renewed)).map(|(id, _)| *id).collect()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const OTHER: Uuid = Uuid::from_u128(1);
    const OWN: Uuid = Uuid::from_u128(2);

    fn saw(known: &mut Known, renewals: i64, is_new: bool) -> bool {
        known.note(Instant::now(), OWN, &[ApiProcess { id: OTHER, renewals }], is_new);
        known.alone_until.is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_without_others_is_alone_and_accepts_at_once() {
        let mut known = Known::default();
        assert!(known.note(Instant::now(), OWN, &[], true).is_empty());
        assert!(known.alone_until.is_some());
        assert_eq!(known.registration.unwrap().accepts_from, Instant::now());
    }

    #[tokio::test(start_paused = true)]
    async fn beside_another_process_a_new_one_accepts_after_the_other_has_had_time_to_see_it() {
        let mut known = Known::default();
        assert!(!saw(&mut known, 7, true));
        let accepts_from = known.registration.unwrap().accepts_from;
        assert!(accepts_from - Instant::now() > BELIEVED);
        advance(RENEW_EVERY).await;
        assert!(!saw(&mut known, 8, false));
        assert_eq!(known.registration.unwrap().accepts_from, accepts_from);
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_is_gone_when_its_row_stays_unchanged_for_longer_than_a_registration_is_fresh() {
        let mut known = Known::default();
        assert!(!saw(&mut known, 7, true));
        advance(FRESH).await;
        assert!(!saw(&mut known, 7, false));
        advance(GONE.saturating_sub(FRESH)).await;
        assert!(!saw(&mut known, 7, false));
        advance(RENEW_EVERY).await;
        assert!(saw(&mut known, 7, false));
        assert!(!saw(&mut known, 8, false), "it renewed its row");
    }

    #[tokio::test(start_paused = true)]
    async fn the_row_of_a_process_that_ended_is_deleted_at_last() {
        let mut known = Known::default();
        let row = [ApiProcess { id: OTHER, renewals: 7 }];
        assert!(known.note(Instant::now(), OWN, &row, true).is_empty());
        advance(FORGOTTEN + RENEW_EVERY).await;
        assert_eq!(known.note(Instant::now(), OWN, &row, false), [OTHER]);
    }
}
