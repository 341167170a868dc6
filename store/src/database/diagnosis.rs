//! Diagnosis of a database before a process runs on it.

use database::{CheckError, Pool, PreparedStatements, Sharing};
use secrecy::SecretString;
use sqlx::FromRow;

use super::MigrateError;
use super::schema::{self, SchemaState};

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

/// Connects once and looks. The caller limits the time. Works through every pooler.
pub async fn diagnose(url: &SecretString) -> Result<Diagnosis, MigrateError> {
    let pool = Pool::new(url, 1, PreparedStatements::Off)?;
    look(&pool).await.map_err(MigrateError::Unavailable)
}

async fn look(pool: &Pool) -> Result<Diagnosis, sqlx::Error> {
    let facts: Facts = sqlx::query_as(FACTS).fetch_one(pool).await?;
    let missing: Vec<String> = sqlx::query_scalar(MISSING_RIGHTS).fetch_all(pool).await?;
    if !missing.is_empty() {
        let problem =
            format!("role {} may not read or not write the tables {}", facts.role, missing.join(", "));
        let (server_version, schema) = (facts.server_version, SchemaState::default());
        return Ok(Diagnosis { server_version, schema, problems: vec![problem] });
    }
    let schema = schema::read(pool).await?;
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

/// Whether a connection keeps its session between transactions, as migrations need it. A transaction pooler
/// gives each transaction any of its own connections.
pub async fn keeps_its_session(url: &SecretString) -> Result<bool, MigrateError> {
    match database::check(url, PreparedStatements::Off).await {
        Ok(sharing) => Ok(sharing == Sharing::NotSeen),
        Err(CheckError::Connect(error)) => Err(error.into()),
        Err(CheckError::Wrong(wrong)) => Err(wrong.into()),
        Err(CheckError::Unavailable(error)) => Err(MigrateError::Unavailable(error)),
    }
}
