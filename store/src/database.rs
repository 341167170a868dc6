//! Connections to PostgreSQL, their time limits, and the migration of its schema.

mod diagnosis;
mod limits;
mod plan;
pub(crate) mod pool;
mod schema;
mod statements;

use std::borrow::Cow;
use std::str::FromStr as _;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgPool};

pub use diagnosis::{Diagnosis, diagnose, keeps_its_session};
pub(crate) use limits::{CLIENT_LIMIT, Limit};
pub use plan::{MigrationPlan, PlannedMigration, PlannedStatement, TableLock, plan};
pub use pool::Connection;
use pool::Pool;
pub use schema::{MigrationName, SchemaRefused, SchemaState};

/// Time a statement waits for a connection before the database counts as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// A pool of connections to one database. Clones share the connections.
///
/// Opaque: statements are run by this crate, and by `projections` through
/// [`Store::read_models`](crate::Store::read_models). A crate that depends on `sqlx` itself, such as the
/// benchmark, converts the value into a [`PgPool`].
#[derive(Debug, Clone)]
pub struct Database(pub(crate) Pool);

/// A connection string that cannot be used. Its text is secret and not part of the error.
#[derive(Debug, thiserror::Error)]
#[error("connection string of the database is invalid")]
pub struct ConnectError(#[source] pub(crate) sqlx::Error);

/// A migration of the schema that did not finish.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database cannot be addressed.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The database is unavailable.
    #[error("connection for the migration was not made")]
    Unavailable(#[source] sqlx::Error),
    /// The database has a schema that this binary must not change.
    #[error(transparent)]
    Refused(#[from] SchemaRefused),
    /// The database refused a migration.
    #[error("database schema was not migrated")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl Database {
    /// A pool of at most `connections`. Connects when a connection is first needed, so that a process starts
    /// while the database is unavailable. Works through a transaction pooler.
    ///
    /// Each statement has a time limit in the client and a lower one in PostgreSQL (module `limits`).
    pub fn connect(url: &SecretString, connections: u32) -> Result<Self, ConnectError> {
        let options = PgConnectOptions::from_str(url.expose_secret()).map_err(ConnectError)?;
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(Duration::from_mins(2))
            .max_lifetime(Duration::from_mins(30))
            // A ping before each use is a round trip that a user waits for. A dead connection reports itself
            // at once, and a silent one by the time limit of its statement.
            .test_before_acquire(false)
            .after_connect(|connection, _| Box::pin(limits::apply_to_session(connection)))
            .connect_lazy_with(options.application_name("colloquy"));
        Ok(Self(Pool::new(pool)))
    }
}

impl From<Database> for PgPool {
    fn from(database: Database) -> Self {
        database.0.into()
    }
}

/// Applies the migrations that the database lacks, and gives the database's role its time limits. A database with
/// migrations of a newer release is left as it is, or refused if that release disturbs this one.
///
/// Needs a direct connection: the lock that separates two migrations belongs to a session, which a
/// transaction pooler does not keep.
pub async fn migrate(url: &SecretString) -> Result<SchemaState, MigrateError> {
    run_migrations(url, &migrator()).await
}

/// Applies the migrations up to a version, for rows of that version. [`migrate`] applies the rest.
pub(crate) async fn migrate_to(url: &SecretString, version: i64) -> Result<(), MigrateError> {
    let migrations = MIGRATIONS.iter().filter(|migration| migration.version <= version).cloned().collect();
    let some = Migrator { migrations: Cow::Owned(migrations), ignore_missing: true, ..Migrator::DEFAULT };
    run_migrations(url, &some).await.map(drop)
}

/// The number of the last migration that this release contains.
pub(crate) fn latest_schema_version() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

async fn run_migrations(url: &SecretString, migrations: &Migrator) -> Result<SchemaState, MigrateError> {
    let options = PgConnectOptions::from_str(url.expose_secret()).map_err(ConnectError)?;
    let options = options.application_name("colloquy migrate");
    let mut connection = options.connect().await.map_err(MigrateError::Unavailable)?;
    limits::lift(&mut connection).await.map_err(MigrateError::Unavailable)?;
    let before = schema::read(&mut connection).await.map_err(MigrateError::Unavailable)?;
    before.check()?;
    migrations.run(&mut connection).await?;
    limits::apply_to_role(&mut connection).await.map_err(MigrateError::Unavailable)?;
    let _ = connection.close().await;
    Ok(before)
}

/// The migrations of this binary, applied beside those of newer releases that the caller has checked.
fn migrator() -> Migrator {
    let migrations = Cow::Borrowed(&*MIGRATIONS.migrations);
    Migrator { migrations, ignore_missing: true, ..Migrator::DEFAULT }
}
