//! Rebuilds read models from the ledger without downtime, or compares them with the ledger.

use std::sync::Arc;
use std::time::Duration;

use aggregates::Position;
use projections::quarantine::Mode;
use projections::{Difference, LedgerBatch, LockedRebuild, QueryError, ReadModel, Rebuild};
use tokio::task::{JoinError, JoinSet};

use crate::runtime::backoff::Backoff;
use crate::runtime::decrypt::read_batch;
use store::{Store, StoreError};

/// Events of one transaction.
const BATCH: u32 = 5_000;
/// Lag below which the projector is held and the new table replaces the old one.
const CLOSE: u64 = 2_000;

/// Fewest events of one read. A read that takes longer than a statement may is repeated with fewer.
const SMALLEST_BATCH: u32 = 50;
/// Time limit of one transaction. PostgreSQL ends each of its statements earlier.
const TRANSACTION_LIMIT: Duration = Duration::from_mins(65);
/// Attempts to replace a table while readers hold it, and the delays between them.
const REPLACEMENTS: u32 = 60;
const READERS: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));

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
/// the last position. Resumes an interrupted rebuild. `limit` is that of the quarantine of each read model.
pub async fn rebuild(
    store: &Store,
    models: &[ReadModel],
    limit: u32,
    progress: impl Fn(Position, Position),
) -> Result<(), RebuildError> {
    // A new read model may lag behind the others: the new table does not wait for it.
    for rebuild in fill(store, models, limit, Goal::Highest, progress).await? {
        create_indexes(store, &rebuild).await?;
        replace(store, rebuild).await?;
    }
    Ok(())
}

/// Replaces the live table by the new one. Where readers hold the live table, the projector is let go between
/// two attempts.
async fn replace(store: &Store, mut rebuild: Rebuild) -> Result<(), RebuildError> {
    let (model, limit, mut readers) = (rebuild.model(), rebuild.limit(), READERS);
    for _ in 1..REPLACEMENTS {
        match swap(store, rebuild).await {
            Err(RebuildError::Query(error)) if error.is_lock_timeout() => readers.wait().await,
            swapped => return swapped,
        }
        rebuild = begin(store, model, limit).await?;
    }
    swap(store, rebuild).await
}

async fn begin(store: &Store, model: ReadModel, limit: u32) -> Result<Rebuild, RebuildError> {
    let mut connection = store.connection().await?;
    limited(async { Ok(Rebuild::begin(&mut connection, model).await?.limited_to(limit)) }).await
}

async fn create_indexes(store: &Store, rebuild: &Rebuild) -> Result<(), RebuildError> {
    let mut connection = store.connection().await?;
    limited(async { Ok(rebuild.create_indexes(&mut connection).await?) }).await
}

async fn swap(store: &Store, rebuild: Rebuild) -> Result<(), RebuildError> {
    let mut connection = store.connection().await?;
    limited(async {
        let mut locked = rebuild.lock(&mut connection).await?;
        catch_up(store, &mut locked).await?;
        locked.swap().await?;
        Ok(())
    })
    .await
}

async fn limited<T>(transaction: impl Future<Output = Result<T, RebuildError>>) -> Result<T, RebuildError> {
    tokio::time::timeout(TRANSACTION_LIMIT, transaction).await.unwrap_or(Err(StoreError::TimedOut.into()))
}

/// Compares the rows of read models with those that the ledger yields. Changes nothing.
pub async fn check(
    store: &Store,
    models: &[ReadModel],
    limit: u32,
    progress: impl Fn(Position, Position),
) -> Result<Vec<(ReadModel, Vec<Difference>)>, RebuildError> {
    let mut checked = Vec::with_capacity(models.len());
    for rebuild in fill(store, models, limit, Goal::Lowest, progress).await? {
        let (model, mut connection) = (rebuild.model(), store.connection().await?);
        let differences = limited(async {
            let mut locked = rebuild.lock(&mut connection).await?;
            catch_up(store, &mut locked).await?;
            Ok(locked.compare().await?)
        });
        checked.push((model, differences.await?));
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
    limit: u32,
    goal: Goal,
    progress: impl Fn(Position, Position),
) -> Result<Vec<Rebuild>, RebuildError> {
    let mut rebuilds = Vec::with_capacity(models.len());
    for model in models {
        rebuilds.push(begin(store, *model, limit).await?);
    }
    let mut position = rebuilds.iter().map(Rebuild::position).min().unwrap_or(Position(0));
    let mut batch = read(store.clone(), position, BATCH).await?;
    loop {
        let live = goal.position(store).await?;
        progress(position, live);
        let Some((_, last)) = batch.range() else { break };
        if live.0.saturating_sub(position.0) <= CLOSE {
            break;
        }
        let next = tokio::spawn(read(store.clone(), last, BATCH));
        rebuilds = apply(store, rebuilds, Arc::new(batch)).await?;
        position = last;
        batch = next.await??;
    }
    Ok(rebuilds)
}

async fn read(store: Store, after: Position, mut limit: u32) -> Result<LedgerBatch, StoreError> {
    loop {
        match store.contiguous_entries_after(after, limit).await {
            Err(error) if error.is_unavailable() && limit > SMALLEST_BATCH => limit /= 2,
            entries => return read_batch(&store, &entries?).await,
        }
    }
}

/// Applies a batch to all rebuilds in parallel.
async fn apply(
    store: &Store,
    rebuilds: Vec<Rebuild>,
    batch: Arc<LedgerBatch>,
) -> Result<Vec<Rebuild>, RebuildError> {
    let mut applying = JoinSet::new();
    for rebuild in rebuilds {
        let (store, batch) = (store.clone(), Arc::clone(&batch));
        applying.spawn(async move { apply_to(&store, rebuild, &batch).await });
    }
    let mut applied = Vec::with_capacity(applying.len());
    while let Some(rebuild) = applying.join_next().await {
        applied.push(rebuild??);
    }
    Ok(applied)
}

/// Applies a batch to a rebuild. Where that fails for a reason that lasts, the aggregates at fault are
/// quarantined, as the projector does.
async fn apply_to(store: &Store, mut rebuild: Rebuild, batch: &LedgerBatch) -> Result<Rebuild, RebuildError> {
    let mut connection = store.connection().await?;
    let whole = limited(async { Ok(rebuild.apply(&mut connection, batch, Mode::Whole).await?) });
    match whole.await {
        Err(RebuildError::Query(error)) if error.lasting_cause().is_some() => {}
        applied => return applied.map(|()| rebuild),
    }
    drop(connection);
    let mut rebuild = begin(store, rebuild.model(), rebuild.limit()).await?;
    let mut connection = store.connection().await?;
    limited(async { Ok(rebuild.apply(&mut connection, batch, Mode::Isolating).await?) }).await?;
    Ok(rebuild)
}

/// Fills the new table up to the position of the live one, which is locked.
async fn catch_up(store: &Store, locked: &mut LockedRebuild<'_>) -> Result<(), RebuildError> {
    loop {
        let (position, live) = (locked.position(), locked.live_position());
        let left = u32::try_from(live.0.saturating_sub(position.0)).unwrap_or(u32::MAX);
        if left == 0 {
            return Ok(());
        }
        let batch = read(store.clone(), position, left.min(BATCH)).await?;
        if batch.range().is_none() {
            return Err(StoreError::MissingPosition { position: position.next() }.into());
        }
        locked.apply(&batch).await?;
    }
}
