//! Reads of the caller's own writes: waits until the read models have come far enough.

use std::time::Duration;

use aggregates::{ConversationId, DocumentId, Position, UserId, Version};
use projections::{conversations, documents};
use tokio::time::Instant;

use super::ReadModels;
use crate::api::problem::Problem;

/// Longest wait.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// Interval of checks; an announcement of the projector leads to a check at once.
const CHECK_EVERY: Duration = Duration::from_millis(25);

impl ReadModels {
    /// Waits until the read models have reached a position.
    pub(in crate::api) async fn wait_for_position(&self, wanted: Option<u64>) -> Result<(), Problem> {
        let Some(wanted) = wanted.map(Position) else { return Ok(()) };
        let mut announced = self.live.read_position();
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

    /// Waits until the row of a conversation has a version.
    pub(in crate::api) async fn wait_for_conversation(
        &self,
        owner: UserId,
        id: ConversationId,
        version: Option<u64>,
    ) -> Result<(), Problem> {
        let Some(version) = version.map(Version) else { return Ok(()) };
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
        version: Option<u64>,
    ) -> Result<(), Problem> {
        let Some(version) = version.map(Version) else { return Ok(()) };
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
