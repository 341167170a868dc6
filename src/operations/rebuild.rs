//! Rebuilds read models from the ledger without downtime, or compares them with the ledger.

use std::sync::Arc;

use aggregates::Position;
use projections::{DecryptedEvent, Difference, LockedRebuild, QueryError, ReadModel, Rebuild};
use tokio::task::{JoinError, JoinSet};

use crate::runtime::decrypt::decrypt_events;
use store::{Store, StoreError};

/// Events of one transaction.
const BATCH: u32 = 5_000;
/// Lag below which the projector is held and the new table replaces the old one.
const CLOSE: u64 = 2_000;

/// A rebuild that did not finish. A repetition resumes it.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The ledger was not read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A table was not filled or not replaced.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A task of the rebuild panicked.
    #[error("task of the rebuild panicked")]
    Panicked(#[from] JoinError),
}

/// Rebuilds read models together: the ledger is read and decrypted once. `progress` receives the current and
/// the last position. Resumes an interrupted rebuild.
pub async fn rebuild(
    store: &Store,
    models: &[ReadModel],
    progress: impl Fn(Position, Position),
) -> Result<(), RebuildError> {
    // A new read model may lag behind the others: the new table does not wait for it.
    for rebuild in fill(store, models, Goal::Highest, progress).await? {
        rebuild.create_indexes(store.read_models()).await?;
        catch_up(store, rebuild).await?.swap().await?;
    }
    Ok(())
}

/// Compares the rows of read models with those that the ledger yields. Changes nothing.
pub async fn check(
    store: &Store,
    models: &[ReadModel],
    progress: impl Fn(Position, Position),
) -> Result<Vec<(ReadModel, Vec<Difference>)>, RebuildError> {
    let mut checked = Vec::with_capacity(models.len());
    for rebuild in fill(store, models, Goal::Lowest, progress).await? {
        let model = rebuild.model();
        checked.push((model, catch_up(store, rebuild).await?.compare().await?));
    }
    Ok(checked)
}

/// Position up to which new tables are filled before the projector is held.
#[derive(Debug, Clone, Copy)]
enum Goal {
    /// Lowest position of the live read models.
    Lowest,
    /// Highest position of the live read models.
    Highest,
}

impl Goal {
    async fn position(self, store: &Store) -> Result<Position, RebuildError> {
        let found = match self {
            Self::Lowest => projections::lowest_checkpoint(store.read_models()).await,
            Self::Highest => projections::highest_checkpoint(store.read_models()).await,
        };
        Ok(found?)
    }
}

/// Fills new tables until they are close behind the live ones. Reads and decrypts the next batch while the
/// last one is written.
async fn fill(
    store: &Store,
    models: &[ReadModel],
    goal: Goal,
    progress: impl Fn(Position, Position),
) -> Result<Vec<Rebuild>, RebuildError> {
    let mut rebuilds = Vec::with_capacity(models.len());
    for model in models {
        rebuilds.push(Rebuild::begin(store.read_models(), *model).await?);
    }
    let mut position = rebuilds.iter().map(Rebuild::position).min().unwrap_or(Position(0));
    let mut batch = read(store.clone(), position).await?;
    loop {
        let live = goal.position(store).await?;
        progress(position, live);
        let Some(last) = batch.last().map(|event| event.recorded.position) else { break };
        if live.0.saturating_sub(position.0) <= CLOSE {
            break;
        }
        let next = tokio::spawn(read(store.clone(), last));
        rebuilds = apply(store, rebuilds, Arc::new(batch)).await?;
        position = last;
        batch = next.await??;
    }
    Ok(rebuilds)
}

async fn read(store: Store, after: Position) -> Result<Vec<DecryptedEvent>, StoreError> {
    let events = store.events_after(after, BATCH).await?;
    decrypt_events(&store, events).await
}

/// Applies a batch to all rebuilds in parallel.
async fn apply(
    store: &Store,
    rebuilds: Vec<Rebuild>,
    batch: Arc<Vec<DecryptedEvent>>,
) -> Result<Vec<Rebuild>, RebuildError> {
    let mut applying = JoinSet::new();
    for mut rebuild in rebuilds {
        let (store, batch) = (store.clone(), Arc::clone(&batch));
        applying.spawn(async move { rebuild.apply(store.read_models(), &batch).await.map(|()| rebuild) });
    }
    let mut applied = Vec::with_capacity(applying.len());
    while let Some(rebuild) = applying.join_next().await {
        applied.push(rebuild??);
    }
    Ok(applied)
}

/// Locks the live table and fills the new one up to its position.
async fn catch_up(store: &Store, rebuild: Rebuild) -> Result<LockedRebuild<'static>, RebuildError> {
    let mut locked = rebuild.lock(store.read_models()).await?;
    loop {
        let (position, live) = (locked.position(), locked.live_position());
        let left = u32::try_from(live.0.saturating_sub(position.0)).unwrap_or(u32::MAX);
        if left == 0 {
            return Ok(locked);
        }
        let events = store.events_after(position, left.min(BATCH)).await?;
        if events.is_empty() {
            return Err(StoreError::MissingPosition { position: position.next() }.into());
        }
        locked.apply(&decrypt_events(store, events).await?).await?;
    }
}
