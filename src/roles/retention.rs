//! What ends by time: conversations thrown away 30 days ago and, with `RETENTION_DAYS`, everything that nobody has touched for
//! as long. What has ended is unreadable everywhere, because its key is destroyed.
//!
//! A sweep decides by the read models and commands with the version it saw, so whoever takes something back or goes on with
//! it at that moment wins. Every step can be repeated: keys follow the events that say so.

use std::time::Duration;

use aggregates::conversation::{ConversationCommand, Intent, RESTORE_WITHIN};
use aggregates::document::DocumentCommand;
use aggregates::{Actor, Metadata, UserId};
use chrono::{DateTime, TimeDelta, Utc};
use projections::due::{self, Due};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::runtime::wake::SealerWake;
use store::{ExecuteError, Store};

/// How often it is looked for what is over.
const SWEEP: Duration = Duration::from_hours(1);
/// How many are looked at together.
const BATCH: u32 = 200;

/// Ends what is over.
#[derive(Clone)]
pub struct Retention {
    /// The event store.
    pub store: Store,
    /// What wakes the sealer.
    pub wake: SealerWake,
    /// How long things are kept that nobody touches; for ever when not given.
    pub keep: Option<TimeDelta>,
}

impl Retention {
    /// Sweeps now and every hour, until cancelled.
    pub async fn run(self, cancel: CancellationToken) {
        let sweeping = async {
            loop {
                match self.sweep(Utc::now()).await {
                    Ok(0) => {}
                    Ok(ended) => tracing::info!(ended, "what was over is erased"),
                    Err(error) => {
                        tracing::warn!(error = format!("{error:#}"), "what is over could not be erased yet");
                    }
                }
                tokio::time::sleep(SWEEP).await;
            }
        };
        tokio::select! {
            () = sweeping => {}
            () = cancel.cancelled() => {}
        }
    }

    /// Ends what is over at a moment, and says how much that was.
    pub async fn sweep(&self, now: DateTime<Utc>) -> anyhow::Result<usize> {
        let untouched_since = self.keep.map(|keep| now - keep);
        let ended = self.conversations(now, untouched_since).await? + self.documents(untouched_since).await?;
        self.store.destroy_keys_of_the_ended().await?;
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
            let pool = self.store.pool();
            let due = due::conversations(pool, now - RESTORE_WITHIN, untouched_since, after, BATCH).await?;
            for Due { owner, id, version } in &due {
                let command = ConversationCommand {
                    by: Actor::System,
                    at: now,
                    expected: Some(*version),
                    intent: Intent::Erase,
                };
                let conversations = self.store.conversations();
                ended += counted(conversations.execute(*id, command, &metadata(*owner), None).await)?;
            }
            match due.last() {
                Some(last) if due.len() == BATCH as usize => after = last.id,
                _ => return Ok(ended),
            }
        }
    }

    async fn documents(&self, untouched_since: Option<DateTime<Utc>>) -> anyhow::Result<usize> {
        let Some(since) = untouched_since else { return Ok(0) };
        let (mut ended, mut after) = (0, Uuid::nil());
        loop {
            let due = due::documents(self.store.pool(), since, after, BATCH).await?;
            for Due { owner, id, .. } in &due {
                let documents = self.store.documents();
                let removed = documents.execute(*id, DocumentCommand::Remove, &metadata(*owner), None).await;
                ended += counted(removed)?;
            }
            match due.last() {
                Some(last) if due.len() == BATCH as usize => after = last.id,
                _ => return Ok(ended),
            }
        }
    }
}

/// Whether something ended. A refusal says that it went on, or is ended already.
fn counted<T, E: std::error::Error + Send + Sync + 'static>(
    executed: Result<T, ExecuteError<E>>,
) -> anyhow::Result<usize> {
    match executed {
        Ok(_) => Ok(1),
        Err(ExecuteError::Refused(_)) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

fn metadata(owner: UserId) -> Metadata {
    Metadata {
        owner,
        actor: Actor::System,
        correlation_id: Uuid::now_v7(),
        causation_id: None,
        traceparent: None,
    }
}
