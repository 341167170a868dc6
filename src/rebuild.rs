//! Makes a read model anew from the ledger while readers keep reading the old one.

use aggregates::Position;
use projections::{ReadModel, Rebuild};

use crate::projector;
use crate::store::{Store, StoreError};

/// Events applied in one transaction.
const BATCH: u32 = 5_000;
/// Events that may be left when the projector is held to let the new table take the old one's place.
const CLOSE: u64 = 2_000;

/// Rebuilds read models, one after the other. `progress` is told how far each is, and how far it has to go.
pub async fn rebuild(
    store: &Store,
    models: &[ReadModel],
    progress: impl Fn(ReadModel, Position, Position),
) -> Result<(), StoreError> {
    for model in models {
        let mut rebuild = Rebuild::begin(store.pool(), *model).await?;
        loop {
            let live = projections::checkpoint(store.pool(), *model).await?;
            progress(*model, rebuild.position(), live);
            if live.0.saturating_sub(rebuild.position().0) <= CLOSE {
                break;
            }
            let events = store.events_after(rebuild.position(), BATCH).await?;
            let batch = projector::open(store, events).await?;
            rebuild.apply(store.pool(), &batch).await?;
        }
        let position = put_in_place(store, rebuild).await?;
        progress(*model, position, position);
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
