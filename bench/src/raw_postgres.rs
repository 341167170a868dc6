//! Limits of Postgres alone on this machine, for comparison.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use sqlx::PgPool;
use store::Database;
use tokio::task::JoinSet;

use crate::load;
use crate::population::{self, Numbers};

const CONNECTIONS: u32 = 32;
/// A question of some length, sealed.
const ROW: [u8; 200] = [b'x'; 200];

/// One limit.
#[derive(Debug)]
pub(crate) struct Limit {
    pub(crate) throughput: f64,
    pub(crate) median: Duration,
    pub(crate) p95: Duration,
}

/// Both limits.
#[derive(Debug)]
pub(crate) struct Limits {
    /// One row of 200 bytes in a transaction of its own.
    pub(crate) insert: Limit,
    /// Ten rows of one owner's list, by its index.
    pub(crate) list: Limit,
}

#[derive(Debug, Clone, Copy)]
enum Statement {
    Insert,
    List,
}

/// Measures both, each for so long.
pub(crate) async fn measure(url: &str, users: usize, each: Duration) -> anyhow::Result<Limits> {
    let pool = PgPool::from(Database::connect(&url.into(), CONNECTIONS)?);
    sqlx::query("CREATE TABLE IF NOT EXISTS bench_rows (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, row bytea)")
        .execute(&pool)
        .await?;
    let insert = limit(&pool, users, each, Statement::Insert).await?;
    let list = limit(&pool, users, each, Statement::List).await?;
    sqlx::query("DROP TABLE bench_rows").execute(&pool).await?;
    pool.close().await;
    Ok(Limits { insert, list })
}

async fn limit(pool: &PgPool, users: usize, lasts: Duration, statement: Statement) -> anyhow::Result<Limit> {
    let pool = Arc::new(pool.clone());
    let mut tasks = JoinSet::new();
    for number in 0..CONNECTIONS {
        let (pool, numbers) = (Arc::clone(&pool), Numbers(u64::from(number)));
        tasks.spawn(async move { repeat(&pool, users, numbers, lasts, statement).await });
    }
    let mut all = load::latencies()?;
    while let Some(ended) = tasks.join_next().await {
        all.add(ended??)?;
    }
    let quantile = |of_a_hundred| Duration::from_nanos(all.value_at_percentile(of_a_hundred));
    Ok(Limit {
        throughput: all.len() as f64 / lasts.as_secs_f64(),
        median: quantile(50.0),
        p95: quantile(95.0),
    })
}

async fn repeat(
    pool: &PgPool,
    users: usize,
    mut numbers: Numbers,
    lasts: Duration,
    statement: Statement,
) -> anyhow::Result<Histogram<u64>> {
    let mut connection = pool.acquire().await?;
    let mut latencies = load::latencies()?;
    let began = Instant::now();
    while began.elapsed() < lasts {
        let sent = Instant::now();
        match statement {
            Statement::Insert => {
                sqlx::query("INSERT INTO bench_rows (row) VALUES ($1)")
                    .bind(ROW.as_slice())
                    .execute(&mut *connection)
                    .await?;
            }
            Statement::List => {
                sqlx::query(
                    "SELECT id, version, updated_at, message_count, pinned, card FROM conversations
                      WHERE owner = $1 AND deleted_at IS NULL
                      ORDER BY pinned DESC, updated_at DESC, id DESC LIMIT 10",
                )
                .bind(population::user(numbers.below(users)).uuid())
                .fetch_all(&mut *connection)
                .await?;
            }
        }
        latencies.saturating_record(u64::try_from(sent.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    Ok(latencies)
}
