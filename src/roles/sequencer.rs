//! The sequencer: assigns ledger positions to committed events, and publishes them.
//!
//! Sequencing needs Postgres alone. Publishing follows as NATS permits: from memory while it keeps up, else
//! from the ledger.

mod publisher;

use std::sync::Arc;
use std::time::Duration;

use aggregates::Position;
use async_nats::Client;
use nats::Subjects;
use rag::error_chain::ErrorChain;
use tokio::sync::{mpsc, watch};

use crate::runtime::backoff::Backoff;
use crate::runtime::subscription::Subscription;
use crate::runtime::wake::SequencerWake;
use publisher::Publisher;
use store::{LedgerEntry, Sequenced, Store, StoreError};

/// Intervals between looks at the outbox while no hint arrives.
const IDLE: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_mins(10));
/// Delays while the store is away.
const RETRY: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));
/// Events of one transaction, at most. A larger batch saves round trips and delays its first event.
const BATCH: u32 = 1_000;
/// Batches kept in memory for the publisher; it reads what does not fit from the ledger.
const QUEUED_BATCHES: usize = 4;

/// Sequences and publishes for ever. May be cut off at any moment: the outbox keeps what is not sequenced
/// yet.
pub async fn run(store: Store, nats: Client, subjects: Subjects, wake: SequencerWake) {
    let (batches, queued_batches) = mpsc::channel(QUEUED_BATCHES);
    let (head, sequenced_head) = watch::channel(Position(0));
    let hints = Subscription::new(nats.clone(), subjects.wake_sequencer());
    let publisher = Publisher::new(store.clone(), nats, subjects, queued_batches, sequenced_head);
    tokio::select! {
        () = publisher.run() => {}
        () = sequence(&store, &wake, &batches, &head) => {}
        () = forward_hints(hints, &wake) => {}
    }
}

/// Passes on the hints of other processes, and looks once after hints may have been lost.
async fn forward_hints(mut hints: Subscription, wake: &SequencerWake) {
    loop {
        hints.next().await;
        wake.notify();
    }
}

async fn sequence(
    store: &Store,
    wake: &SequencerWake,
    batches: &mpsc::Sender<Arc<Vec<LedgerEntry>>>,
    sequenced_head: &watch::Sender<Position>,
) {
    let (mut head, mut limit, mut idle, mut retry) = (None, BATCH, IDLE, RETRY);
    let mut overtaken = false;
    clear_outbox(store).await;
    loop {
        match sequence_batch(store, &mut head, limit).await {
            Ok(Sequenced::Appended { entries, full }) => {
                (limit, overtaken) = (BATCH, false);
                idle.reset();
                retry.reset();
                let last = entries.last().map(|entry| entry.position);
                // A full channel means that publishing lags: the publisher reads the ledger.
                let _ = batches.try_send(Arc::new(entries));
                if let Some(position) = last {
                    sequenced_head.send_replace(position);
                }
                if full {
                    continue;
                }
            }
            Ok(Sequenced::Nothing) => retry.reset(),
            Ok(Sequenced::Overtaken) => {
                // Another sequencer was faster, or the outbox has an event that has its position already.
                if head.take().is_some() && !std::mem::replace(&mut overtaken, true) {
                    continue;
                }
                clear_outbox(store).await;
                retry.wait().await;
                continue;
            }
            Err(error) => {
                // Whether the last transaction was committed is unknown: the ledger tells.
                head = None;
                // A batch that takes longer than a statement may is halved until it passes.
                limit = (limit / 2).max(1);
                tracing::warn!(error = %ErrorChain(&error), "sequencing failed and is retried");
                retry.wait().await;
                continue;
            }
        }
        // An append that the outbox query did not see has left a hint.
        if tokio::time::timeout(idle.next_delay(), wake.notified()).await.is_ok() {
            idle.reset();
        }
    }
}

/// Removes rows that would hold up all others. What fails is tried again after the next restart or conflict.
async fn clear_outbox(store: &Store) {
    match store.clear_outbox().await {
        Ok(0) => {}
        Ok(removed) => {
            tracing::error!(removed, "rows of the outbox that no position can be given to were removed");
        }
        Err(error) => tracing::warn!(error = %ErrorChain(&error), "the outbox could not be checked"),
    }
}

type Head = (Position, store::LedgerHash);

async fn sequence_batch(store: &Store, head: &mut Option<Head>, limit: u32) -> Result<Sequenced, StoreError> {
    let known = match *head {
        Some(known) => known,
        None => *head.insert(store.ledger_head().await?),
    };
    let sequenced = store.sequence_outbox(known, limit).await?;
    if let Sequenced::Appended { entries, .. } = &sequenced
        && let Some(last) = entries.last()
    {
        *head = Some((last.position, last.hash));
    }
    Ok(sequenced)
}
