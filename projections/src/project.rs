//! The projection of a batch into all read models.

use std::collections::HashMap;
use std::time::Duration;

use aggregates::Position;
use database::{Begin, Transaction};

use crate::quarantine::{self, Mode, QuarantineSet, Target, lock_read_models};
use crate::{LedgerBatch, QueryError, ReadModel, erased};

/// Applies a contiguous batch of the ledger to all read models and moves their checkpoints, in one
/// transaction. Returns whether the quarantine has changed.
///
/// A read model skips the events that it has applied before, and those of aggregates that are quarantined for
/// it. The checkpoints are locked first: of two concurrent projectors, the second one waits and then finds
/// nothing to apply. A batch that begins after the event that a read model needs next is refused.
///
/// Each statement after the first may take `statement_limit` in PostgreSQL. A process that stands still in
/// the transaction for some seconds loses it, so that another one takes over.
pub async fn project(
    database: impl Begin<'_>,
    batch: &LedgerBatch,
    quarantine: &mut QuarantineSet,
    mode: Mode,
    statement_limit: Duration,
) -> Result<bool, QueryError> {
    let Some((first, last)) = batch.range() else { return Ok(false) };
    let mut transaction = database.begin().await?;
    let checkpoints = lock_read_models(&mut transaction, statement_limit).await?;
    let behind = checkpoints.iter().find(|(_, (applied, _))| applied.next() < first);
    let missing = behind.map(|(model, (applied, _))| (*model, applied.next()));
    if let Some((model, position)) = missing.or_else(|| Some((ReadModel::Conversations, batch.gap()?))) {
        return Err(QueryError::Gap { name: model.name().to_owned(), position });
    }
    let versions = checkpoints.iter().map(|(model, (_, version))| (*model, *version)).collect();
    quarantine.refresh(&mut transaction, versions).await?;
    let applied = apply(&mut transaction, batch, &checkpoints, quarantine, mode).await;
    let committed = match applied {
        Ok(changed) => commit(transaction, last).await.map(|()| changed),
        Err(error) => Err(error),
    };
    if !matches!(committed, Ok(false)) {
        quarantine.forget();
    }
    committed
}

async fn apply(
    transaction: &mut Transaction<'_>,
    batch: &LedgerBatch,
    checkpoints: &HashMap<ReadModel, (Position, i64)>,
    set: &mut QuarantineSet,
    mode: Mode,
) -> Result<bool, QueryError> {
    let batch = erased::without_late_events(transaction, batch).await?;
    let mut changed = false;
    for model in ReadModel::ALL {
        let applied = checkpoints.get(&model).map_or(Position(0), |(position, _)| *position);
        let target = Target { model, table: model.name() };
        changed |= quarantine::apply(target, transaction, batch.of(model).after(applied), set, mode).await?;
    }
    Ok(changed)
}

async fn commit(mut transaction: Transaction<'_>, last: Position) -> Result<(), QueryError> {
    sqlx::query("UPDATE checkpoints SET position = $1 WHERE name = ANY($2) AND position < $1")
        .bind(last)
        .bind(ReadModel::ALL.map(ReadModel::name))
        .execute(&mut transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}
