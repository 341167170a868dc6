//! Retention: erases conversations 30 days after their deletion and, with `RETENTION_DAYS`, conversations and
//! documents that nobody used for that long. Every event of a conversation is a use, and so is reading; a
//! pinned conversation stays. An erased item is unreadable everywhere, because its key is destroyed.
//!
//! A sweep reads the read models and sends commands that expect the version it saw, so that an owner who
//! restores or continues an item at the same moment wins. Every step is repeatable: keys are destroyed by the
//! recorded events.

use std::time::Duration;

use aggregates::Actor;
use aggregates::conversation::{ConversationCommand, Intent, RESTORE_WITHIN};
use aggregates::document::DocumentCommand;
use chrono::{DateTime, TimeDelta, Utc};
use projections::expired::{self, Expired};
use rag::error_chain::ErrorChain;
use uuid::Uuid;

use crate::roles::command_metadata::by_system;
use crate::runtime::backoff::Backoff;
use crate::runtime::key_hints::KeyHints;
use crate::runtime::wake::SequencerWake;
use store::{ExecuteError, Store};

/// Interval between sweeps.
const SWEEP_INTERVAL: Duration = Duration::from_hours(1);
/// Delays after a failed sweep.
const RETRY: Backoff = Backoff::new(Duration::from_mins(1), SWEEP_INTERVAL);
/// Rows read at once.
const BATCH: u32 = 200;

/// Ends conversations and documents by age.
#[derive(Clone)]
pub struct Retention {
    /// Event store and keys.
    pub store: Store,
    /// Wakes the sequencer.
    pub wake: SequencerWake,
    /// Tells every process that keys were destroyed.
    pub key_hints: KeyHints,
    /// Time without use after which an item is erased; `None` keeps items for ever.
    pub keep: Option<TimeDelta>,
}

impl Retention {
    /// Sweeps at the start and then hourly, for ever. A failed sweep is retried sooner.
    pub async fn run(self) {
        let mut retry = RETRY;
        loop {
            match self.sweep(Utc::now()).await {
                Ok(expired) => {
                    if expired > 0 {
                        tracing::info!(expired, "expired conversations and documents were erased");
                    }
                    retry.reset();
                    tokio::time::sleep(SWEEP_INTERVAL).await;
                }
                Err(error) => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "expired conversations and documents were not erased"
                    );
                    retry.wait().await;
                }
            }
        }
    }

    /// Erases what has expired at `now`; returns the number of items.
    pub async fn sweep(&self, now: DateTime<Utc>) -> anyhow::Result<usize> {
        let untouched_since = self.keep.map(|keep| now - keep);
        let ended = self.conversations(now, untouched_since).await? + self.documents(untouched_since).await?;
        if self.store.destroy_keys_of_the_ended().await? > 0 {
            self.key_hints.notify().await;
        }
        while self.store.purge_idempotency_keys().await? {}
        if ended > 0 {
            self.wake.notify();
        }
        Ok(ended)
    }

    async fn conversations(
        &self,
        now: DateTime<Utc>,
        untouched_since: Option<DateTime<Utc>>,
    ) -> anyhow::Result<usize> {
        let (mut ended, mut after) = (0, Uuid::nil());
        loop {
            let pool = self.store.read_models();
            let expired =
                expired::conversations(pool, now - RESTORE_WITHIN, untouched_since, after, BATCH).await?;
            for Expired { owner, id, version } in &expired {
                let command = ConversationCommand {
                    by: Actor::System,
                    at: now,
                    expected: Some(*version),
                    intent: Intent::Erase,
                };
                let conversations = self.store.conversations();
                ended += counted(conversations.execute(*id, command, &by_system(*owner), None).await)?;
            }
            match expired.last() {
                Some(last) if expired.len() == BATCH as usize => after = last.id,
                _ => return Ok(ended),
            }
        }
    }

    async fn documents(&self, untouched_since: Option<DateTime<Utc>>) -> anyhow::Result<usize> {
        let Some(since) = untouched_since else { return Ok(0) };
        let (mut ended, mut after) = (0, Uuid::nil());
        loop {
            let expired = expired::documents(self.store.read_models(), since, after, BATCH).await?;
            for Expired { owner, id, .. } in &expired {
                let documents = self.store.documents();
                let removed = documents.execute(*id, DocumentCommand::Remove, &by_system(*owner), None).await;
                ended += counted(removed)?;
            }
            match expired.last() {
                Some(last) if expired.len() == BATCH as usize => after = last.id,
                _ => return Ok(ended),
            }
        }
    }
}

/// 1 if the item ended; 0 if the aggregate refused, because the item is active again or has ended already,
/// and if this release cannot read it.
fn counted<T, E: std::error::Error + Send + Sync + 'static>(
    executed: Result<T, ExecuteError<E>>,
) -> anyhow::Result<usize> {
    match executed {
        Ok(_) => Ok(1),
        Err(ExecuteError::Refused(_)) => Ok(0),
        Err(ExecuteError::Store(error)) if error.is_of_data() => {
            tracing::warn!(error = %ErrorChain(&error), "an expired item cannot be read, and the others go on");
            Ok(0)
        }
        Err(error) => Err(error.into()),
    }
}
