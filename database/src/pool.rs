//! A pool whose connections cannot be pinned, and which replaces those that died.
//!
//! `sqlx` waits without a limit for the answer to a statement, and again when a connection goes back to its
//! pool, by a round trip of its own. A network path that drops packets without a word would hold both until
//! TCP gives up, which takes a quarter of an hour. Here a connection that stays silent is closed, together
//! with the idle connections beside it, which took the same path. A connection whose statement or transaction
//! has ended goes back at once, without a round trip or a task.
//!
//! A connection that the other side has closed while it was idle (a restart, a pooler's limit, a database
//! that went to sleep) shows only when it is used. The statement is then sent once more on a new connection,
//! if it only reads or if it certainly had no effect.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_stream::try_stream;
use futures::TryStreamExt as _;
use secrecy::SecretString;
use sqlx::postgres::{PgDatabaseError, PgPoolOptions, PgSeverity};
use sqlx::{Error, Execute, Executor, PgPool, Postgres};
use tokio::time::{Instant, timeout, timeout_at};

use crate::connect::{ConnectError, options};
use crate::executor::{Results, executor, failed};
use crate::idle::Connections;
use crate::limits::{self, CLIENT_LIMIT, Limit};
use crate::session::{Connection, Step};
use crate::statement::{PreparedStatements, Statement};
use crate::transaction::Transaction;

/// Time a statement waits for a connection before the database counts as unavailable. A database that was
/// asleep has that long to wake up.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// Time within which a connection has to answer when it goes back to the pool. A statement whose caller is
/// gone has that long to end; then the connection is closed, and the server ends the statement.
pub(crate) const RETURN_LIMIT: Duration = Duration::from_secs(1);

/// Connections to one database. Clones share them.
///
/// A statement on the pool itself ends within [`CLIENT_LIMIT`] after it has a connection.
#[derive(Debug, Clone)]
pub struct Pool {
    connections: Arc<Connections>,
    prepared: PreparedStatements,
}

impl Pool {
    /// A pool of at most `connections`. Connects when a connection is first needed.
    pub fn new(
        url: &SecretString,
        connections: u32,
        prepared: PreparedStatements,
    ) -> Result<Self, ConnectError> {
        let connections = Arc::new(Connections::new(options(url, "colloquy")?, connections));
        Ok(Self { connections, prepared })
    }

    /// A connection, within the pool's time limit. It is not tried before its use, which would be a round
    /// trip that a user waits for: a dead connection reports itself at once, and a silent one by the time
    /// limit of its statement.
    pub async fn acquire(&self) -> Result<Connection, Error> {
        let deadline = Instant::now() + ACQUIRE_TIMEOUT;
        let taking = timeout_at(deadline, self.connections.take(deadline));
        let lent = taking.await.map_err(|_| Error::PoolTimedOut)??;
        Ok(Connection::new(lent, Arc::clone(&self.connections), self.prepared))
    }

    /// Runs statements in one transaction and commits it. An error rolls back; so does a silent connection,
    /// which is closed after the limit, and then the outcome of the commit can be unknown.
    pub async fn transaction<T>(
        &self,
        limit: Limit,
        work: impl AsyncFnOnce(&mut Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (mut work, mut is_repeated) = (Some(work), false);
        loop {
            let mut connection = self.acquire().await?;
            let transaction = async {
                let mut transaction = connection.begin().await?;
                let Some(work) = work.take() else { return Err(Error::WorkerCrashed) };
                if matches!(limit, Limit::Long) {
                    transaction.raise_limits().await?;
                }
                let value = work(&mut transaction).await?;
                transaction.commit().await?;
                Ok(value)
            };
            let done = timeout(limit.in_client(), transaction).await.unwrap_or_else(|_| Err(no_answer()));
            let Err(error) = &done else { return done };
            connection.abandon_if_broken(error);
            // Nothing was done on a connection that had died before. The next one is new.
            if work.is_none() || is_repeated || !is_lost(error) {
                return done;
            }
            is_repeated = true;
        }
    }

    /// Open connections, and idle connections among them.
    pub fn size(&self) -> (usize, usize) {
        self.connections.size()
    }

    /// The results of a statement, which is repeated once if its connection broke without any effect.
    fn results<'q>(&self, query: impl Execute<'q, Postgres>) -> Results<'q> {
        let statement = match Statement::new(query, self.prepared) {
            Ok(statement) => statement,
            Err(error) => return failed(error),
        };
        let pool = self.clone();
        Box::pin(try_stream! {
            let only_reads = statement.only_reads();
            let is_repeatable = only_reads || (pool.prepared == PreparedStatements::Off && !statement.is_simple());
            let mut again = is_repeatable.then(|| statement.clone());
            let mut next = Some(statement);
            while let Some(statement) = next.take() {
                let mut connection = pool.acquire().await?;
                let deadline = Instant::now() + CLIENT_LIMIT;
                let mut step = Step::BeforeEffect;
                let mut has_results = false;
                let error = {
                    let mut results = connection.run(statement, &mut step);
                    loop {
                        match timeout_at(deadline, results.try_next()).await {
                            Ok(Ok(Some(result))) => {
                                has_results = true;
                                yield result;
                            }
                            Ok(Ok(None)) => break None,
                            Ok(Err(error)) => break Some(error),
                            Err(_) => break Some(no_answer()),
                        }
                    }
                };
                let Some(error) = error else {
                    connection.settle();
                    return;
                };
                connection.abandon_if_broken(&error);
                let has_no_effect = !has_results && (only_reads || step == Step::BeforeEffect);
                match again.take().filter(|_| has_no_effect && is_lost(&error)) {
                    Some(statement) => next = Some(statement),
                    None => Err::<(), _>(error)?,
                }
            }
        })
    }
}

/// A pool of `sqlx` to the same database, of the same size, for tools. It shares no connection.
impl From<Pool> for PgPool {
    fn from(pool: Pool) -> Self {
        let most = u32::try_from(pool.connections.most()).unwrap_or(u32::MAX);
        PgPoolOptions::new()
            .max_connections(most)
            .test_before_acquire(false)
            .after_connect(|connection, _| Box::pin(limits::apply_to_session(connection)))
            .connect_lazy_with(pool.connections.options().clone())
    }
}

impl<'c> Executor<'c> for &'_ Pool {
    executor!();
}

/// The error of a statement whose answer did not come. Its outcome is unknown.
pub fn no_answer() -> Error {
    Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the database did not answer in time"))
}

/// Whether the other side closed the connection or never accepted it, for a reason that can pass, or the
/// statement needs a connection on which it was not prepared before.
pub fn is_lost(error: &Error) -> bool {
    match error {
        Error::Io(error) => error.kind() != io::ErrorKind::TimedOut,
        Error::Database(_) => {
            is_outdated(error)
                || is_broken(error)
                    && code_class(error).is_some_and(|class| PASSING.contains(&class.as_str()))
        }
        _ => false,
    }
}

/// SQLSTATE classes of the errors by which a server or a pooler ends a session, or does not begin one, for a
/// reason that can pass: connection exception, insufficient resources, operator intervention.
const PASSING: [&str; 3] = ["08", "53", "57"];

fn code_class(error: &Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.get(..2)?.to_owned())
}

/// Whether a statement was prepared on the connection before a table was changed: by an expansion, the
/// results of `SELECT *` get another type. Nothing was done, and `sqlx` never prepares the statement again.
pub(crate) fn is_outdated(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    error.code().is_some_and(|code| code == "0A000")
        && error
            .try_downcast_ref::<PgDatabaseError>()
            .is_some_and(|error| error.routine() == Some("RevalidateCachedQuery"))
}

/// Whether the connection cannot be used any more.
pub(crate) fn is_broken(error: &Error) -> bool {
    match error {
        Error::Io(_) | Error::Protocol(_) => true,
        Error::Database(error) => error
            .try_downcast_ref::<PgDatabaseError>()
            .is_some_and(|error| matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic)),
        _ => false,
    }
}
