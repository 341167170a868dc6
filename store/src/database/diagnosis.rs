//! What an operator has to know about a database before a process runs on it.

use std::str::FromStr as _;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, FromRow, PgConnection};

use super::schema::{self, SchemaState};
use super::{ConnectError, MigrateError};

/// The oldest PostgreSQL that the schema works on, as `server_version_num`.
const OLDEST_SERVER: i32 = 150_000;

/// Facts about a database and the role that connects to it.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// Version of the server.
    pub server_version: String,
    /// Migrations of the database.
    pub schema: SchemaState,
    /// Reasons why the role cannot run the service or migrate the database, in words.
    pub problems: Vec<String>,
}

#[derive(FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "independent answers of one query")]
struct Facts {
    server_version: String,
    version_number: i32,
    role: String,
    database: String,
    /// Whether the role may create other roles.
    creates_roles: bool,
    /// Whether the role may create tables in the schema.
    creates_tables: bool,
    reader_exists: bool,
    /// Whether the role has the rights of `colloquy_reader`.
    is_reader: bool,
    is_read_only: bool,
}

const FACTS: &str = "
SELECT current_setting('server_version') AS server_version,
       current_setting('server_version_num')::int AS version_number,
       current_user::text AS role, current_database()::text AS database,
       (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) AS creates_roles,
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS creates_tables,
       EXISTS (SELECT FROM pg_roles WHERE rolname = 'colloquy_reader') AS reader_exists,
       coalesce((SELECT pg_has_role(oid, 'USAGE') FROM pg_roles WHERE rolname = 'colloquy_reader'), false) AS is_reader,
       pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS is_read_only";

/// The tables on which the role lacks a right. The owner of a table has all.
const MISSING_RIGHTS: &str = "
SELECT name FROM unnest(ARRAY['_sqlx_migrations', 'events', 'outbox', 'ledger', 'keys', 'checkpoints']) AS name
 WHERE to_regclass(name) IS NOT NULL
   AND NOT (has_table_privilege(name, 'SELECT') AND (name = '_sqlx_migrations' OR has_table_privilege(name, 'INSERT')))";

/// Connects once and looks. The caller limits the time.
pub async fn diagnose(url: &SecretString) -> Result<Diagnosis, MigrateError> {
    let options = PgConnectOptions::from_str(url.expose_secret()).map_err(ConnectError)?;
    let options = options.application_name("colloquy config check");
    let mut connection = options.connect().await.map_err(MigrateError::Unavailable)?;
    let diagnosis = look(&mut connection).await.map_err(MigrateError::Unavailable)?;
    let _ = connection.close().await;
    Ok(diagnosis)
}

async fn look(connection: &mut PgConnection) -> Result<Diagnosis, sqlx::Error> {
    let facts: Facts = sqlx::query_as(FACTS).fetch_one(&mut *connection).await?;
    let missing: Vec<String> = sqlx::query_scalar(MISSING_RIGHTS).fetch_all(&mut *connection).await?;
    if !missing.is_empty() {
        let problem =
            format!("role {} may not read or not write the tables {}", facts.role, missing.join(", "));
        let (server_version, schema) = (facts.server_version, SchemaState::default());
        return Ok(Diagnosis { server_version, schema, problems: vec![problem] });
    }
    let schema = schema::read(&mut *connection).await?;
    let problems = facts.problems(&schema);
    Ok(Diagnosis { server_version: facts.server_version, schema, problems })
}

impl Facts {
    fn problems(&self, schema: &SchemaState) -> Vec<String> {
        let Self { role, database, server_version, .. } = self;
        let mut problems = Vec::new();
        if self.version_number < OLDEST_SERVER {
            problems.push(format!("PostgreSQL {server_version} is older than 15"));
        }
        if self.is_read_only {
            problems.push(format!("database {database} accepts no writes: it is a replica, or read-only"));
        }
        if let Err(refused) = schema.check() {
            problems.push(refused.to_string());
        }
        if !schema.pending.is_empty() && !self.creates_tables {
            problems.push(format!("migrations are pending, and role {role} may not create tables"));
        }
        // Migration 2 creates it.
        if self.reader_exists {
            if schema.applied.contains(&2) && !self.is_reader {
                problems
                    .push(format!("role {role} is not a member of colloquy_reader, through which it reads"));
            }
        } else if schema.applied.contains(&2) {
            problems.push(
                "role colloquy_reader does not exist: the database was restored without its roles".to_owned(),
            );
        } else if !self.creates_roles {
            problems.push(format!(
                "role {role} has no CREATEROLE, with which migration 2 creates colloquy_reader"
            ));
        }
        problems
    }
}

/// Whether a connection keeps its session between transactions, as migrations need it. A transaction pooler gives
/// each transaction any of its own connections.
pub async fn keeps_its_session(url: &SecretString) -> Result<bool, MigrateError> {
    let options = PgConnectOptions::from_str(url.expose_secret()).map_err(ConnectError)?;
    let connect = async || options.clone().application_name("colloquy config check").connect().await;
    let keeps = async {
        let (mut one, mut other) = (connect().await?, connect().await?);
        let first = session_of(&mut one).await?;
        // Holds the session that a pooler would give to the next transaction.
        let mut held = other.begin().await?;
        session_of(&mut held).await?;
        let second = session_of(&mut one).await?;
        held.rollback().await?;
        let _ = tokio::join!(one.close(), other.close());
        Ok(first == second)
    };
    keeps.await.map_err(MigrateError::Unavailable)
}

async fn session_of(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection).await
}
