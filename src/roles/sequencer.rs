//! The sequencer: assigns ledger positions to committed events, and publishes them.
//!
//! Sequencing needs Postgres alone. Publishing follows as NATS permits: from memory while it keeps up, else
//! from the ledger.

mod counts;
mod publisher;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use aggregates::Position;
use async_nats::Client;
use bytes::Bytes;
use nats::Subjects;
use rag::error_chain::ErrorChain;
use tokio::sync::mpsc;

use crate::runtime::backoff::Backoff;
use crate::runtime::hint::send_hint;
use crate::runtime::stages::Progress;
use crate::runtime::subscription::Subscription;
use crate::runtime::traced_batch::record_batch;
use crate::runtime::wake::SequencerWake;
use crate::telemetry::traces::Kind;
use publisher::Publisher;
use store::{LedgerEntry, Sequenced, Store, StoreError};

/// Intervals between looks at the outbox while no hint arrives. A lost hint costs the longest one.
const IDLE: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(4));
/// Delays while the store is away.
const RETRY: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));
/// Events of one transaction, at most. A larger batch saves round trips and delays its first event.
const BATCH: u32 = 1_000;
/// Time limit for handing a hint to the connection.
const HINT_TIMEOUT: Duration = Duration::from_secs(1);
/// Batches kept in memory for the publisher; it reads what does not fit from the ledger.
const QUEUED_BATCHES: usize = 4;

/// Sequences and publishes for ever. May be cut off at any moment: the outbox keeps what is
/// not sequenced yet.
pub async fn run(store: Store, nats: Client, subjects: Subjects, wake: SequencerWake) {
    let (batches, queued_batches) = mpsc::channel(QUEUED_BATCHES);
    let is_publishing = Arc::new(AtomicBool::new(false));
    let hints = Subscription::new(nats.clone(), subjects.wake_sequencer());
    let sequencing = Sequencing {
        store: store.clone(),
        nats: nats.clone(),
        wake_feeds: subjects.wake_feeds(),
        batches,
        is_publishing: Arc::clone(&is_publishing),
    };
    let publisher = Publisher::new(store, nats, subjects, queued_batches, is_publishing);
    tokio::select! {
        () = publisher.run() => {}
        () = sequencing.run(&wake) => {}
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

/// The assignment of positions, with its recipients.
struct Sequencing {
    store: Store,
    nats: Client,
    wake_feeds: String,
    batches: mpsc::Sender<Arc<Vec<LedgerEntry>>>,
    /// Whether new events reach JetStream.
    is_publishing: Arc<AtomicBool>,
}

/// State for the next turn.
struct Turn {
    head: Option<Head>,
    limit: u32,
    overtaken: bool,
    retry: Backoff,
}

/// Continuation after a turn.
enum After {
    Again,
    Pause,
    Idle,
}

impl Sequencing {
    async fn run(&self, wake: &SequencerWake) {
        let mut turn = Turn { head: None, limit: BATCH, overtaken: false, retry: RETRY };
        let (mut idle, progress) = (IDLE, Progress::of("sequencer"));
        clear_outbox(&self.store).await;
        loop {
            let began = SystemTime::now();
            let worked = sequence_batch(&self.store, &mut turn.head, turn.limit).await;
            if let Ok(Sequenced::Appended { entries, .. }) = &worked {
                record_batch("sequence", Kind::Internal, began, entries);
            }
            let has_work = matches!(worked, Ok(Sequenced::Appended { .. }));
            match self.after(&mut turn, worked, &progress).await {
                After::Again => continue,
                After::Pause => {
                    turn.retry.wait().await;
                    continue;
                }
                After::Idle => turn.retry.reset(),
            }
            if has_work {
                idle.reset();
            }
            // An append that the outbox query did not see has left a hint.
            if tokio::time::timeout(idle.next_delay(), wake.notified()).await.is_ok() {
                idle.reset();
            }
        }
    }

    async fn after(
        &self,
        turn: &mut Turn,
        worked: Result<Sequenced, StoreError>,
        progress: &Progress,
    ) -> After {
        match worked {
            Ok(Sequenced::Appended { entries, full }) => {
                (turn.limit, turn.overtaken) = (BATCH, false);
                turn.retry.reset();
                progress.ok();
                let entries = Arc::new(entries);
                self.hand_on(Arc::clone(&entries)).await;
                counts::count(&entries);
                if full { After::Again } else { After::Idle }
            }
            Ok(Sequenced::Nothing) => {
                progress.ok();
                After::Idle
            }
            Ok(Sequenced::Overtaken) => {
                progress.ok();
                // Another sequencer was faster, or the outbox has an event that has its position already.
                if turn.head.take().is_some() && !std::mem::replace(&mut turn.overtaken, true) {
                    return After::Again;
                }
                clear_outbox(&self.store).await;
                After::Pause
            }
            Err(error) => {
                // Whether the last transaction was committed is unknown: the ledger tells.
                turn.head = None;
                // A batch that takes longer than a statement may is halved until it passes.
                turn.limit = (turn.limit / 2).max(1);
                tracing::warn!(error = %ErrorChain(&error), "sequencing failed and is retried");
                progress.failing(ErrorChain(&error));
                After::Pause
            }
        }
    }

    /// Hands a batch to the publisher. While JetStream takes none, those who follow the ledger are told to
    /// read it.
    async fn hand_on(&self, entries: Arc<Vec<LedgerEntry>>) {
        // A full channel means that publishing lags: the publisher reads the ledger.
        let is_queued = self.batches.try_send(entries).is_ok();
        if !is_queued || !self.is_publishing.load(Ordering::Relaxed) {
            send_hint(&self.nats, self.wake_feeds.clone(), Bytes::new(), HINT_TIMEOUT).await;
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
