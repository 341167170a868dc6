//! A migrated database of a test's own.

use projections::{Opened, ReadModel};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgConnection, PgPool, PgTransaction};
use uuid::Uuid;

/// The server's address with another database.
fn at(server: &str, database: &str) -> String {
    let (server, _) = server.rsplit_once('/').unwrap();
    format!("{server}/{database}")
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run the tests by `make test`, or see docs/development.md")
    })
}

/// A new database with the migrations applied.
pub(crate) async fn database() -> PgPool {
    connect_to_new_database(&variable("COLLOQUY_TEST_POSTGRES_URL")).await
}

async fn connect_to_new_database(server: &str) -> PgPool {
    let name = format!("p_{}", Uuid::now_v7().simple());
    let mut connection = PgConnection::connect(server).await.unwrap();
    sqlx::query(&format!("CREATE DATABASE {name}")).execute(&mut connection).await.unwrap();
    let pool = PgPoolOptions::new().max_connections(4).connect(&at(server, &name)).await.unwrap();
    sqlx::migrate!("../migrations").run(&pool).await.unwrap();
    pool
}

/// The same database entered as the superuser, whom row-level security does not bind.
pub(crate) async fn as_superuser(pool: &PgPool) -> PgPool {
    let name: String = sqlx::query_scalar("SELECT current_database()::text").fetch_one(pool).await.unwrap();
    let url = at(&variable("COLLOQUY_TEST_POSTGRES_SUPERUSER_URL"), &name);
    PgPoolOptions::new().max_connections(2).connect(&url).await.unwrap()
}

/// Applies a history, batch by batch, each in its own transaction.
pub(crate) async fn apply(pool: &PgPool, history: &[Opened], batch: usize) {
    for batch in history.chunks(batch) {
        let mut transaction = pool.begin().await.unwrap();
        projections::apply(&mut transaction, batch).await.unwrap();
        transaction.commit().await.unwrap();
    }
}

/// Everything in a read model, sorted.
pub(crate) async fn rows(transaction: &mut PgTransaction<'_>, model: ReadModel) -> Vec<String> {
    sqlx::query_scalar(&format!("SELECT t::text FROM {} t ORDER BY 1", model.name()))
        .fetch_all(&mut **transaction)
        .await
        .unwrap()
}

/// Everything in all read models, and how far they are.
pub(crate) async fn everything(transaction: &mut PgTransaction<'_>) -> Vec<Vec<String>> {
    let mut all = vec![];
    for model in ReadModel::ALL {
        all.push(rows(transaction, model).await);
    }
    let checkpoints = sqlx::query_scalar("SELECT c::text FROM checkpoints c ORDER BY 1");
    all.push(checkpoints.fetch_all(&mut **transaction).await.unwrap());
    all
}
