//! Reads of the caller's own writes: waits until the read models have come far enough.

use std::time::Duration;

use aggregates::{ConversationId, DocumentId, Position, UserId, Version};
use projections::{conversations, documents};
use tokio::time::Instant;

use super::ReadModels;
use super::params::Counter;
use crate::api::problem::Problem;

/// Longest wait.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// Longest distance between the end of the ledger and a position that a read waits for.
const MAX_AHEAD: u64 = 10_000;
/// Interval of checks; an announcement of the projector leads to a check at once.
const CHECK_EVERY: Duration = Duration::from_millis(25);

impl ReadModels {
    /// Waits until the read models have reached a position.
    pub(in crate::api) async fn wait_for_position(&self, wanted: Option<Counter>) -> Result<(), Problem> {
        let Some(wanted) = wanted.map(Counter::position) else { return Ok(()) };
        let mut announced = self.live.read_position();
        if !self.live.is_level(wanted) {
            self.check_reachable(wanted).await?;
        }
        let deadline = Instant::now() + MAX_WAIT;
        loop {
            announced.mark_unchanged();
            if self.live.is_level(wanted) {
                return Ok(());
            }
            let current = projections::lowest_checkpoint(self.store.read_models()).await?;
            self.live.observe_level(current);
            if current >= wanted {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(Problem::not_yet(current.0));
            }
            let _ = tokio::time::timeout(CHECK_EVERY, announced.changed()).await;
        }
    }

    /// Refuses a position that the ledger will not have reached when the wait ends.
    async fn check_reachable(&self, wanted: Position) -> Result<(), Problem> {
        let (head, _) = self.store.ledger_head().await?;
        if wanted.0 > head.0.saturating_add(MAX_AHEAD) {
            let detail = format!("The ledger ends at {head}, far before this position.");
            return Err(Problem::invalid_field("min_position", detail));
        }
        Ok(())
    }

    /// Waits until the row of a conversation has a version.
    pub(in crate::api) async fn wait_for_conversation(
        &self,
        owner: UserId,
        id: ConversationId,
        version: Option<Counter>,
    ) -> Result<(), Problem> {
        let Some(version) = version.map(Counter::version) else { return Ok(()) };
        let mut announced = self.live.read_position();
        let deadline = Instant::now() + MAX_WAIT;
        loop {
            announced.mark_unchanged();
            let current =
                conversations::version(self.store.read_models(), owner, id).await?.unwrap_or_default();
            if current >= version {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(Problem::not_yet(current.0));
            }
            let _ = tokio::time::timeout(CHECK_EVERY, announced.changed()).await;
        }
    }

    /// Waits until the row of a document has a version.
    pub(in crate::api) async fn wait_for_document(
        &self,
        owner: UserId,
        id: DocumentId,
        version: Option<Counter>,
    ) -> Result<(), Problem> {
        let Some(version) = version.map(Counter::version) else { return Ok(()) };
        let deadline = Instant::now() + MAX_WAIT;
        loop {
            let mut current = Version(0);
            for owner in [owner, UserId::SHARED] {
                let row = documents::get(self.store.read_models(), owner, id).await?;
                current = row.map_or(current, |row| row.version());
            }
            if current >= version {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(Problem::not_yet(current.0));
            }
            tokio::time::sleep(CHECK_EVERY).await;
        }
    }
}
