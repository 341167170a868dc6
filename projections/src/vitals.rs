//! Positions of the read models, for metrics and the state of an installation.

use aggregates::Position;
use sqlx::{FromRow, PgExecutor};

use crate::{QueryError, ReadModel};

/// Position of a read model.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct ReadModelProgress {
    /// The name of the read model.
    pub name: String,
    /// The position up to which it is projected.
    pub position: Position,
    /// Age of the oldest event that it lacks, in seconds by the clock of the database.
    pub lag: Option<f64>,
}

/// Positions of all read models. The costs do not depend on the number of events.
pub async fn progress(executor: impl PgExecutor<'_>) -> Result<Vec<ReadModelProgress>, QueryError> {
    Ok(sqlx::query_as(
        "SELECT c.name, c.position,
                (SELECT extract(epoch FROM clock_timestamp() - e.recorded_at)::float8
                   FROM ledger l JOIN events e USING (aggregate_type, aggregate_id, sequence)
                  WHERE l.position = c.position + 1) AS lag
           FROM checkpoints c WHERE c.name = ANY($1) ORDER BY c.name",
    )
    .bind(ReadModel::ALL.map(ReadModel::name))
    .fetch_all(executor)
    .await?)
}

/// The documents in one state.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct DocumentsInState {
    /// The state.
    pub status: String,
    /// The number of documents.
    pub count: i64,
    /// Time since the oldest of them came into the state, in seconds by the clock of the database.
    pub oldest: f64,
}

/// The documents by their state. Reads all of them.
pub async fn documents(executor: impl PgExecutor<'_>) -> Result<Vec<DocumentsInState>, QueryError> {
    Ok(sqlx::query_as(
        "SELECT status, count(*) AS count,
                extract(epoch FROM clock_timestamp() - min(updated_at))::float8 AS oldest
           FROM documents GROUP BY status",
    )
    .fetch_all(executor)
    .await?)
}
