//! A transaction, or a savepoint in one.

use async_stream::try_stream;
use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use sqlx::{Acquire, Error, Execute, Executor, PgTransaction, Postgres};

use crate::executor::{Results, executor, failed};
use crate::session::{Connection, State};
use crate::statement::Statement;
use crate::{PreparedStatements, limits};

/// A transaction. Rolled back when dropped before [`Transaction::commit`].
#[derive(Debug)]
pub struct Transaction<'c> {
    inner: PgTransaction<'c>,
    prepared: PreparedStatements,
    /// Of the connection, unless this transaction is a savepoint.
    state: Option<&'c mut State>,
}

impl<'c> Transaction<'c> {
    pub(crate) const fn new(
        inner: PgTransaction<'c>,
        prepared: PreparedStatements,
        state: &'c mut State,
    ) -> Self {
        Self { inner, prepared, state: Some(state) }
    }

    /// Begins a savepoint: a transaction within this one.
    pub async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        let prepared = self.prepared;
        let inner = sqlx::Connection::begin(&mut *self.inner).await?;
        Ok(Transaction { inner, prepared, state: None })
    }

    /// Commits.
    pub async fn commit(self) -> Result<(), Error> {
        self.inner.commit().await?;
        self.state.into_iter().for_each(|state| state.set(State::Settled));
        Ok(())
    }

    /// Rolls back.
    pub async fn rollback(self) -> Result<(), Error> {
        self.inner.rollback().await?;
        self.state.into_iter().for_each(|state| state.set(State::Settled));
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

impl Transaction<'_> {
    fn results<'e, 'q: 'e>(&'e mut self, query: impl Execute<'q, Postgres>) -> Results<'e> {
        let statement = match Statement::new(query, self.prepared) {
            Ok(statement) => statement,
            Err(error) => return failed(error),
        };
        let state = self.state.as_deref_mut();
        let mut results = (*self.inner).fetch_many(statement);
        Box::pin(try_stream! {
            let error = loop {
                match results.try_next().await {
                    Ok(Some(result)) => yield result,
                    Ok(None) => return,
                    Err(error) => break error,
                }
            };
            if let Some(state) = state {
                state.note(&error);
            }
            Err::<(), _>(error)?;
        })
    }
}

impl<'c> Executor<'c> for &'c mut Transaction<'_> {
    executor!();
}
