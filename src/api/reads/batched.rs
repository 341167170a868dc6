//! Queries that wait at the same moment, answered by one statement.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::PgPool;

use crate::api::problem::Problem;
use store::batch::{Batcher, Unkeyed};

/// Where queries of a kind meet. They do not get into each other's way.
#[derive(Debug)]
pub(crate) struct Gathered<Q, A>(Batcher<Unkeyed<Q>, Result<A, Away>>);

/// The read models did not answer.
#[derive(Debug)]
struct Away;

/// Asks for several at once, and answers in their order.
type Ask<Q, A> = fn(PgPool, Vec<Q>) -> BoxFuture<'static, Result<Vec<A>, sqlx::Error>>;

impl<Q: Send + 'static, A: Send + 'static> Gathered<Q, A> {
    pub(crate) fn new(pool: PgPool, ask: Ask<Q, A>) -> Self {
        Self(Batcher::new(move |queries: Vec<Unkeyed<Q>>| {
            let number = queries.len();
            let asked = ask(pool.clone(), queries.into_iter().map(|query| query.0).collect());
            async move {
                match asked.await {
                    Ok(answers) => answers.into_iter().map(Ok).collect(),
                    Err(error) => {
                        tracing::warn!(%error, "could not ask the read models");
                        (0..number).map(|_| Err(Away)).collect()
                    }
                }
            }
            .boxed()
        }))
    }

    /// Asks, with whoever else does.
    pub(crate) async fn ask(&self, query: Q) -> Result<A, Problem> {
        match self.0.request(Unkeyed(query)).await {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(Away)) | None => Err(Problem::unavailable("The store cannot be reached.")),
        }
    }
}
