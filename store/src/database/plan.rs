//! Plan of the pending migrations: their statements, and the tables that each of them locks.
//!
//! The locks are measured: a scratch database on the same server gets the applied migrations and then the
//! pending ones, statement by statement, and after each statement `pg_locks` tells what it holds. The
//! database itself is only read, so a plan holds up nobody.

use std::collections::{HashMap, HashSet};

use secrecy::SecretString;
use sqlx::migrate::{Migration, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, FromRow, PgConnection};
use uuid::Uuid;

use super::schema::{self, MigrationName, SchemaState};
use super::statements::statements;
use super::{MIGRATIONS, MigrateError};

/// SQLSTATE of a right that the role lacks.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// The pending migrations, in order.
#[derive(Debug, Clone)]
pub struct MigrationPlan {
    /// The schema before.
    pub schema: SchemaState,
    /// The migrations that would be applied.
    pub migrations: Vec<PlannedMigration>,
    /// Why locks are not measured; `None` if they are.
    pub unmeasured: Option<String>,
}

/// A migration that would be applied.
#[derive(Debug, Clone)]
pub struct PlannedMigration {
    /// Its name.
    pub name: MigrationName,
    /// Whether it is one transaction, which holds all locks to its end.
    pub is_transaction: bool,
    /// Its statements.
    pub statements: Vec<PlannedStatement>,
}

/// A statement of a migration.
#[derive(Debug, Clone)]
pub struct PlannedStatement {
    /// Its text.
    pub sql: String,
    /// The locks that it adds to those of the migration, on tables that exist before the migration.
    pub locks: Vec<TableLock>,
}

/// A lock of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableLock {
    /// The table.
    pub table: String,
    /// The mode, as PostgreSQL names it, such as `AccessExclusiveLock`; empty if the migration holds
    /// the lock already.
    pub mode: String,
    /// Whether the statement writes the whole table again.
    pub rewrites: bool,
    /// Whether the statement reads the whole table.
    pub scans: bool,
    /// Size of the table with its indexes in the database, in bytes.
    pub bytes: i64,
    /// Estimated number of rows in the database; negative if it was never counted.
    pub rows: i64,
}

#[derive(Debug, FromRow)]
struct TableRow {
    oid: i64,
    name: String,
    file: i64,
    scans: i64,
    bytes: i64,
    rows: i64,
}

/// Tables, and the number of times that this transaction has read them from end to end.
const TABLES: &str = "
SELECT c.oid::bigint AS oid, c.relname::text AS name, c.relfilenode::bigint AS file,
       pg_stat_get_xact_numscans(c.oid) AS scans,
       pg_total_relation_size(c.oid) AS bytes, c.reltuples::bigint AS rows
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'm', 'p')";

/// Locks of this session that disturb anybody.
const LOCKS: &str = "
SELECT l.relation::bigint, l.mode FROM pg_locks l
 WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted
   AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')";

/// Plans the migration of a database. Changes nothing in it.
pub async fn plan(url: &SecretString) -> Result<MigrationPlan, MigrateError> {
    let options = database::options(url, "colloquy migrate --plan")?;
    let mut connection = options.connect().await.map_err(MigrateError::Unavailable)?;
    // A database is dropped after a checkpoint, which takes its time.
    database::lift(&mut connection).await.map_err(MigrateError::Unavailable)?;
    let planned = planned(&mut connection, &options).await;
    let _ = connection.close().await;
    planned
}

async fn planned(
    connection: &mut PgConnection,
    options: &PgConnectOptions,
) -> Result<MigrationPlan, MigrateError> {
    let schema = schema::read(&mut *connection).await.map_err(MigrateError::Unavailable)?;
    schema.check()?;
    let pending = MIGRATIONS.iter().filter(|migration| !schema.applied.contains(&migration.version));
    let pending: Vec<&Migration> = pending.collect();
    let sizes = tables(connection).await.map_err(MigrateError::Unavailable)?;
    let mut plan = MigrationPlan { unmeasured: None, migrations: Vec::new(), schema };
    if pending.is_empty() {
        return Ok(plan);
    }
    if plan.schema.applied.is_empty() {
        plan.unmeasured = Some("the database has no tables yet, so that nobody waits".to_owned());
        plan.migrations = pending.into_iter().map(unmeasured).collect();
        return Ok(plan);
    }
    let scratch = format!("colloquy_plan_{}", Uuid::now_v7().simple());
    match connection.execute(format!("CREATE DATABASE {scratch}").as_str()).await {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(INSUFFICIENT_PRIVILEGE) => {
            let reason = "the role has no CREATEDB, which a scratch database for the measurement needs";
            plan.unmeasured = Some(reason.to_owned());
            plan.migrations = pending.into_iter().map(unmeasured).collect();
            return Ok(plan);
        }
        created => _ = created.map_err(MigrateError::Unavailable)?,
    }
    let measured = measured(options.clone().database(&scratch), &plan.schema, &pending, &sizes).await;
    let dropped = connection.execute(format!("DROP DATABASE {scratch} WITH (FORCE)").as_str()).await;
    plan.migrations = measured?;
    dropped.map_err(MigrateError::Unavailable)?;
    Ok(plan)
}

fn unmeasured(migration: &Migration) -> PlannedMigration {
    let statements =
        statements(&migration.sql).into_iter().map(|sql| PlannedStatement { sql, locks: Vec::new() });
    PlannedMigration {
        name: name_of(migration),
        is_transaction: !migration.no_tx,
        statements: statements.collect(),
    }
}

fn name_of(migration: &Migration) -> MigrationName {
    MigrationName { version: migration.version, description: migration.description.to_string() }
}

async fn tables(connection: &mut PgConnection) -> Result<HashMap<i64, TableRow>, sqlx::Error> {
    let rows: Vec<TableRow> = sqlx::query_as(TABLES).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.oid, row)).collect())
}

/// Applies the migrations in a scratch database.
async fn measured(
    scratch: PgConnectOptions,
    schema: &SchemaState,
    pending: &[&Migration],
    sizes: &HashMap<i64, TableRow>,
) -> Result<Vec<PlannedMigration>, MigrateError> {
    let mut connection = scratch.connect().await.map_err(MigrateError::Unavailable)?;
    database::lift(&mut connection).await.map_err(MigrateError::Unavailable)?;
    let applied: Vec<_> =
        MIGRATIONS.iter().filter(|known| schema.applied.contains(&known.version)).cloned().collect();
    Migrator { migrations: applied.into(), locking: false, ..Migrator::DEFAULT }.run(&mut connection).await?;
    let mut planned = Vec::new();
    for migration in pending {
        let measured = if migration.no_tx {
            // What such a statement locks is given back before it can be seen.
            for statement in statements(&migration.sql) {
                connection.execute(statement.as_str()).await.map_err(MigrateError::Unavailable)?;
            }
            unmeasured(migration)
        } else {
            measure(&mut connection, migration, sizes).await.map_err(MigrateError::Unavailable)?
        };
        planned.push(measured);
    }
    let _ = connection.close().await;
    Ok(planned)
}

/// Runs a migration in a transaction, and looks at its locks after each statement.
async fn measure(
    connection: &mut PgConnection,
    migration: &Migration,
    sizes: &HashMap<i64, TableRow>,
) -> Result<PlannedMigration, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let mut before = tables(&mut transaction).await?;
    let existing: HashSet<i64> = before.keys().copied().collect();
    let mut held: HashSet<(i64, String)> = HashSet::new();
    let mut planned = Vec::new();
    for sql in statements(&migration.sql) {
        transaction.execute(sql.as_str()).await?;
        let locks: Vec<(i64, String)> = sqlx::query_as(LOCKS).fetch_all(&mut *transaction).await?;
        let after = tables(&mut transaction).await?;
        let mut found = Vec::new();
        for (oid, mode) in locks {
            if existing.contains(&oid) && held.insert((oid, mode.clone())) {
                found.extend(lock_of(&before, &after, oid, mode, sizes));
            }
        }
        // A rewrite under a lock that an earlier statement has taken.
        for oid in &existing {
            let is_named = before.get(oid).is_some_and(|row| found.iter().any(|lock| lock.table == row.name));
            let again = lock_of(&before, &after, *oid, String::new(), sizes);
            found.extend(again.filter(|lock| !is_named && (lock.rewrites || lock.scans)));
        }
        planned.push(PlannedStatement { sql, locks: found });
        before = after;
    }
    transaction.commit().await?;
    Ok(PlannedMigration { name: name_of(migration), is_transaction: true, statements: planned })
}

fn lock_of(
    before: &HashMap<i64, TableRow>,
    after: &HashMap<i64, TableRow>,
    oid: i64,
    mode: String,
    sizes: &HashMap<i64, TableRow>,
) -> Option<TableLock> {
    let row = before.get(&oid)?;
    let now = after.get(&oid);
    let size = sizes.values().find(|size| size.name == row.name);
    Some(TableLock {
        table: row.name.clone(),
        mode,
        rewrites: now.is_some_and(|now| now.file != row.file),
        scans: now.is_some_and(|now| now.scans > row.scans),
        bytes: size.map_or(0, |size| size.bytes),
        rows: size.map_or(-1, |size| size.rows),
    })
}
