//! Brings back what is made from Postgres after it was lost: JetStream's streams and the read models.
//!
//! Changes nothing that is whole, may be repeated, and may run beside the service. The sealer finds by itself from where a
//! stream that was made anew has to be filled.

use aggregates::Position;
use async_nats::{Client, jetstream};
use nats::{StreamFailed, Subjects, ensure_streams};
use projections::ReadModel;

use crate::operations::rebuild;
use crate::runtime::decrypt::decrypt_events;
use store::{Store, StoreError};

/// Events projected in one transaction.
const BATCH: u32 = 2_000;

/// Why not everything was brought back.
#[derive(Debug, thiserror::Error)]
pub enum NotRestored {
    /// Postgres.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// JetStream.
    #[error(transparent)]
    Streams(#[from] StreamFailed),
}

/// Makes the streams where they are missing, and every read model anew, up to the ledger's head. `progress` is told how far
/// it is, and how far it has to go.
pub async fn restore(
    store: &Store,
    nats: &Client,
    subjects: &Subjects,
    progress: impl Fn(Position, Position),
) -> Result<Position, NotRestored> {
    ensure_streams(&jetstream::new(nats.clone()), subjects).await?;
    projections::begin_checkpoints(store.pool()).await.map_err(StoreError::from)?;
    rebuild::rebuild(store, &ReadModel::ALL, &progress).await?;
    Ok(project(store, &progress).await?)
}

/// Projects what the read models have not seen. Of two projectors at once the second finds nothing left to do.
async fn project(store: &Store, progress: impl Fn(Position, Position)) -> Result<Position, StoreError> {
    let (head, _) = store.ledger_head().await?;
    loop {
        let position = projections::lowest_checkpoint(store.pool()).await?;
        progress(position, head);
        if position >= head {
            return Ok(position);
        }
        let events = store.events_after(position, BATCH).await?;
        let batch = decrypt_events(store, events).await?;
        let mut transaction = store.pool().begin().await?;
        projections::apply(&mut transaction, &batch).await?;
        transaction.commit().await?;
    }
}
