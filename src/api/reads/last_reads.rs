//! Notes on which day an owner last opened a conversation or a document, for retention: once a day for each,
//! off the path of the request.

use std::sync::{Mutex, PoisonError};

use aggregates::UserId;
use chrono::{NaiveDate, Utc};
use quick_cache::sync::Cache;
use rag::error_chain::ErrorChain;
use store::{LastRead, Store};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Reads of today that this process has noted, so that it does not note them again.
const NOTED: usize = 20_000;
/// Reads that wait to be written. Further ones are noted when they are repeated.
const QUEUE: usize = 4_096;
/// Reads written by one statement.
const BATCH: usize = 500;

/// Notes reads.
#[derive(Debug)]
pub(in crate::api) struct LastReads {
    noted: Cache<(UserId, Uuid), NaiveDate>,
    queue: mpsc::Sender<LastRead>,
    waiting: Mutex<Option<mpsc::Receiver<LastRead>>>,
}

impl LastReads {
    pub(in crate::api) fn new() -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        Self { noted: Cache::new(NOTED), queue, waiting: Mutex::new(Some(waiting)) }
    }

    /// Notes that an owner opens a conversation or document now. Never waits.
    pub(in crate::api) fn note(&self, owner: UserId, id: Uuid) {
        let read_on = Utc::now().date_naive();
        if self.noted.get(&(owner, id)) != Some(read_on)
            && self.queue.try_send(LastRead { owner, id, read_on }).is_ok()
        {
            self.noted.insert((owner, id), read_on);
        }
    }

    /// Writes the noted reads, for ever. Reads that cannot be written are noted again when they are repeated.
    pub(in crate::api) async fn write(&self, store: &Store) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut waiting) = waiting else { return std::future::pending().await };
        let mut batch = Vec::with_capacity(BATCH);
        while waiting.recv_many(&mut batch, BATCH).await > 0 {
            if let Err(error) = store.record_reads(&batch).await {
                tracing::debug!(error = %ErrorChain(&error), "reads could not be recorded");
                for LastRead { owner, id, .. } in &batch {
                    self.noted.remove(&(*owner, *id));
                }
            }
            batch.clear();
        }
    }
}
