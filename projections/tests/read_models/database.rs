//! Databases of the tests.

use std::time::Duration;

use projections::quarantine::{Mode, QuarantineSet};
use projections::{DecryptedEvent, LedgerBatch, QueryError, ReadModel};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgConnection, PgPool, PgTransaction};
use uuid::Uuid;

/// The URL of another database on the same server.
fn with_database(url: &str, database: &str) -> String {
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{database}")
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run the tests by `make test`, or see docs/development.md")
    })
}

/// Time limit of a statement of the projector.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A new database with all migrations applied.
pub(crate) async fn database() -> PgPool {
    let url = variable("COLLOQUY_TEST_POSTGRES_URL");
    let name = format!("p_{}", Uuid::now_v7().simple());
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::query(&format!("CREATE DATABASE {name}")).execute(&mut connection).await.unwrap();
    let pool = PgPoolOptions::new().max_connections(4).connect(&with_database(&url, &name)).await.unwrap();
    sqlx::migrate!("../migrations").run(&pool).await.unwrap();
    pool
}

/// The same database with a connection of the superuser, who bypasses row-level security.
pub(crate) async fn as_superuser(pool: &PgPool) -> PgPool {
    let name: String = sqlx::query_scalar("SELECT current_database()::text").fetch_one(pool).await.unwrap();
    let url = with_database(&variable("COLLOQUY_TEST_POSTGRES_SUPERUSER_URL"), &name);
    PgPoolOptions::new().max_connections(2).connect(&url).await.unwrap()
}

/// Applies a batch as the projector does, with nothing quarantined.
pub(crate) async fn project<'a>(
    database: impl sqlx::Acquire<'a, Database = sqlx::Postgres> + Send + 'a,
    events: &[DecryptedEvent],
) -> Result<bool, QueryError> {
    let mut quarantine = QuarantineSet::default();
    projections::project(database, &LedgerBatch::from(events), &mut quarantine, Mode::Whole, LIMIT).await
}

/// Applies events in batches of this size, each in a transaction of its own.
pub(crate) async fn apply(pool: &PgPool, events: &[DecryptedEvent], batch: usize) {
    for batch in events.chunks(batch) {
        project(pool, batch).await.unwrap();
    }
}

/// All rows of a read model, sorted.
pub(crate) async fn rows(transaction: &mut PgTransaction<'_>, model: ReadModel) -> Vec<String> {
    sqlx::query_scalar(&format!("SELECT t::text FROM {} t ORDER BY 1", model.name()))
        .fetch_all(&mut **transaction)
        .await
        .unwrap()
}

/// All rows of all read models, and the checkpoints.
pub(crate) async fn all_rows(transaction: &mut PgTransaction<'_>) -> Vec<Vec<String>> {
    let mut all = vec![];
    for model in ReadModel::ALL {
        all.push(rows(transaction, model).await);
    }
    let checkpoints = sqlx::query_scalar("SELECT c::text FROM checkpoints c ORDER BY 1");
    all.push(checkpoints.fetch_all(&mut **transaction).await.unwrap());
    all
}
