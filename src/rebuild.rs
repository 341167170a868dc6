//! Makes read models anew from the ledger while readers keep reading the old ones.

use aggregates::Position;
use futures::future::try_join_all;
use projections::{ReadModel, Rebuild};

use crate::projector;
use crate::store::{Store, StoreError};

/// Events applied in one transaction.
const BATCH: u32 = 5_000;
/// Events that may be left when the projector is held to let a new table take the old one's place.
const CLOSE: u64 = 2_000;

/// Rebuilds read models beside each other: the ledger is read and opened once for all of them. `progress` is told how far
/// they are, and how far they have to go.
pub async fn rebuild(
    store: &Store,
    models: &[ReadModel],
    progress: impl Fn(Position, Position),
) -> Result<(), StoreError> {
    let mut rebuilds = Vec::with_capacity(models.len());
    for model in models {
        rebuilds.push(Rebuild::begin(store.pool(), *model).await?);
    }
    let mut position = Position(0);
    loop {
        let live = projections::lowest_checkpoint(store.pool()).await?;
        progress(position, live);
        if live.0.saturating_sub(position.0) <= CLOSE {
            break;
        }
        let events = store.events_after(position, BATCH).await?;
        let batch = projector::open(store, events).await?;
        try_join_all(rebuilds.iter_mut().map(|rebuild| rebuild.apply(store.pool(), &batch))).await?;
        position = batch.last().map_or(live, |event| event.recorded.position);
    }
    for rebuild in rebuilds {
        progress(put_in_place(store, rebuild).await?, position);
    }
    Ok(())
}

async fn put_in_place(store: &Store, rebuild: Rebuild) -> Result<Position, StoreError> {
    let mut transaction = store.pool().begin().await?;
    let live = rebuild.hold(&mut transaction).await?;
    let left = u32::try_from(live.0.saturating_sub(rebuild.position().0)).unwrap_or(u32::MAX);
    let rest = if left == 0 { vec![] } else { store.events_after(rebuild.position(), left).await? };
    let rest = projector::open(store, rest).await?;
    Ok(rebuild.swap(transaction, &rest).await?)
}
