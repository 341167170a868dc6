//! Middleware as two functions: one before the inner service has the request, one after it has answered.
//!
//! `axum::middleware::from_fn` clones and boxes all services within a layer, at every layer and for every request.
//! Here the inner service is called in place.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use axum::response::IntoResponse;
use tower::{Layer, Service};

use crate::api::problem::Problem;

/// A response in progress.
pub(super) type Responding = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// What happens around an inner service.
pub(in crate::api) trait Middleware: Clone + Send + Sync + 'static {
    /// What is kept of a request until its response.
    type Kept: Send + 'static;

    /// Changes or refuses a request.
    fn before(&self, request: &mut Request) -> Result<Self::Kept, Problem>;

    /// Changes a response; by default nothing. Not called for a request that was refused.
    fn after(
        self,
        kept: Self::Kept,
        response: Response<Body>,
    ) -> impl Future<Output = Response<Body>> + Send + 'static {
        drop(kept);
        std::future::ready(response)
    }
}

/// The layer of a middleware.
#[derive(Debug, Clone)]
pub(in crate::api) struct Wrap<M>(pub(in crate::api) M);

/// An inner service with a middleware around it.
#[derive(Debug, Clone)]
pub(in crate::api) struct Wrapped<M, S> {
    middleware: M,
    inner: S,
}

impl<M: Clone, S> Layer<S> for Wrap<M> {
    type Service = Wrapped<M, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Wrapped { middleware: self.0.clone(), inner }
    }
}

impl<M, S> Service<Request> for Wrapped<M, S>
where
    M: Middleware,
    S: Service<Request, Error = Infallible, Future: Send + 'static, Response: IntoResponse>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Responding;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Responding {
        let kept = match self.middleware.before(&mut request) {
            Ok(kept) => kept,
            Err(problem) => return Box::pin(std::future::ready(Ok(problem.into_response()))),
        };
        let (middleware, inner) = (self.middleware.clone(), self.inner.call(request));
        Box::pin(async move {
            let Ok(response) = inner.await;
            Ok(middleware.after(kept, response.into_response()).await)
        })
    }
}
