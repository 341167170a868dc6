//! The executor of `sqlx` on the types of this crate.

use futures::TryStreamExt as _;
use futures::stream::BoxStream;
use sqlx::postgres::{PgQueryResult, PgRow};
use sqlx::{Either, Error};

/// The rows and results of a statement.
pub(crate) type Results<'a> = BoxStream<'a, Result<Either<PgQueryResult, PgRow>, Error>>;

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
        type Database = sqlx::Postgres;

        fn fetch_many<'e, 'q: 'e, E>(
            self,
            query: E,
        ) -> futures::stream::BoxStream<
            'e,
            Result<sqlx::Either<sqlx::postgres::PgQueryResult, sqlx::postgres::PgRow>, sqlx::Error>,
        >
        where
            'c: 'e,
            E: 'q + sqlx::Execute<'q, sqlx::Postgres>,
        {
            self.results(query)
        }

        fn fetch_optional<'e, 'q: 'e, E>(
            self,
            query: E,
        ) -> futures::future::BoxFuture<'e, Result<Option<sqlx::postgres::PgRow>, sqlx::Error>>
        where
            'c: 'e,
            E: 'q + sqlx::Execute<'q, sqlx::Postgres>,
        {
            Box::pin($crate::executor::first_row(self.results(query)))
        }

        fn prepare_with<'e, 'q: 'e>(
            self,
            _: &'q str,
            _: &'e [sqlx::postgres::PgTypeInfo],
        ) -> futures::future::BoxFuture<'e, Result<sqlx::postgres::PgStatement<'q>, sqlx::Error>>
        where
            'c: 'e,
        {
            Box::pin(async { Err($crate::executor::apart_from_its_use()) })
        }

        fn describe<'e, 'q: 'e>(
            self,
            _: &'q str,
        ) -> futures::future::BoxFuture<'e, Result<sqlx::Describe<sqlx::Postgres>, sqlx::Error>>
        where
            'c: 'e,
        {
            Box::pin(async { Err($crate::executor::apart_from_its_use()) })
        }
    };
}
pub(crate) use executor;

/// Preparing or describing a statement apart from its use would need a server that stays the same.
pub(crate) fn apart_from_its_use() -> Error {
    Error::Protocol("a statement is only prepared where it is used".to_owned())
}
