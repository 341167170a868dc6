//! A pool whose connections cannot be pinned: every wait for the server has a time limit.
//!
//! `sqlx` waits without a limit for the answer to a statement, and again when a connection goes back to its
//! pool. A network path that drops packets without a word would hold both until TCP gives up, which takes a
//! quarter of an hour. Here a connection that stays silent is closed, together with the idle connections
//! beside it, which took the same path.

use std::io;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use async_stream::try_stream;
use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{Connection as _, Describe, Either, Error, Execute, Executor, PgConnection, PgPool, Postgres};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout, timeout_at};

use super::limits::{self, CLIENT_LIMIT, Limit};

/// Time within which a connection has to answer when it goes back to the pool. A statement whose caller is
/// gone has that long to end; then the connection is closed, and the server ends the statement.
const RETURN_LIMIT: Duration = Duration::from_secs(1);

/// Connections to one database. Clones share them.
///
/// A statement on the pool itself ends within [`CLIENT_LIMIT`].
#[derive(Debug, Clone)]
pub(crate) struct Pool(PgPool);

/// A connection for a transaction. Goes back to its pool when dropped.
///
/// Whoever waits on it sets a limit of their own, and calls [`Self::abandon`] when it passes.
#[derive(Debug)]
pub struct Connection {
    /// `None` only while the value is consumed, by [`Connection::abandon`] or by dropping it.
    inner: Option<PoolConnection<Postgres>>,
    pool: PgPool,
}

impl Pool {
    pub(crate) const fn new(pool: PgPool) -> Self {
        Self(pool)
    }

    /// A connection, within the pool's time limit.
    pub(crate) async fn acquire(&self) -> Result<Connection, Error> {
        Ok(Connection { inner: Some(self.0.acquire().await?), pool: self.0.clone() })
    }

    /// Runs statements in one transaction and commits it. An error rolls back; so does a silent connection,
    /// which is closed after the limit, and then the outcome of the commit can be unknown.
    pub(crate) async fn transaction<T>(
        &self,
        limit: Limit,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut connection = self.acquire().await?;
        let transaction = async {
            let mut transaction = (*connection).begin().await?;
            if matches!(limit, Limit::Long) {
                limits::raise(&mut transaction).await?;
            }
            let value = work(&mut transaction).await?;
            transaction.commit().await?;
            Ok(value)
        };
        let done = timeout(limit.in_client(), transaction).await.unwrap_or_else(|_| Err(no_answer()));
        if let Err(error) = &done {
            connection.abandon_if_broken(error);
        }
        done
    }

    /// Open connections, and idle connections among them.
    pub(crate) fn size(&self) -> (u32, usize) {
        (self.0.size(), self.0.num_idle())
    }
}

impl From<Pool> for PgPool {
    fn from(pool: Pool) -> Self {
        pool.0
    }
}

impl Connection {
    /// Closes the connection without a word to the server, because it broke or the server does not answer, and
    /// the idle connections of its pool with it. The server rolls an open transaction back when it notices.
    pub fn abandon(mut self) {
        if let Some(silent) = self.inner.take() {
            drop(silent.detach());
        }
        let mut closed = 0;
        while let Some(idle) = self.pool.try_acquire() {
            drop(idle.detach());
            closed += 1;
        }
        tracing::warn!(
            closed,
            "a connection to the database is broken or silent; the idle ones are closed, too"
        );
    }
}

impl Connection {
    /// Abandons the connection if an error shows that it broke or is silent.
    pub(crate) fn abandon_if_broken(self, error: &Error) {
        if matches!(error, Error::Io(_)) {
            self.abandon();
        }
    }
}

#[expect(clippy::expect_used, reason = "only `abandon` and `drop` take it, and both consume the connection")]
impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.inner.as_ref().expect("a connection is not used after it was consumed")
    }
}

#[expect(clippy::expect_used, reason = "only `abandon` and `drop` take it, and both consume the connection")]
impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.inner.as_mut().expect("a connection is not used after it was consumed")
    }
}

impl Drop for Connection {
    /// Gives the connection back in a task: a statement may still be under way, whose caller stopped waiting.
    fn drop(&mut self) {
        let Some(mut connection) = self.inner.take() else { return };
        match Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(timeout(RETURN_LIMIT, connection.return_to_pool()));
            }
            Err(_) => drop(connection.detach()),
        }
    }
}

impl<'p> Executor<'p> for &'_ Pool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let pool = self.clone();
        Box::pin(try_stream! {
            let mut connection = pool.acquire().await?;
            let deadline = Instant::now() + CLIENT_LIMIT;
            let error = {
                let mut results = (*connection).fetch_many(query);
                loop {
                    match timeout_at(deadline, results.try_next()).await {
                        Ok(Ok(Some(result))) => yield result,
                        Ok(Ok(None)) => break None,
                        Ok(Err(error)) => break Some(error),
                        Err(_) => break Some(no_answer()),
                    }
                }
            };
            if let Some(error) = error {
                connection.abandon_if_broken(&error);
                Err(error)?;
            }
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let pool = self.clone();
        Box::pin(async move {
            let mut connection = pool.acquire().await?;
            let fetching = timeout(CLIENT_LIMIT, (*connection).fetch_optional(query));
            let row = fetching.await.unwrap_or_else(|_| Err(no_answer()));
            if let Err(error) = &row {
                connection.abandon_if_broken(error);
            }
            row
        })
    }

    fn prepare_with<'e, 'q: 'e>(
        self,
        sql: &'q str,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement<'q>, Error>>
    where
        'p: 'e,
    {
        let pool = self.0.clone();
        Box::pin(async move { (&pool).prepare_with(sql, parameters).await })
    }

    fn describe<'e, 'q: 'e>(self, sql: &'q str) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        'p: 'e,
    {
        let pool = self.0.clone();
        Box::pin(async move { (&pool).describe(sql).await })
    }
}

/// The error of a statement whose answer did not come. Its outcome is unknown.
pub(crate) fn no_answer() -> Error {
    Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the database did not answer in time"))
}
