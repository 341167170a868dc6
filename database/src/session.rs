//! A connection, on which statements are sent as the pooler needs it.

use std::sync::Arc;

use async_stream::try_stream;
use futures::TryStreamExt as _;
use sqlx::{Connection as _, Error, Execute, Executor, PgConnection, Postgres};
use tokio::runtime::Handle;

use crate::PreparedStatements;
use crate::executor::{Results, executor, failed};
use crate::idle::{Connections, Lent};
use crate::pool::{is_broken, is_outdated};
use crate::statement::Statement;
use crate::transaction::Transaction;

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
pub(crate) enum State {
    /// No statement is under way, no transaction open, and nothing waits to be sent.
    Settled,
    /// A statement may be under way, or a rollback wait to be sent.
    Used,
    /// `BEGIN` is under way. `sqlx` 0.8 rolls back no transaction whose begin was not awaited to its end: on
    /// such a connection, all later statements would be in a transaction that nobody commits.
    Beginning,
    /// A statement was prepared on it before its tables were changed, see [`is_outdated`]. Stays so.
    Outdated,
}

impl State {
    pub(crate) fn set(&mut self, next: Self) {
        if *self != Self::Outdated {
            *self = next;
        }
    }

    pub(crate) fn note(&mut self, error: &Error) {
        if is_outdated(error) {
            *self = Self::Outdated;
        }
    }
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
        state.set(State::Beginning);
        let inner = sqlx::Connection::begin(session).await?;
        state.set(State::Used);
        Ok(Transaction::new(inner, prepared, state))
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
            state.set(State::Beginning);
            let mut transaction = session.begin_with(begin).await?;
            state.set(State::Used);
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
    /// and the idle connections of its pool with it. The server rolls an open transaction back
    /// when it notices.
    pub fn abandon(mut self) {
        drop(self.lent.take());
        let closed = self.pool.drop_idle();
        tracing::warn!(
            closed,
            "a connection to the database is broken or silent; the idle ones are closed, too"
        );
    }

    /// Abandons the connection if an error shows that it broke, is silent or outdated.
    pub(crate) fn abandon_if_broken(self, error: &Error) {
        if is_broken(error) || is_outdated(error) {
            self.abandon();
        }
    }

    #[expect(
        clippy::expect_used,
        reason = "only `abandon` and `drop` take it, and both consume the connection"
    )]
    fn use_session(&mut self) -> (&mut PgConnection, &mut State) {
        self.state.set(State::Used);
        let lent = self.lent.as_mut().expect("a connection is not used after it was consumed");
        (&mut lent.session.connection, &mut self.state)
    }

    /// Notes that the results of a statement were read to their end. A rollback that waits to be sent is then
    /// all that can be left.
    pub(crate) fn settle(&mut self) {
        if self.lent.as_ref().is_some_and(|lent| !lent.session.connection.should_flush()) {
            self.state.set(State::Settled);
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
            State::Outdated => {
                drop(lent);
                // They were opened before the change, too.
                let closed = self.pool.drop_idle();
                tracing::info!(closed, "tables have changed; the connections from before are closed");
            }
        }
    }
}

impl Connection {
    fn results<'e, 'q: 'e>(&'e mut self, query: impl Execute<'q, Postgres>) -> Results<'e> {
        let statement = match Statement::new(query, self.prepared) {
            Ok(statement) => statement,
            Err(error) => return failed(error),
        };
        Box::pin(try_stream! {
            let mut step = Step::BeforeEffect;
            let failure = {
                let mut results = self.run(statement, &mut step);
                loop {
                    match results.try_next().await {
                        Ok(Some(result)) => yield result,
                        Ok(None) => break None,
                        Err(error) => break Some(error),
                    }
                }
            };
            if let Some(error) = failure {
                self.state.note(&error);
                Err::<(), _>(error)?;
            }
            self.settle();
        })
    }
}

impl<'c> Executor<'c> for &'c mut Connection {
    executor!();
}
