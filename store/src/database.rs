//! Connections to PostgreSQL, and the migration of its schema.

use std::str::FromStr as _;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// Time a statement waits for a connection before the database counts as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// A pool of connections to one database. Clones share the connections.
///
/// Opaque: statements are run by this crate, and by `projections` through
/// [`Store::read_models`](crate::Store::read_models). A crate that depends on `sqlx` itself, such as the
/// benchmark, converts the value into a [`PgPool`].
#[derive(Debug, Clone)]
pub struct Database(pub(crate) PgPool);

/// A connection string that cannot be used. Its text is secret and not part of the error.
#[derive(Debug, thiserror::Error)]
#[error("connection string of the database is invalid")]
pub struct ConnectError(#[source] sqlx::Error);

/// A migration of the schema that did not finish.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database cannot be addressed.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The database is unavailable or refused a migration.
    #[error("database schema was not migrated")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl Database {
    /// A pool of at most `connections`. Connects when a connection is first needed, so that a process starts
    /// while the database is unavailable. Works through a transaction pooler.
    pub fn connect(url: &SecretString, connections: u32) -> Result<Self, ConnectError> {
        let options = PgConnectOptions::from_str(url.expose_secret()).map_err(ConnectError)?;
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(Duration::from_mins(2))
            .max_lifetime(Duration::from_mins(30))
            // A ping before each use is a round trip that a user waits for. A dead connection reports itself
            // at once.
            .test_before_acquire(false)
            .connect_lazy_with(options.application_name("colloquy"));
        Ok(Self(pool))
    }
}

impl From<Database> for PgPool {
    fn from(database: Database) -> Self {
        database.0
    }
}

/// Applies the migrations that the database lacks.
///
/// Needs a direct connection: the lock that separates two migrations belongs to a session, which a
/// transaction pooler does not keep.
pub async fn migrate(url: &SecretString) -> Result<(), MigrateError> {
    let Database(pool) = Database::connect(url, 1)?;
    let migrated = MIGRATIONS.run(&pool).await;
    pool.close().await;
    Ok(migrated?)
}
