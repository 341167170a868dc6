//! Reading one's own write: waits until the read models have come far enough.

use std::time::Duration;

use aggregates::{ConversationId, DocumentId, Position, UserId, Version};
use projections::{conversations, documents};

use crate::api::Api;
use crate::api::problem::Problem;

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(2);
/// How often it is looked, besides at each announcement.
const LOOK: Duration = Duration::from_millis(25);

/// Waits until the read models have come to a position.
pub(crate) async fn for_position(api: &Api, wanted: Option<u64>) -> Result<(), Problem> {
    let Some(wanted) = wanted.map(Position) else { return Ok(()) };
    let mut reached = api.live.read_position();
    let deadline = tokio::time::Instant::now() + LONGEST;
    loop {
        reached.mark_unchanged();
        if api.live.is_level(wanted) {
            return Ok(());
        }
        let current = projections::lowest_checkpoint(api.store.pool()).await?;
        api.live.observe_level(current);
        if current >= wanted {
            return Ok(());
        }
        if tokio::time::Instant::now() >= deadline {
            return Err(Problem::not_yet(current.0));
        }
        let _ = tokio::time::timeout(LOOK, reached.changed()).await;
    }
}

/// Waits until the read models show a conversation at a version.
pub(crate) async fn for_version(
    api: &Api,
    owner: UserId,
    conversation: ConversationId,
    wanted: Option<u64>,
) -> Result<(), Problem> {
    let Some(wanted) = wanted.map(Version) else { return Ok(()) };
    let mut reached = api.live.read_position();
    let deadline = tokio::time::Instant::now() + LONGEST;
    loop {
        reached.mark_unchanged();
        let current =
            conversations::version(api.store.pool(), owner, conversation).await?.unwrap_or_default();
        if current >= wanted {
            return Ok(());
        }
        if tokio::time::Instant::now() >= deadline {
            return Err(Problem::not_yet(current.0));
        }
        let _ = tokio::time::timeout(LOOK, reached.changed()).await;
    }
}

/// Waits until the read models show a document at a version.
pub(crate) async fn for_document(
    api: &Api,
    owner: UserId,
    document: DocumentId,
    wanted: Option<u64>,
) -> Result<(), Problem> {
    let Some(wanted) = wanted.map(Version) else { return Ok(()) };
    let deadline = tokio::time::Instant::now() + LONGEST;
    loop {
        let mut current = Version(0);
        for owner in [owner, UserId::SHARED] {
            let row = documents::get(api.store.pool(), owner, document).await?;
            current = row.map_or(current, |row| row.version());
        }
        if current >= wanted {
            return Ok(());
        }
        if tokio::time::Instant::now() >= deadline {
            return Err(Problem::not_yet(current.0));
        }
        tokio::time::sleep(LOOK).await;
    }
}
