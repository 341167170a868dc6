//! Rebuilds read models from the ledger without downtime, or compares them with the ledger.

use std::sync::Arc;

use aggregates::Position;
use projections::{DecryptedEvent, Difference, ReadModel, Rebuild};
use sqlx::PgTransaction;
use tokio::task::JoinSet;

use crate::runtime::decrypt::decrypt_events;
use store::{Store, StoreError};

/// Events of one transaction.
const BATCH: u32 = 5_000;
/// Lag below which the projector is held and the new table replaces the old one.
const CLOSE: u64 = 2_000;

/// Rebuilds read models together: the ledger is read and decrypted once. `progress` receives the current and
/// the last position. Resumes an interrupted rebuild.
pub async fn rebuild(
    store: &Store,
    models: &[ReadModel],
    progress: impl Fn(Position, Position),
) -> Result<(), StoreError> {
    // A new read model may lag behind the others: the new table does not wait for it.
    for mut rebuild in fill(store, models, Goal::Highest, progress).await? {
        rebuild.create_indexes(store.pool()).await?;
        let transaction = catch_up(store, &mut rebuild).await?;
        rebuild.swap(transaction).await?;
    }
    Ok(())
}

/// Compares the rows of read models with those that the ledger yields. Changes nothing.
pub async fn check(
    store: &Store,
    models: &[ReadModel],
    progress: impl Fn(Position, Position),
) -> Result<Vec<(ReadModel, Vec<Difference>)>, StoreError> {
    let mut checked = Vec::with_capacity(models.len());
    for mut rebuild in fill(store, models, Goal::Lowest, progress).await? {
        let model = rebuild.model();
        let transaction = catch_up(store, &mut rebuild).await?;
        checked.push((model, rebuild.compare(transaction).await?));
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
    async fn position(self, store: &Store) -> Result<Position, StoreError> {
        let found = match self {
            Self::Lowest => projections::lowest_checkpoint(store.pool()).await,
            Self::Highest => projections::highest_checkpoint(store.pool()).await,
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
) -> Result<Vec<Rebuild>, StoreError> {
    let mut rebuilds = Vec::with_capacity(models.len());
    for model in models {
        rebuilds.push(Rebuild::begin(store.pool(), *model).await?);
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
        batch = next.await.map_err(|error| StoreError::Corrupt(error.to_string()))??;
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
) -> Result<Vec<Rebuild>, StoreError> {
    let mut applying = JoinSet::new();
    for mut rebuild in rebuilds {
        let (pool, batch) = (store.pool().clone(), Arc::clone(&batch));
        applying.spawn(async move { rebuild.apply(&pool, &batch).await.map(|()| rebuild) });
    }
    let mut applied = Vec::with_capacity(applying.len());
    while let Some(rebuild) = applying.join_next().await {
        applied.push(rebuild.map_err(|error| StoreError::Corrupt(error.to_string()))??);
    }
    Ok(applied)
}

/// Holds the projector and applies the remaining events to the new table.
async fn catch_up(store: &Store, rebuild: &mut Rebuild) -> Result<PgTransaction<'static>, StoreError> {
    let mut transaction = store.pool().begin().await?;
    let live = rebuild.lock_checkpoint(&mut transaction).await?;
    loop {
        let left = u32::try_from(live.0.saturating_sub(rebuild.position().0)).unwrap_or(u32::MAX);
        if left == 0 {
            return Ok(transaction);
        }
        let events = store.events_after(rebuild.position(), left.min(BATCH)).await?;
        if events.is_empty() {
            return Err(StoreError::Corrupt(format!("the ledger ends before position {live}")));
        }
        rebuild.apply_in(&mut transaction, &decrypt_events(store, events).await?).await?;
    }
}
