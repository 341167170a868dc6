//! Lag of the read models behind accepted commands.

use std::time::{Duration, Instant};

use anyhow::bail;
use sqlx::PgPool;

const LOOK_EVERY: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_mins(5);

/// Catch-up of the read models after a load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CaughtUp {
    /// Events that they had not seen when the load ended.
    pub(crate) behind: i64,
    /// Until they had seen all.
    pub(crate) after: Duration,
}

/// Waits until nothing is left to place or to project.
pub(crate) async fn until_level(pool: &PgPool) -> anyhow::Result<CaughtUp> {
    let began = Instant::now();
    let mut first = None;
    while began.elapsed() < PATIENCE {
        let (unplaced, unseen) = behind(pool).await?;
        let behind = *first.get_or_insert(unplaced + unseen);
        if unplaced + unseen == 0 {
            return Ok(CaughtUp { behind, after: began.elapsed() });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    bail!("the read models are not level after {} s", PATIENCE.as_secs())
}

/// Events that wait in the outbox, and events of the ledger that the slowest read model has not seen.
async fn behind(pool: &PgPool) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(
        "SELECT (SELECT count(*) FROM outbox),
                (SELECT coalesce(max(position), 0) FROM ledger) - (SELECT min(position) FROM checkpoints)",
    )
    .fetch_one(pool)
    .await
}
