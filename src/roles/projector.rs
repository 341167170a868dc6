//! The projector: applies the ledger to the read models, batch by batch, rows and checkpoint in one
//! transaction.

use std::time::Duration;

use aggregates::{AggregateType, ConversationId, RecordedEvent, UserId};
use async_nats::Client;
use nats::{Projected, Subjects};
use projections::DecryptedEvent;
use store::{Store, StoreError};

use crate::runtime::backoff::Backoff;
use crate::runtime::decrypt::decrypt_events;
use crate::runtime::hint::send_hint;
use crate::runtime::ledger_feed::LedgerFeed;

/// The most events in one transaction. Batches grow under load, because events arrive while one is applied.
const BATCH: usize = 1_000;
/// Time limits of one transaction. A batch that does not pass is halved and has twice the time: what is slow,
/// such as the removal of a large account's rows, passes in the end, and a silent connection is noticed soon.
const LIMIT: Duration = Duration::from_secs(8);
const LONGEST_LIMIT: Duration = Duration::from_mins(10);
/// Time by which the client waits longer for a transaction than PostgreSQL for one of its statements.
const CLIENT_MARGIN: Duration = Duration::from_secs(2);
/// Delays after a failure.
const RETRY: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
/// Time limit for one announcement.
const ANNOUNCE_TIMEOUT: Duration = Duration::from_secs(1);

/// Follows the ledger and applies it to the read models, for ever. May be cut off at any moment: a batch that
/// is not committed is applied again.
pub async fn run(store: Store, nats: Client, subjects: Subjects) {
    let (mut retry, mut pace) = (RETRY, Pace::FULL);
    loop {
        let mut applied = false;
        if let Err(error) = project(&store, &nats, &subjects, &mut pace, &mut applied).await {
            tracing::warn!(error = format!("{error:#}"), "projecting was interrupted and is retried");
            pace.slow_down();
        }
        if applied {
            retry.reset();
        }
        retry.wait().await;
    }
}

/// The size of a batch and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pace {
    batch: usize,
    limit: Duration,
}

impl Pace {
    const FULL: Self = Self { batch: BATCH, limit: LIMIT };

    fn slow_down(&mut self) {
        self.batch = (self.batch / 2).max(1);
        self.limit = (self.limit * 2).min(LONGEST_LIMIT);
    }
}

async fn project(
    store: &Store,
    nats: &Client,
    subjects: &Subjects,
    pace: &mut Pace,
    applied: &mut bool,
) -> anyhow::Result<()> {
    let checkpoint = projections::lowest_checkpoint(store.read_models()).await?;
    let mut feed = LedgerFeed::new(store.clone(), nats.clone(), subjects, checkpoint);
    loop {
        let after = feed.position();
        let events = feed.next(pace.batch).await?;
        let changed = changed_conversations(&events);
        let batch = decrypt_events(store, events).await?;
        apply(store, &batch, pace.limit).await?;
        (*applied, *pace) = (true, Pace::FULL);
        announce(nats, subjects, Projected { after, position: feed.position(), changed }).await;
    }
}

async fn apply(store: &Store, batch: &[DecryptedEvent], limit: Duration) -> anyhow::Result<()> {
    let mut connection = store.connection().await?;
    let projecting = projections::project(&mut *connection, batch, limit.saturating_sub(CLIENT_MARGIN));
    if let Ok(projected) = tokio::time::timeout(limit, projecting).await {
        return Ok(projected?);
    }
    connection.abandon();
    Err(StoreError::TimedOut.into())
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
    send_hint(nats, subjects.projected(), projected.to_bytes(), ANNOUNCE_TIMEOUT).await;
}
