//! The projector: makes the read models from the ledger, batch by batch, rows and checkpoint in one transaction.

use std::time::Duration;

use aggregates::{AggregateType, ConversationId, RecordedEvent, UserId};
use async_nats::Client;
use nats::{Projected, Subjects};
use projections::Opened;
use tokio_util::sync::CancellationToken;

use crate::runtime::ledger_feed::LedgerFeed;
use store::{Store, StoreError, subject_of};

/// The most events in one transaction. Under load batches grow by themselves, since events arrive while one is applied.
const BATCH: usize = 1_000;
/// How long an unreachable store is left alone.
const PAUSE: Duration = Duration::from_millis(500);

/// Follows the ledger and keeps the read models level with it, until cancelled.
pub async fn run(store: Store, nats: Client, subjects: Subjects, cancel: CancellationToken) {
    let projecting = async {
        loop {
            if let Err(error) = project(&store, &nats, &subjects).await {
                tracing::warn!(%error, "projecting is interrupted");
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = projecting => {}
        () = cancel.cancelled() => {}
    }
}

async fn project(store: &Store, nats: &Client, subjects: &Subjects) -> Result<(), StoreError> {
    let checkpoint = projections::lowest_checkpoint(store.pool()).await?;
    let mut feed = LedgerFeed::new(store.clone(), nats.clone(), subjects, checkpoint);
    loop {
        let after = feed.position();
        let events = feed.next(BATCH).await?;
        let changed = changed_conversations(&events);
        let batch = open(store, events).await?;
        let mut transaction = store.pool().begin().await?;
        projections::apply(&mut transaction, &batch).await?;
        transaction.commit().await?;
        announce(nats, subjects, Projected { after, position: feed.position(), changed }).await;
    }
}

/// Opens a batch, with the keys that read models need to seal and to index.
pub(crate) async fn open(store: &Store, mut events: Vec<RecordedEvent>) -> Result<Vec<Opened>, StoreError> {
    let keys = store.open(&mut events).await?;
    let mut owners: Vec<UserId> = events.iter().map(|event| event.owner).collect();
    owners.sort_unstable();
    owners.dedup();
    let user_keys = store.keyring().user_keys(&owners).await?;
    Ok(events
        .into_iter()
        .map(|recorded| Opened {
            key: subject_of(&recorded).and_then(|subject| keys.get(&subject).copied()),
            blind: user_keys.get(&recorded.owner).map(sealing::UserKey::blind_key),
            recorded,
        })
        .collect())
}

/// The conversations a batch touches, sorted by owner.
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

/// Tells the api processes. A lost announcement is made good by the next one, and by their own looking.
async fn announce(nats: &Client, subjects: &Subjects, projected: Projected) {
    if let Err(error) = nats.publish(subjects.projected(), projected.to_bytes()).await {
        tracing::debug!(%error, "could not announce the read models' position");
    }
}
