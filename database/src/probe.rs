//! Finds out at the start whether a connection pooler works as its clients expect.
//!
//! Two connections that reach the same server process at once share it: there is a pooler, and it gives
//! servers to transactions or statements. Then the second connection prepares another statement under the
//! name that the first one has used. A pooler that passes the names on as they are lets them collide.

use std::time::Duration;

use secrecy::SecretString;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Error, Executor as _, PgTransaction, Row as _};
use tokio::time::timeout;

use crate::connect::{ConnectError, connect_alone};
use crate::pool::no_answer;
use crate::statement::PreparedStatements;

/// Time limit of all steps together.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// Attempts to reach another server process by a connection whose first one is in use.
const ATTEMPTS: usize = 3;
/// SQLSTATE of a name of a prepared statement that is not known, or known already.
const NAME_ERRORS: [&str; 2] = ["26000", "42P05"];

/// Whether connections share the processes of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Two connections used the same server process: a pooler gives it to one transaction after another.
    Shared,
    /// Nothing of the kind was seen.
    NotSeen,
}

/// A pooler, or settings of it, with which the service does not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongPooler {
    /// Named statements of one connection reach servers that do not know them.
    #[error(
        "the connection pooler mixes prepared statements up; set DATABASE_PREPARED_STATEMENTS=off, or let the \
         pooler keep them (PgBouncer 1.21 or newer with max_prepared_statements = 200)"
    )]
    PreparedStatements,
    /// No transactions.
    #[error(
        "the connection pooler gives servers to single statements; transactions need pool_mode = transaction \
         or pool_mode = session"
    )]
    StatementPooling,
    /// The pooler refuses a parameter in the start of a connection.
    #[error(
        "the connection pooler refuses the start parameter `{0}`; take it out of the database's URL, or let the \
         pooler skip it (PgBouncer: ignore_startup_parameters = {0})"
    )]
    StartupParameter(String),
    /// A session is needed.
    #[error(
        "DATABASE_DIRECT_URL leads through a transaction pooler, which keeps no lock of a session; migrations \
         need the URL of the server itself (Neon: the host name without -pooler)"
    )]
    NoSession,
}

/// A check without a good result.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The database cannot be addressed.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The pooler does not fit.
    #[error(transparent)]
    Wrong(#[from] WrongPooler),
    /// The database is unavailable.
    #[error("the connection to the database could not be checked")]
    Unavailable(#[source] Error),
}

/// Checks that transactions, and with [`PreparedStatements::On`] named statements, work. Takes two
/// connections and up to nine round trips.
pub async fn check(url: &SecretString, prepared: PreparedStatements) -> Result<Sharing, CheckError> {
    let probing = async {
        let first = connect_alone(url, "colloquy probe").await?;
        let mut first = first.map_err(understood)?;
        let mut second = connect_alone(url, "colloquy probe").await?.map_err(understood)?;
        let sharing = compare(&mut first, &mut second, prepared).await;
        // A connection that is only dropped leaves its end to the server.
        let _ = (first.close().await, second.close().await);
        sharing.map_err(understood)
    };
    timeout(PROBE_TIMEOUT, probing).await.unwrap_or_else(|_| Err(CheckError::Unavailable(no_answer())))
}

async fn compare(
    first: &mut PgConnection,
    second: &mut PgConnection,
    prepared: PreparedStatements,
) -> Result<Sharing, Error> {
    // The first named statement of each connection has the same name.
    let is_named = prepared == PreparedStatements::On;
    let used = if is_named { process_by_name(first).await? } else { process(&mut *first).await? };
    let mut transaction = second.begin().await?;
    let held = process(&mut transaction).await?;
    if process(&mut transaction).await? != held {
        return Err(Error::Protocol(STATEMENT_POOLING.to_owned()));
    }
    if held == used {
        if is_named {
            sqlx::query("SELECT pg_backend_pid() AS process, $1")
                .bind(1)
                .fetch_one(&mut *transaction)
                .await?;
        }
        end(transaction).await?;
        return Ok(Sharing::Shared);
    }
    let mut sharing = Sharing::NotSeen;
    for _ in 0..ATTEMPTS {
        let now = if is_named { process_by_name(first).await? } else { process(&mut *first).await? };
        if now != used {
            sharing = Sharing::Shared;
        }
    }
    end(transaction).await?;
    Ok(sharing)
}

async fn end(transaction: PgTransaction<'_>) -> Result<(), Error> {
    transaction.rollback().await
}

/// The server process behind a connection, by the simple protocol.
async fn process(connection: &mut PgConnection) -> Result<i32, Error> {
    let row = connection.fetch_one(sqlx::raw_sql("SELECT pg_backend_pid()")).await?;
    row.try_get(0)
}

/// The same by a named statement.
async fn process_by_name(connection: &mut PgConnection) -> Result<i32, Error> {
    sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection).await
}

/// Message of `PgBouncer`, and of this probe where two statements of a transaction reached two servers.
const STATEMENT_POOLING: &str = "statement pooling";
/// Beginning of `PgBouncer`'s message about a parameter that it does not know.
const STARTUP_PARAMETER: &str = "unsupported startup parameter";

/// What an error says about the pooler.
fn understood(error: Error) -> CheckError {
    let text = match &error {
        Error::Database(database) => database.message().to_owned(),
        Error::Protocol(message) => message.clone(),
        _ => String::new(),
    };
    let code = error.as_database_error().and_then(DatabaseError::code).unwrap_or_default().into_owned();
    if NAME_ERRORS.contains(&code.as_str()) {
        return WrongPooler::PreparedStatements.into();
    }
    if text.contains(STATEMENT_POOLING) {
        return WrongPooler::StatementPooling.into();
    }
    if let Some((_, parameter)) = text.split_once(STARTUP_PARAMETER) {
        let name =
            parameter.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').find(|word| !word.is_empty());
        // Newer versions say `unsupported startup parameter in options: name`.
        let name = if parameter.starts_with(" in options") { Some("options") } else { name };
        return WrongPooler::StartupParameter(name.unwrap_or("options").to_owned()).into();
    }
    CheckError::Unavailable(error)
}
