//! The pool, made so that it works through a transaction pooler and survives a server that comes and goes.

use std::str::FromStr as _;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// How long a request waits for a connection before it is told that the store is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// A pool that connects when it is first needed: a store that is away is no reason not to start.
pub fn connect(url: &str, connections: u32) -> anyhow::Result<PgPool> {
    let options = PgConnectOptions::from_str(url).context("failed to read DATABASE_URL")?;
    let options = options.application_name("colloquy");
    Ok(PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(Duration::from_mins(2))
        .max_lifetime(Duration::from_mins(30))
        // A ping before each use would be a round trip a person waits for; a dead connection shows itself at once.
        .test_before_acquire(false)
        .connect_lazy_with(options))
}

/// Brings the schema up to date. Uses a direct connection: the lock that keeps two migrations apart is a session's.
pub async fn migrate(url: &str) -> anyhow::Result<()> {
    let pool = connect(url, 1)?;
    let result = sqlx::migrate!("../migrations").run(&pool).await.context("failed to migrate the database");
    pool.close().await;
    result
}
