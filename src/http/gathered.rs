//! Queries that wait at the same moment, answered by one statement.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::PgPool;
use uuid::Uuid;

use super::problem::Problem;
use crate::together::{Request, Together};

/// Where queries of a kind meet.
#[derive(Debug)]
pub(super) struct Gathered<Q, A>(Together<Query<Q>, Result<A, Away>>);

/// One of them. Queries do not get into each other's way.
struct Query<Q>(Q);

/// The read models did not answer.
#[derive(Debug)]
struct Away;

impl<Q: Send + 'static> Request for Query<Q> {
    fn target(&self) -> Option<Uuid> {
        None
    }
}

/// Asks for several at once, and answers in their order.
type Ask<Q, A> = fn(PgPool, Vec<Q>) -> BoxFuture<'static, Result<Vec<A>, sqlx::Error>>;

impl<Q: Send + 'static, A: Send + 'static> Gathered<Q, A> {
    pub(super) fn new(pool: PgPool, ask: Ask<Q, A>) -> Self {
        Self(Together::new(move |queries: Vec<Query<Q>>| {
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
    pub(super) async fn ask(&self, query: Q) -> Result<A, Problem> {
        match self.0.request(Query(query)).await {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(Away)) | None => Err(Problem::unavailable("The store cannot be reached.")),
        }
    }
}
