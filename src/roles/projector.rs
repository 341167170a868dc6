//! The projector: applies the ledger to the read models, batch by batch, rows and checkpoint in one
//! transaction.

use std::time::Duration;

use aggregates::{AggregateType, ConversationId, RecordedEvent, UserId};
use async_nats::Client;
use nats::{Projected, Subjects};
use rag::error_chain::ErrorChain;
use store::Store;

use crate::runtime::backoff::Backoff;
use crate::runtime::decrypt::decrypt_events;
use crate::runtime::ledger_feed::LedgerFeed;

/// The most events in one transaction. Batches grow under load, because events arrive while one is applied.
const BATCH: usize = 1_000;
/// Delays after a failure.
const RETRY: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
/// Time limit for one announcement.
const ANNOUNCE_TIMEOUT: Duration = Duration::from_secs(1);

/// Follows the ledger and applies it to the read models, for ever. May be cut off at any moment: a batch that
/// is not committed is applied again.
pub async fn run(store: Store, nats: Client, subjects: Subjects) {
    let mut retry = RETRY;
    loop {
        let mut applied = false;
        if let Err(error) = project(&store, &nats, &subjects, &mut applied).await {
            tracing::warn!(error = format!("{error:#}"), "projecting was interrupted and is retried");
        }
        if applied {
            retry.reset();
        }
        retry.wait().await;
    }
}

async fn project(
    store: &Store,
    nats: &Client,
    subjects: &Subjects,
    applied: &mut bool,
) -> anyhow::Result<()> {
    let checkpoint = projections::lowest_checkpoint(store.read_models()).await?;
    let mut feed = LedgerFeed::new(store.clone(), nats.clone(), subjects, checkpoint);
    loop {
        let after = feed.position();
        let events = feed.next(BATCH).await?;
        let changed = changed_conversations(&events);
        let batch = decrypt_events(store, events).await?;
        projections::project(store.read_models(), &batch).await?;
        *applied = true;
        announce(nats, subjects, Projected { after, position: feed.position(), changed }).await;
    }
}

/// Conversations that a batch changes, sorted by owner.
fn changed_conversations(events: &[RecordedEvent]) -> Vec<(UserId, ConversationId)> {
    let mut changed: Vec<_> = events
        .iter()
        .filter(|event| event.aggregate == AggregateType::Conversation)
        .map(|event| (event.owner, ConversationId::new(event.aggregate_id)))
        .collect();
    changed.sort_unstable();
    changed.dedup();
    changed
}

/// Announces the position to the api processes. A lost announcement is covered by the next one.
async fn announce(nats: &Client, subjects: &Subjects, projected: Projected) {
    let publishing = nats.publish(subjects.projected(), projected.to_bytes());
    match tokio::time::timeout(ANNOUNCE_TIMEOUT, publishing).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::debug!(error = %ErrorChain(&error), "the read models' position could not be announced");
        }
        Err(_) => tracing::debug!("announcing the read models' position timed out"),
    }
}
