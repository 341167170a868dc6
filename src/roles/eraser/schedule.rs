//! Times at which each erasure is attempted. New erasures have places of their own, so that erasures that
//! cannot go on never hold them up; each of those waits for its own next attempt, with delays that grow.

use std::collections::HashMap;
use std::time::Duration;

use aggregates::ReceiptId;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use rag::error_chain::ErrorChain;

use super::{Eraser, Stuck};
use crate::runtime::backoff::Backoff;
use crate::runtime::stages::Progress;
use crate::runtime::subscription::Subscription;
use store::{Erasure, StoreError};

/// Erasures that are attempted at the same time: new ones, and those that failed before.
const NEW_AT_ONCE: usize = 4;
const RETRIED_AT_ONCE: usize = 2;
/// Intervals between looks for erasures while no request arrives.
const IDLE: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_mins(10));
/// Delays between the attempts of one erasure.
const RETRY: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(2));
/// Shortest time between two looks for which nothing but time is a reason.
const LOOK: Duration = Duration::from_secs(1);

/// The attempts that are under way.
#[derive(Default)]
struct Attempts<'a> {
    running: FuturesUnordered<BoxFuture<'a, ReceiptId>>,
    /// Whether each of them failed before.
    retried: HashMap<ReceiptId, bool>,
}

impl Eraser {
    /// Attempts erasures as they become due, for ever.
    pub(super) async fn follow_requests(&self) {
        let mut requests = Subscription::new(self.nats.clone(), self.subjects.erasing());
        let (mut idle, mut attempts, progress) = (IDLE, Attempts::default(), Progress::of("eraser"));
        loop {
            let delay = match self.start_due(&mut attempts).await {
                Ok(next) => {
                    progress.ok();
                    next.map_or(Duration::MAX, |next| next.max(LOOK)).min(idle.next_delay())
                }
                Err(error) => {
                    tracing::warn!(error = %ErrorChain(&error), "erasures could not be looked up");
                    progress.failing(ErrorChain(&error));
                    RETRY.delay_before(1)
                }
            };
            let waiting = async {
                tokio::select! {
                    Some(receipt) = attempts.running.next() => {
                        attempts.retried.remove(&receipt);
                    }
                    _ = requests.next() => idle.reset(),
                    () = tokio::time::sleep(delay) => {}
                }
            };
            progress.waiting(waiting).await;
        }
    }

    /// Starts due erasures in free places. Returns the time until the next one is due, if one is unfinished.
    async fn start_due<'a>(&'a self, attempts: &mut Attempts<'a>) -> Result<Option<Duration>, StoreError> {
        self.store.find_requested_erasures().await?;
        for (retried, places) in [(false, NEW_AT_ONCE), (true, RETRIED_AT_ONCE)] {
            let taken = attempts.retried.values().filter(|other| **other == retried).count();
            let limit = u32::try_from(places + attempts.retried.len()).unwrap_or(u32::MAX);
            let due = self.store.due_erasures(retried, limit).await?;
            let waiting = due.into_iter().filter(|erasure| !attempts.retried.contains_key(&erasure.receipt));
            for erasure in waiting.take(places.saturating_sub(taken)).collect::<Vec<_>>() {
                attempts.retried.insert(erasure.receipt, retried);
                attempts.running.push(Box::pin(async move {
                    let _ = self.attempt_once(&erasure).await;
                    erasure.receipt
                }));
            }
        }
        self.store.next_erasure_attempt().await
    }

    /// Attempts every unfinished erasure once, whether or not it is due. Fails with the first failure.
    pub async fn erase_unfinished(&self) -> anyhow::Result<()> {
        self.store.find_requested_erasures().await?;
        let unfinished = self.store.unfinished_erasures().await?;
        let attempts = unfinished.iter().map(|erasure| self.attempt_once(erasure));
        let mut attempts = futures::stream::iter(attempts).buffer_unordered(NEW_AT_ONCE);
        let mut failed = None;
        while let Some(attempted) = attempts.next().await {
            failed = failed.or(attempted.err());
        }
        failed.map_or(Ok(()), |stuck| Err(stuck.error))
    }

    /// One attempt, whose failure is logged and sets the time of the next one.
    async fn attempt_once(&self, erasure: &Erasure) -> Result<(), Stuck> {
        let Err(stuck) = self.attempt(erasure).await else { return Ok(()) };
        let attempt = erasure.attempts.unsigned_abs() + 1;
        let delay = RETRY.delay_before(attempt);
        tracing::warn!(
            receipt = %erasure.receipt,
            attempt,
            store = stuck.at.map(aggregates::account::ErasureTarget::name),
            next_attempt_s = delay.as_secs(),
            error = format!("{:#}", stuck.error),
            "an erasure cannot be completed yet and is retried"
        );
        if let Err(error) = self.store.postpone_erasure(erasure.receipt, stuck.at, delay).await {
            tracing::warn!(error = %ErrorChain(&error), "the next attempt of an erasure could not be recorded");
        }
        Err(stuck)
    }
}
