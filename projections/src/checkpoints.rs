//! Checkpoints: the ledger position up to which each read model is projected.

use aggregates::Position;
use sqlx::PgExecutor;

use crate::{QueryError, ReadModel};

/// Inserts a checkpoint at position 0 for each read model that has none, as after a loss of the table.
pub async fn ensure_checkpoints(executor: impl PgExecutor<'_>) -> Result<(), QueryError> {
    sqlx::query(
        "INSERT INTO checkpoints (name, position)
         SELECT name, 0 FROM UNNEST($1::text[]) AS model (name) ON CONFLICT DO NOTHING",
    )
    .bind(ReadModel::ALL.map(ReadModel::name))
    .execute(executor)
    .await?;
    Ok(())
}

/// The position up to which every read model is projected.
pub async fn lowest_checkpoint(executor: impl PgExecutor<'_>) -> Result<Position, QueryError> {
    let (lowest, _) = checkpoint_range(executor).await?;
    Ok(lowest)
}

/// The position up to which at least one read model is projected.
pub async fn highest_checkpoint(executor: impl PgExecutor<'_>) -> Result<Position, QueryError> {
    let (_, highest) = checkpoint_range(executor).await?;
    Ok(highest)
}

async fn checkpoint_range(executor: impl PgExecutor<'_>) -> Result<(Position, Position), sqlx::Error> {
    sqlx::query_as(
        "SELECT coalesce(min(position), 0), coalesce(max(position), 0) FROM checkpoints WHERE name = ANY($1)",
    )
    .bind(ReadModel::ALL.map(ReadModel::name))
    .fetch_one(executor)
    .await
}
