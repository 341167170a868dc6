//! A connection and a transaction, on which statements are sent as the pooler needs it.

use std::sync::Arc;

use async_stream::try_stream;
use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use sqlx::postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{
    Acquire, Connection as _, Describe, Either, Error, Execute, Executor, PgConnection, PgTransaction,
    Postgres,
};
use tokio::runtime::Handle;

use crate::idle::{Connections, Lent};
use crate::pool::is_broken;
use crate::statement::Statement;
use crate::{PreparedStatements, limits};

/// The rows and results of a statement.
pub(crate) type Results<'a> = BoxStream<'a, Result<Either<PgQueryResult, PgRow>, Error>>;

/// A connection for a transaction. Goes back to its pool when dropped.
///
/// Whoever waits on it sets a limit of their own, and calls [`Self::abandon`] when it passes.
#[derive(Debug)]
pub struct Connection {
    /// `None` only while the value is consumed, by [`Connection::abandon`] or by dropping it.
    lent: Option<Lent>,
    pool: Arc<Connections>,
    prepared: PreparedStatements,
    state: State,
}

/// How a connection stands when it is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No statement is under way, no transaction open, and nothing waits to be sent.
    Settled,
    /// A statement may be under way, or a rollback wait to be sent.
    Used,
    /// `BEGIN` is under way. `sqlx` 0.8 rolls back no transaction whose begin was not awaited to its end: on
    /// such a connection, all later statements would be in a transaction that nobody commits.
    Beginning,
}

/// A transaction. Rolled back when dropped before [`Transaction::commit`].
#[derive(Debug)]
pub struct Transaction<'c> {
    inner: PgTransaction<'c>,
    prepared: PreparedStatements,
    /// Of the connection, unless this transaction is a savepoint.
    state: Option<&'c mut State>,
}

/// How far a statement on its own has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// If the connection breaks now, nothing was changed.
    BeforeEffect,
    /// If the connection breaks now, the outcome is unknown.
    InDoubt,
}

impl Connection {
    pub(crate) const fn new(lent: Lent, pool: Arc<Connections>, prepared: PreparedStatements) -> Self {
        Self { lent: Some(lent), pool, prepared, state: State::Settled }
    }

    /// Begins a transaction.
    pub async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        let prepared = self.prepared;
        let (session, state) = self.use_session();
        *state = State::Beginning;
        let inner = sqlx::Connection::begin(session).await?;
        *state = State::Used;
        Ok(Transaction { inner, prepared, state: Some(state) })
    }

    /// Runs one statement in a transaction of its own, and keeps `step` true. Whoever has read the results to
    /// their end calls [`Self::settle`].
    pub(crate) fn run<'a>(&'a mut self, statement: Statement<'a>, step: &'a mut Step) -> Results<'a> {
        *step = Step::InDoubt;
        if self.prepared == PreparedStatements::On || statement.is_simple() {
            return self.use_session().0.fetch_many(statement);
        }
        *step = Step::BeforeEffect;
        let only_reads = statement.only_reads();
        Box::pin(try_stream! {
            // The server refuses a change that is taken for a read.
            let begin = if only_reads { "BEGIN READ ONLY" } else { "BEGIN" };
            let (session, state) = self.use_session();
            *state = State::Beginning;
            let mut transaction = session.begin_with(begin).await?;
            *state = State::Used;
            {
                let mut results = (*transaction).fetch_many(statement);
                while let Some(result) = results.try_next().await? {
                    yield result;
                }
            }
            // Dropped, it is rolled back on the way back to the pool, for which no caller waits.
            if !only_reads {
                *step = Step::InDoubt;
                transaction.commit().await?;
            }
        })
    }

    /// Closes the connection without a word to the server, because it broke or the server does not answer,
    /// and the idle connections of its pool with it. The server rolls an open transaction back when it
    /// notices.
    pub fn abandon(mut self) {
        drop(self.lent.take());
        let closed = self.pool.drop_idle();
        tracing::warn!(
            closed,
            "a connection to the database is broken or silent; the idle ones are closed, too"
        );
    }

    /// Abandons the connection if an error shows that it broke or is silent.
    pub(crate) fn abandon_if_broken(self, error: &Error) {
        if is_broken(error) {
            self.abandon();
        }
    }

    #[expect(
        clippy::expect_used,
        reason = "only `abandon` and `drop` take it, and both consume the connection"
    )]
    fn use_session(&mut self) -> (&mut PgConnection, &mut State) {
        self.state = State::Used;
        let lent = self.lent.as_mut().expect("a connection is not used after it was consumed");
        (&mut lent.session.connection, &mut self.state)
    }

    /// Notes that the results of a statement were read to their end. A rollback that waits to be sent is then
    /// all that can be left.
    pub(crate) fn settle(&mut self) {
        if self.lent.as_ref().is_some_and(|lent| !lent.session.connection.should_flush()) {
            self.state = State::Settled;
        }
    }
}

impl Drop for Connection {
    /// Gives the connection back, in a task if a statement may be under way whose caller stopped waiting.
    /// Closes it if a transaction may have begun that no value stands for: the server rolls it back.
    fn drop(&mut self) {
        let Some(lent) = self.lent.take() else { return };
        match self.state {
            State::Settled => self.pool.give_back(lent),
            State::Used => {
                if let Ok(runtime) = Handle::try_current() {
                    runtime.spawn(Arc::clone(&self.pool).give_back_settled(lent));
                }
            }
            State::Beginning => drop(lent),
        }
    }
}

impl Transaction<'_> {
    /// Begins a savepoint: a transaction within this one.
    pub async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        let prepared = self.prepared;
        let inner = sqlx::Connection::begin(&mut *self.inner).await?;
        Ok(Transaction { inner, prepared, state: None })
    }

    /// Commits.
    pub async fn commit(self) -> Result<(), Error> {
        self.inner.commit().await?;
        self.state.into_iter().for_each(|state| *state = State::Settled);
        Ok(())
    }

    /// Rolls back.
    pub async fn rollback(self) -> Result<(), Error> {
        self.inner.rollback().await?;
        self.state.into_iter().for_each(|state| *state = State::Settled);
        Ok(())
    }

    /// Raises the limits of the transaction for work that reads or changes much.
    pub(crate) async fn raise_limits(&mut self) -> Result<(), Error> {
        (*self.inner).execute(limits::LONG).await.map(drop)
    }
}

/// Where a transaction can begin: on a [`Connection`], or on what `sqlx` takes, for tests and tools.
pub trait Begin<'c>: Send {
    /// Begins a transaction, or a savepoint in one.
    fn begin(self) -> BoxFuture<'c, Result<Transaction<'c>, Error>>;
}

impl<'c> Begin<'c> for &'c mut Connection {
    fn begin(self) -> BoxFuture<'c, Result<Transaction<'c>, Error>> {
        Box::pin(Connection::begin(self))
    }
}

impl<'c, A: Acquire<'c, Database = Postgres> + Send + 'c> Begin<'c> for A {
    fn begin(self) -> BoxFuture<'c, Result<Transaction<'c>, Error>> {
        Box::pin(async move {
            let inner = Acquire::begin(self).await?;
            Ok(Transaction { inner, prepared: PreparedStatements::On, state: None })
        })
    }
}

/// An error as a stream of results.
pub(crate) fn failed<'a>(error: Error) -> Results<'a> {
    Box::pin(futures::stream::once(async { Err(error) }))
}

/// The first row of all results, which are read to their end: an error can follow a row.
pub(crate) async fn first_row(mut results: Results<'_>) -> Result<Option<PgRow>, Error> {
    let mut first = None;
    while let Some(result) = results.try_next().await? {
        if let Either::Right(row) = result {
            first.get_or_insert(row);
        }
    }
    Ok(first)
}

/// Implements the executor of `sqlx` by the method `results`.
macro_rules! executor {
    () => {
        type Database = Postgres;

        fn fetch_many<'e, 'q: 'e, E>(
            self,
            query: E,
        ) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, Error>>
        where
            'c: 'e,
            E: 'q + Execute<'q, Postgres>,
        {
            self.results(query)
        }

        fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
        where
            'c: 'e,
            E: 'q + Execute<'q, Postgres>,
        {
            Box::pin($crate::session::first_row(self.results(query)))
        }

        fn prepare_with<'e, 'q: 'e>(
            self,
            _: &'q str,
            _: &'e [PgTypeInfo],
        ) -> BoxFuture<'e, Result<PgStatement<'q>, Error>>
        where
            'c: 'e,
        {
            Box::pin(async { Err($crate::session::apart_from_its_use()) })
        }

        fn describe<'e, 'q: 'e>(self, _: &'q str) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
        where
            'c: 'e,
        {
            Box::pin(async { Err($crate::session::apart_from_its_use()) })
        }
    };
}
pub(crate) use executor;

/// Preparing or describing a statement apart from its use would need a server that stays the same.
pub(crate) fn apart_from_its_use() -> Error {
    Error::Protocol("a statement is only prepared where it is used".to_owned())
}

impl Transaction<'_> {
    fn results<'e, 'q: 'e>(&'e mut self, query: impl Execute<'q, Postgres>) -> Results<'e> {
        match Statement::new(query, self.prepared) {
            Ok(statement) => (*self.inner).fetch_many(statement),
            Err(error) => failed(error),
        }
    }
}

impl<'c> Executor<'c> for &'c mut Transaction<'_> {
    executor!();
}

impl Connection {
    fn results<'e, 'q: 'e>(&'e mut self, query: impl Execute<'q, Postgres>) -> Results<'e> {
        let statement = match Statement::new(query, self.prepared) {
            Ok(statement) => statement,
            Err(error) => return failed(error),
        };
        Box::pin(try_stream! {
            let mut step = Step::BeforeEffect;
            {
                let mut results = self.run(statement, &mut step);
                while let Some(result) = results.try_next().await? {
                    yield result;
                }
            }
            self.settle();
        })
    }
}

impl<'c> Executor<'c> for &'c mut Connection {
    executor!();
}
