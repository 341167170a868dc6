//! Finds pending answers without a delivery: the stream was lost, an acknowledgement came too early, or a
//! message could not be decoded.
//!
//! Together with the leases the sweep makes every requested answer end: a delivery or the sweep brings it to
//! a worker, and the lease bounds the number of attempts. Only Postgres has to survive for that.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use aggregates::AnswerId;
use rag::error_chain::ErrorChain;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::processor::{AnswerProcessor, Request};
use crate::runtime::backoff::Backoff;

/// Age from which on a pending answer counts as undelivered. A delivery takes far less.
const PENDING: Duration = Duration::from_mins(1);
/// Pending answers that one look reads.
const AT_ONCE: u32 = 1_000;
/// Intervals between looks while nothing is found, so that an idle database can suspend.
const IDLE: Backoff = Backoff::new(Duration::from_secs(10), Duration::from_mins(10));

/// Looks for ever: after each interval, and soon after deliveries may have been lost.
pub(super) async fn run(
    processor: Arc<AnswerProcessor>,
    slots: Arc<Semaphore>,
    tasks: TaskTracker,
    suspicion: Arc<Notify>,
) {
    let mut idle = IDLE;
    loop {
        let mut at = Instant::now() + idle.next_delay();
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(at) => break,
                () = suspicion.notified() => {
                    idle.reset();
                    at = at.min(Instant::now() + idle.next_delay());
                }
            }
        }
        match look(&processor, &slots, &tasks).await {
            Ok(0) => {}
            Ok(found) => {
                tracing::warn!(found, "pending answers were found without a delivery");
                idle.reset();
            }
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "pending answers could not be looked up");
            }
        }
    }
}

/// Processes pending answers without a lease while slots are free. Returns their number.
async fn look(
    processor: &Arc<AnswerProcessor>,
    slots: &Arc<Semaphore>,
    tasks: &TaskTracker,
) -> anyhow::Result<usize> {
    let pending =
        projections::messages::pending_answers(processor.store.read_models(), PENDING, AT_ONCE).await?;
    let answers: Vec<AnswerId> = pending.iter().map(|answer| answer.answer_id).collect();
    let held =
        if answers.is_empty() { HashSet::new() } else { processor.store.held_answers(&answers).await? };
    let free: Vec<_> = pending.iter().filter(|answer| !held.contains(&answer.answer_id)).collect();
    for answer in &free {
        let Ok(slot) = Arc::clone(slots).try_acquire_owned() else { break };
        let processor = Arc::clone(processor);
        let request = Request { conversation_id: answer.conversation_id, answer_id: answer.answer_id };
        tasks.spawn(async move {
            // The next look, or a delivery, repeats what has to be retried.
            processor.process(request, None).await;
            drop(slot);
        });
    }
    if let Err(error) = processor.store.purge_leases().await {
        tracing::debug!(error = %ErrorChain(&error), "expired leases could not be deleted");
    }
    Ok(free.len())
}
