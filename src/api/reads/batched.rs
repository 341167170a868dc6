//! Queries of the same kind at the same time share one statement.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use projections::QueryError;
use tokio::time::{Instant, timeout_at};

use crate::api::problem::{Problem, with_causes};
use store::batch::{Batcher, Unkeyed};
use store::{Store, StoreError};

/// Queries of a refused batch that run alone at the same time, and the time that all of them have: the next
/// batch waits for them.
const SINGLE_QUERIES: usize = 8;
const SINGLE_QUERIES_TIMEOUT: Duration = Duration::from_secs(6);

/// Batches queries of one kind.
#[derive(Debug)]
pub(super) struct BatchedQuery<Q, A>(Batcher<Unkeyed<Q>, Result<A, Problem>>);

/// Runs one statement for several queries. The results are in the order of the queries.
type Statement<Q, A> = fn(Store, Vec<Q>) -> BoxFuture<'static, Result<Vec<A>, QueryError>>;

impl<Q: Clone + Send + Sync + 'static, A: Send + 'static> BatchedQuery<Q, A> {
    pub(super) fn new(store: Store, statement: Statement<Q, A>) -> Self {
        Self(Batcher::new(move |queries: Vec<Unkeyed<Q>>| {
            let queries = queries.into_iter().map(|query| query.0).collect();
            run(store.clone(), statement, queries).boxed()
        }))
    }

    /// Runs a query in the next batch. A query that the database refuses fails alone.
    pub(super) async fn query(&self, query: Q) -> Result<A, Problem> {
        let result = self.0.request(Unkeyed(query)).await;
        result.unwrap_or_else(|| Err(Problem::unavailable("The store cannot be reached.")))
    }
}

/// Runs one statement for all. If the database refuses it, each query has a statement and a result of its
/// own: one of them is at fault.
async fn run<Q: Clone + Send + Sync, A: Send>(
    store: Store,
    statement: Statement<Q, A>,
    queries: Vec<Q>,
) -> Vec<Result<A, Problem>> {
    let number = queries.len();
    match statement(store.clone(), queries.clone()).await.map_err(StoreError::from_query) {
        Ok(results) => results.into_iter().map(Ok).collect(),
        // A statement that had no answer would have none again.
        Err(error) if number > 1 && !error.is_unreachable() => {
            tracing::warn!(error = with_causes(error), queries = number, "a batch of queries is split");
            let deadline = Instant::now() + SINGLE_QUERIES_TIMEOUT;
            let alone = queries.into_iter().map(|query| {
                let result = run_alone(store.clone(), statement, query);
                async move { timeout_at(deadline, result).await.unwrap_or_else(|_| Err(Problem::timed_out())) }
            });
            futures::stream::iter(alone).buffered(SINGLE_QUERIES).collect().await
        }
        Err(error) => {
            let problem = Problem::from(error);
            (0..number).map(|_| Err(problem.clone())).collect()
        }
    }
}

async fn run_alone<Q, A>(store: Store, statement: Statement<Q, A>, query: Q) -> Result<A, Problem> {
    let mut results = statement(store, vec![query]).await?;
    results.pop().ok_or_else(Problem::internal)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sealing::MasterKey;
    use store::{Database, Keyring};

    use super::*;

    /// A store whose database is never asked.
    fn store() -> Store {
        let database = Database::connect(&"postgres://nobody@127.0.0.1:1/none".into(), 1).unwrap();
        let master = MasterKey::parse(&"2a".repeat(32).into()).unwrap();
        Store::new(database.clone(), Arc::new(Keyring::new(database, master)))
    }

    /// Refuses any statement with an odd number.
    fn halves(_: Store, numbers: Vec<u32>) -> BoxFuture<'static, Result<Vec<u32>, QueryError>> {
        async move {
            if numbers.iter().any(|number| !number.is_multiple_of(2)) {
                return Err(sqlx::Error::RowNotFound.into());
            }
            Ok(numbers.iter().map(|number| number / 2).collect())
        }
        .boxed()
    }

    #[tokio::test]
    async fn a_query_that_the_database_refuses_fails_alone() {
        let results = run(store(), halves, vec![2, 3, 4, 8]).await;
        let results: Vec<Option<u32>> = results.into_iter().map(Result::ok).collect();
        assert_eq!(results, [Some(1), None, Some(2), Some(4)]);
    }

    #[tokio::test]
    async fn without_a_database_no_query_is_repeated() {
        fn lost(_: Store, numbers: Vec<u32>) -> BoxFuture<'static, Result<Vec<u32>, QueryError>> {
            async move {
                assert_eq!(numbers, [1, 2, 3]);
                Err(sqlx::Error::PoolTimedOut.into())
            }
            .boxed()
        }
        assert!(run(store(), lost, vec![1, 2, 3]).await.iter().all(Result::is_err));
    }
}
