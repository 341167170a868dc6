//! Applies a batch of the ledger to the read models within a time limit, and searches the aggregates at fault
//! where it cannot be applied.

use std::time::Duration;

use projections::quarantine::{Mode, QuarantineSet};
use projections::{LedgerBatch, QueryError};
use rag::error_chain::ErrorChain;
use store::{Store, StoreError};

/// Time by which the client waits longer for a transaction than PostgreSQL for one of its statements.
const CLIENT_MARGIN: Duration = Duration::from_secs(2);
/// The factor by which a search of the aggregates at fault may take longer than the batch.
const SEARCH: u32 = 4;

/// A batch that was not applied. A repetition can succeed.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The database could not be reached or did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A statement was not completed.
    #[error(transparent)]
    Query(#[from] QueryError),
}

/// Applies a batch to all read models. Aggregates of which an event cannot be applied for a reason that lasts
/// are quarantined, and all others go on. Returns whether the quarantine has changed.
pub async fn project_batch(
    store: &Store,
    quarantine: &mut QuarantineSet,
    batch: &LedgerBatch,
    limit: Duration,
) -> Result<bool, ProjectError> {
    match attempt(store, quarantine, batch, Mode::Whole, limit).await {
        Err(ProjectError::Query(error)) if error.lasting_cause().is_some() => {
            tracing::error!(error = %ErrorChain(&error), "events cannot be applied, and the aggregates at fault are searched");
        }
        applied => return applied,
    }
    attempt(store, quarantine, batch, Mode::Isolating, limit * SEARCH).await
}

async fn attempt(
    store: &Store,
    quarantine: &mut QuarantineSet,
    batch: &LedgerBatch,
    mode: Mode,
    limit: Duration,
) -> Result<bool, ProjectError> {
    let mut connection = store.connection().await?;
    let statement_limit = limit.saturating_sub(CLIENT_MARGIN);
    let projecting = projections::project(&mut connection, batch, quarantine, mode, statement_limit);
    if let Ok(projected) = tokio::time::timeout(limit, projecting).await {
        return Ok(projected?);
    }
    quarantine.forget();
    connection.abandon();
    Err(StoreError::TimedOut.into())
}
