//! Looks for answers that are pending though no delivery speaks for them: the stream was wiped, an acknowledgement came
//! too early, a message could not be read.
//!
//! With the leases this makes sure that each requested answer ends: a delivery or this look brings it to a worker, the
//! claim counts how often, and the count is bounded. Nothing needs to survive for it but Postgres.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use aggregates::AnswerId;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::processor::{Desk, Request};
use store::StoreError;

/// How long an answer may be pending before somebody looks after it; by then a delivery has brought it, many times over.
const PENDING: Duration = Duration::from_mins(1);
/// The most pending answers looked at at once.
const AT_ONCE: u32 = 1_000;
/// How soon it looks after something may have been lost, and while there is work; after looks that found nothing the pauses
/// grow, so that an idle database may fall asleep.
const FIRST_LOOK: Duration = Duration::from_secs(10);
const LAST_LOOK: Duration = Duration::from_mins(10);

/// Looks for ever.
pub(crate) async fn run(desk: Arc<Desk>, slots: Arc<Semaphore>, tasks: TaskTracker, suspicion: Arc<Notify>) {
    let mut pause = FIRST_LOOK;
    loop {
        let mut at = Instant::now() + jittered(pause, &desk);
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(at) => break,
                () = suspicion.notified() => {
                    pause = FIRST_LOOK;
                    at = at.min(Instant::now() + jittered(pause, &desk));
                }
            }
        }
        match look(&desk, &slots, &tasks).await {
            Ok(0) => pause = (pause * 2).min(LAST_LOOK),
            Ok(found) => {
                tracing::warn!(found, "answers were pending and nobody had them");
                pause = FIRST_LOOK;
            }
            Err(error) => tracing::warn!(%error, "could not look for pending answers"),
        }
    }
}

/// Takes up what is pending and nobody holds, while there are free slots. Returns how many there were.
async fn look(desk: &Arc<Desk>, slots: &Arc<Semaphore>, tasks: &TaskTracker) -> Result<usize, StoreError> {
    let pending = projections::pending_answers(desk.store.pool(), PENDING.as_secs_f64(), AT_ONCE).await?;
    let answers: Vec<AnswerId> = pending.iter().map(|answer| answer.answer_id).collect();
    let held = if answers.is_empty() { HashSet::new() } else { desk.store.held_answers(&answers).await? };
    let free: Vec<_> = pending.iter().filter(|answer| !held.contains(&answer.answer_id)).collect();
    for answer in &free {
        let Ok(slot) = Arc::clone(slots).try_acquire_owned() else { break };
        let desk = Arc::clone(desk);
        let request = Request { conversation_id: answer.conversation_id, answer_id: answer.answer_id };
        tasks.spawn(async move {
            // What has to be tried again is found by the next look, unless a delivery brings it first.
            desk.take_up(request, None).await;
            drop(slot);
        });
    }
    if let Err(error) = desk.store.purge_leases().await {
        tracing::debug!(%error, "old leases could not be purged");
    }
    Ok(free.len())
}

/// Up to a quarter longer, differently for each worker, so that not all look at once.
fn jittered(pause: Duration, desk: &Desk) -> Duration {
    let share = u32::from(desk.holder.as_bytes().last().copied().unwrap_or_default());
    pause + pause * share / 1_024
}
