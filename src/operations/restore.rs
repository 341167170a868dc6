//! Restores JetStream streams and read models from Postgres after a loss.
//!
//! Changes nothing that is intact, is repeatable, and can run beside the service. The publisher determines
//! from which position a new stream has to be filled.

use std::time::Duration;

use aggregates::Position;
use async_nats::{Client, jetstream};
use nats::{StreamError, Subjects, ensure_streams};
use projections::quarantine::QuarantineSet;
use projections::{QueryError, ReadModel};

use crate::operations::rebuild::{self, RebuildError};
use crate::runtime::decrypt::read_batch;
use crate::runtime::projecting::{ProjectError, project_batch};
use store::{Store, StoreError};

/// Events of one transaction.
const BATCH: u32 = 2_000;
/// Time limit of one transaction.
const LIMIT: Duration = Duration::from_mins(10);

/// Why the restore failed.
#[derive(Debug, thiserror::Error)]
pub enum NotRestored {
    /// Postgres failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The read models were not queried.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The read models were not brought to the head of the ledger.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The read models were not rebuilt.
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
    /// JetStream failed.
    #[error(transparent)]
    Streams(#[from] StreamError),
}

/// Creates missing streams and rebuilds every read model up to the current head. `progress` receives the
/// current and the last position.
pub async fn restore(
    store: &Store,
    nats: &Client,
    subjects: &Subjects,
    quarantine_limit: u32,
    progress: impl Fn(Position, Position),
) -> Result<Position, NotRestored> {
    ensure_streams(&jetstream::new(nats.clone()), subjects).await?;
    projections::ensure_checkpoints(store.read_models()).await?;
    rebuild::rebuild(store, &ReadModel::ALL, quarantine_limit, &progress).await?;
    project(store, &progress).await
}

/// Applies events that the read models lack. A second projector at the same time finds nothing to apply.
async fn project(store: &Store, progress: impl Fn(Position, Position)) -> Result<Position, NotRestored> {
    let (head, _) = store.ledger_head().await?;
    let mut quarantine = QuarantineSet::default();
    loop {
        let position = projections::lowest_checkpoint(store.read_models()).await?;
        progress(position, head);
        if position >= head {
            return Ok(position);
        }
        let entries = store.contiguous_entries_after(position, BATCH).await?;
        let batch = read_batch(store, &entries).await?;
        project_batch(store, &mut quarantine, &batch, LIMIT).await?;
    }
}
