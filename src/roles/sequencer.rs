//! The sealer: gives every committed event its place in the ledger, and publishes it.
//!
//! Sealing needs Postgres alone. Publishing follows as NATS permits, from memory while it keeps up, else from the ledger.

mod publisher;

use std::sync::Arc;
use std::time::Duration;

use aggregates::Position;
use async_nats::Client;
use futures::StreamExt as _;
use nats::Subjects;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::runtime::wake::SealerWake;
use publisher::Publishing;
use store::{LedgerEntry, Sealed, Store, StoreError};

/// The first look at the outbox after silence; each further one waits twice as long, so that an idle database may fall
/// asleep. A hint ends the silence.
const FIRST_LOOK: Duration = Duration::from_millis(500);
const LAST_LOOK: Duration = Duration::from_mins(10);
/// How long an unreachable store is left alone.
const STORE_PAUSE: Duration = Duration::from_millis(250);
/// Batches sealed but not published that are kept in memory; what does not fit is read from the ledger later.
const KEPT_BATCHES: usize = 4;

/// Seals and publishes until cancelled.
pub async fn run(
    store: Store,
    nats: Client,
    subjects: Subjects,
    wake: SealerWake,
    cancel: CancellationToken,
) {
    let (batches, sealed_batches) = mpsc::channel(KEPT_BATCHES);
    let (head, sealed_head) = watch::channel(Position(0));
    let publishing =
        Publishing::new(store.clone(), nats.clone(), subjects.clone(), sealed_batches, sealed_head);
    tokio::select! {
        () = publishing.run() => {}
        () = seal(&store, &wake, &batches, &head) => {}
        () = listen(&nats, &subjects, &wake) => {}
        () = cancel.cancelled() => {}
    }
}

/// Passes hints from other processes on.
async fn listen(nats: &Client, subjects: &Subjects, wake: &SealerWake) {
    loop {
        if let Ok(mut hints) = nats.subscribe(subjects.wake_sealer()).await {
            while hints.next().await.is_some() {
                wake.wake_here();
            }
        }
        tokio::time::sleep(FIRST_LOOK).await;
    }
}

/// Moves what waits in the outbox into the ledger, for ever.
async fn seal(
    store: &Store,
    wake: &SealerWake,
    batches: &mpsc::Sender<Arc<Vec<LedgerEntry>>>,
    published_head: &watch::Sender<Position>,
) {
    let mut head = None;
    let mut silence = FIRST_LOOK;
    loop {
        match seal_once(store, &mut head).await {
            Ok(Sealed::Placed { entries, full }) => {
                silence = FIRST_LOOK;
                let last = entries.last().map(|entry| entry.position);
                // A full channel means that publishing lags: it will read the ledger.
                let _ = batches.try_send(Arc::new(entries));
                if let Some(position) = last {
                    published_head.send_replace(position);
                }
                if full {
                    continue;
                }
            }
            Ok(Sealed::Nothing) => {}
            Ok(Sealed::Overtaken) => {
                head = None;
                continue;
            }
            Err(error) => {
                // Whether the last transaction was committed is not known: the ledger is.
                head = None;
                tracing::warn!(%error, "could not seal");
                tokio::time::sleep(STORE_PAUSE).await;
                continue;
            }
        }
        // What was appended since the outbox was read has left a hint behind.
        match tokio::time::timeout(silence, wake.notified()).await {
            Ok(()) => silence = FIRST_LOOK,
            Err(_) => silence = (silence * 2).min(LAST_LOOK),
        }
    }
}

type Head = (Position, store::LedgerHash);

async fn seal_once(store: &Store, head: &mut Option<Head>) -> Result<Sealed, StoreError> {
    let known = match *head {
        Some(known) => known,
        None => *head.insert(store.ledger_head().await?),
    };
    let sealed = store.seal_outbox(known).await?;
    if let Sealed::Placed { entries, .. } = &sealed
        && let Some(last) = entries.last()
    {
        *head = Some((last.position, last.hash));
    }
    Ok(sealed)
}
