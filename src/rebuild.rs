//! Makes read models anew from the ledger while readers keep reading the old ones, or compares them with the old ones.

use std::sync::Arc;

use aggregates::Position;
use projections::{Difference, Opened, ReadModel, Rebuild};
use sqlx::PgTransaction;
use tokio::task::JoinSet;

use crate::projector;
use crate::store::{Store, StoreError};

/// Events applied in one transaction.
const BATCH: u32 = 5_000;
/// Events that may be left when the projector is held to let a new table take the old one's place.
const CLOSE: u64 = 2_000;

/// Rebuilds read models beside each other: the ledger is read and opened once for all of them. `progress` is told how far
/// they are, and how far they have to go. What an interrupted rebuild has done counts.
pub async fn rebuild(
    store: &Store,
    models: &[ReadModel],
    progress: impl Fn(Position, Position),
) -> Result<(), StoreError> {
    for rebuild in fill(store, models, progress).await? {
        rebuild.index(store.pool()).await?;
        let (transaction, rest) = catch_up(store, &rebuild).await?;
        rebuild.swap(transaction, &rest).await?;
    }
    Ok(())
}

/// Compares read models with what the ledger makes of them anew, row by row, and leaves the live ones as they are.
pub async fn check(
    store: &Store,
    models: &[ReadModel],
    progress: impl Fn(Position, Position),
) -> Result<Vec<(ReadModel, Vec<Difference>)>, StoreError> {
    let mut checked = Vec::with_capacity(models.len());
    for rebuild in fill(store, models, progress).await? {
        let model = rebuild.model();
        let (transaction, rest) = catch_up(store, &rebuild).await?;
        checked.push((model, rebuild.compare(transaction, &rest).await?));
    }
    Ok(checked)
}

/// Fills new tables until they are close behind the live ones. The next events are read and opened while the last ones are
/// written.
async fn fill(
    store: &Store,
    models: &[ReadModel],
    progress: impl Fn(Position, Position),
) -> Result<Vec<Rebuild>, StoreError> {
    let mut rebuilds = Vec::with_capacity(models.len());
    for model in models {
        rebuilds.push(Rebuild::begin(store.pool(), *model).await?);
    }
    let mut position = rebuilds.iter().map(Rebuild::position).min().unwrap_or(Position(0));
    let mut batch = read(store.clone(), position).await?;
    loop {
        let live = projections::lowest_checkpoint(store.pool()).await?;
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

async fn read(store: Store, after: Position) -> Result<Vec<Opened>, StoreError> {
    let events = store.events_after(after, BATCH).await?;
    projector::open(&store, events).await
}

/// Applies a batch to all of them at once.
async fn apply(
    store: &Store,
    rebuilds: Vec<Rebuild>,
    batch: Arc<Vec<Opened>>,
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

/// Holds the projector and reads what the new table lacks until there.
async fn catch_up(
    store: &Store,
    rebuild: &Rebuild,
) -> Result<(PgTransaction<'static>, Vec<Opened>), StoreError> {
    let mut transaction = store.pool().begin().await?;
    let live = rebuild.hold(&mut transaction).await?;
    let left = u32::try_from(live.0.saturating_sub(rebuild.position().0)).unwrap_or(u32::MAX);
    let rest = if left == 0 { vec![] } else { store.events_after(rebuild.position(), left).await? };
    Ok((transaction, projector::open(store, rest).await?))
}
