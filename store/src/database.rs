//! The database of the store, and the migration of its schema.

mod diagnosis;
mod plan;
mod schema;
mod statements;

use std::borrow::Cow;

use database::{CheckError, ConnectError, Pool, PreparedStatements, Sharing, WrongPooler};
use secrecy::SecretString;
use sqlx::migrate::Migrator;
use sqlx::{Connection as _, PgPool};

pub use diagnosis::{Diagnosis, diagnose, keeps_its_session};
pub use plan::{MigrationPlan, PlannedMigration, PlannedStatement, TableLock, plan};
pub use schema::{MigrationName, SchemaRefused, SchemaState};

use crate::{Store, StoreError};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// A pool of connections to one database. Clones share the connections.
///
/// Opaque: statements are run by this crate, and by `projections` through
/// [`Store::read_models`](crate::Store::read_models). A crate that depends on `sqlx` itself, such as the
/// benchmark, converts the value into a [`PgPool`].
#[derive(Debug, Clone)]
pub struct Database(pub(crate) Pool);

/// A migration of the schema that did not finish.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database cannot be addressed.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection leads through a transaction pooler.
    #[error(transparent)]
    Pooler(#[from] WrongPooler),
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
    /// A pool of at most `connections` with prepared statements. Connects when a connection is first needed,
    /// so that a process starts while the database is unavailable.
    ///
    /// Each statement has a time limit in the client and a lower one in PostgreSQL.
    pub fn connect(url: &SecretString, connections: u32) -> Result<Self, ConnectError> {
        Self::connect_by(url, connections, PreparedStatements::On)
    }

    /// The same, with or without prepared statements.
    pub fn connect_by(
        url: &SecretString,
        connections: u32,
        prepared: PreparedStatements,
    ) -> Result<Self, ConnectError> {
        Ok(Self(Pool::new(url, connections, prepared)?))
    }
}

impl Store {
    /// Whether the database gives each of its sessions a time limit for statements. Without it a statement
    /// outlives its request behind a transaction pooler.
    pub async fn has_time_limits(&self) -> Result<bool, StoreError> {
        Ok(database::has_limits(&self.pool).await?)
    }
}

impl From<Database> for PgPool {
    fn from(database: Database) -> Self {
        database.0.into()
    }
}

/// Applies the migrations that the database lacks, and gives the database's role its time limits. A database
/// with migrations of a newer release is left as it is, or refused if that release disturbs this one.
///
/// Needs a direct connection: the lock that separates two migrations belongs to a session, which a
/// transaction pooler does not keep. A pooler is refused, where it can be seen.
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
    match database::check(url, PreparedStatements::Off).await {
        Ok(Sharing::Shared) => return Err(WrongPooler::NoSession.into()),
        Err(CheckError::Wrong(wrong)) => return Err(wrong.into()),
        // The migration itself says what is wrong with the connection.
        Ok(Sharing::NotSeen) | Err(CheckError::Connect(_) | CheckError::Unavailable(_)) => {}
    }
    let connected = database::connect_alone(url, "colloquy migrate").await?;
    let mut connection = connected.map_err(MigrateError::Unavailable)?;
    database::lift(&mut connection).await.map_err(MigrateError::Unavailable)?;
    let before = schema::read(&mut connection).await.map_err(MigrateError::Unavailable)?;
    before.check()?;
    migrations.run(&mut connection).await?;
    database::apply_to_role(&mut connection).await.map_err(MigrateError::Unavailable)?;
    let _ = connection.close().await;
    Ok(before)
}

/// The migrations of this binary, applied beside those of newer releases that the caller has checked.
fn migrator() -> Migrator {
    let migrations = Cow::Borrowed(&*MIGRATIONS.migrations);
    Migrator { migrations, ignore_missing: true, ..Migrator::DEFAULT }
}
