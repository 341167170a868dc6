//! Queries of the same kind at the same time share one statement.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use projections::QueryError;

use crate::api::problem::{Problem, with_causes};
use store::Store;
use store::batch::{Batcher, Unkeyed};

/// Batches queries of one kind.
#[derive(Debug)]
pub(super) struct BatchedQuery<Q, A>(Batcher<Unkeyed<Q>, Result<A, Unavailable>>);

/// The statement of the batch failed.
#[derive(Debug)]
struct Unavailable;

/// Runs one statement for several queries. The results are in the order of the queries.
type Statement<Q, A> = fn(Store, Vec<Q>) -> BoxFuture<'static, Result<Vec<A>, QueryError>>;

impl<Q: Send + 'static, A: Send + 'static> BatchedQuery<Q, A> {
    pub(super) fn new(store: Store, statement: Statement<Q, A>) -> Self {
        Self(Batcher::new(move |queries: Vec<Unkeyed<Q>>| {
            let number = queries.len();
            let results = statement(store.clone(), queries.into_iter().map(|query| query.0).collect());
            async move {
                match results.await {
                    Ok(results) => results.into_iter().map(Ok).collect(),
                    Err(error) => {
                        tracing::warn!(error = with_causes(error), "query of read models failed");
                        (0..number).map(|_| Err(Unavailable)).collect()
                    }
                }
            }
            .boxed()
        }))
    }

    /// Runs a query in the next batch.
    pub(super) async fn query(&self, query: Q) -> Result<A, Problem> {
        match self.0.request(Unkeyed(query)).await {
            Some(Ok(result)) => Ok(result),
            Some(Err(Unavailable)) | None => Err(Problem::unavailable("The store cannot be reached.")),
        }
    }
}
