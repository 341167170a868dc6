//! Finds pending answers that are missing in the queue: the stream was lost, or a message could
//! not be decoded.
//!
//! Together with the queue the sweep makes every requested answer end: a delivery or the sweep brings it into
//! the queue, where it stays until it has ended, and the attempts at it are limited. Only Postgres has to
//! survive for that.

use std::sync::Arc;
use std::time::Duration;

use aggregates::AnswerRef;
use aggregates::operation::DeadLetterKind;
use rag::error_chain::ErrorChain;
use store::AnswerRequest;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::processor::AnswerProcessor;
use super::work::Work;
use crate::runtime::backoff::Backoff;

/// Age from which on a pending answer that is not in the queue counts as undelivered. A delivery
/// takes far less.
const PENDING: Duration = Duration::from_mins(1);
/// Pending answers that one look reads.
const AT_ONCE: u32 = 1_000;
/// Intervals between looks while nothing is found, so that an idle database can suspend.
const IDLE: Backoff = Backoff::new(Duration::from_secs(10), Duration::from_mins(10));

/// Looks for ever: after each interval, and soon after answers were queued or deliveries may have been lost.
pub(super) async fn run(processor: Arc<AnswerProcessor>, work: Arc<Work>, suspicion: Arc<Notify>) {
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
        match look(&processor).await {
            Ok(0) => {}
            Ok(found) => {
                tracing::warn!(found, "pending answers were found without a delivery");
                idle.reset();
            }
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "pending answers could not be looked up");
            }
        }
        // Also finds the answers that another worker queued before it died.
        work.notify();
    }
}

/// Queues pending answers that are missing in the queue. Returns their number.
async fn look(processor: &AnswerProcessor) -> anyhow::Result<u64> {
    let store = &processor.store;
    let pending = projections::messages::pending_answers(store.read_models(), PENDING, AT_ONCE).await?;
    let requests = pending.into_iter().map(|pending| AnswerRequest {
        answer: AnswerRef {
            owner: pending.owner,
            conversation_id: pending.conversation_id,
            answer_id: pending.answer_id,
        },
        sequence: pending.sequence,
    });
    let mut missing = store.unqueued(requests.collect()).await?;
    let answers: Vec<_> = missing.iter().map(|request| request.answer.answer_id.uuid()).collect();
    if !answers.is_empty() {
        let given_up = store.given_up(DeadLetterKind::Answer, &answers).await?;
        missing.retain(|request| !given_up.contains(&request.answer.answer_id.uuid()));
    }
    let found = if missing.is_empty() { 0 } else { store.queue_answers(&missing).await? };
    if let Err(error) = store.purge_leases().await {
        tracing::debug!(error = %ErrorChain(&error), "expired leases could not be deleted");
    }
    Ok(found)
}
