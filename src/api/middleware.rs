//! The layers around routes. [`surround`] and [`timed`] list them in order.

pub(in crate::api) mod client;
pub(in crate::api) mod headers;
pub(in crate::api) mod metrics;
mod refusals;
mod request;
pub(in crate::api) mod shed;
#[cfg(test)]
mod tests;
pub(in crate::api) mod trace;
pub(in crate::api) mod wrap;
pub(in crate::api) mod writes;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderValue, Method, Response, StatusCode};
use axum::response::IntoResponse as _;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::timeout::TimeoutLayer;

use crate::api::client_address::TrustedProxies;
use crate::api::limits::Limits;
use crate::api::problem::Problem;
use client::{DetermineClient, LimitClient};
use headers::ResponseHeaders;
use refusals::SlowRefusals;
use request::{CheckHost, Observe};
use wrap::{Middleware, Wrap};

/// Smaller bodies are sent uncompressed.
const COMPRESS_FROM_BYTES: u64 = 1_024;
/// Time for which browsers may cache the answer to a preflight request.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_mins(10);
/// The token of a new session, which the account service sends with the answer to a sign-in.
const SESSION_TOKEN: HeaderName = HeaderName::from_static("set-auth-token");
/// Status of the timeout layer, which no handler uses.
const TIMED_OUT: StatusCode = StatusCode::REQUEST_TIMEOUT;

/// State of the layers that every request passes.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) limits: Arc<Limits>,
    pub(super) headers: ResponseHeaders,
    pub(super) proxies: TrustedProxies,
    pub(super) cors_origins: &'a [HeaderValue],
    pub(super) body_limit_bytes: usize,
}

/// Adds the layers that every request passes, from the outermost to the innermost.
pub(super) fn surround<S: Clone + Send + Sync + 'static>(
    routes: Router<S>,
    surroundings: Surroundings<'_>,
) -> Router<S> {
    let Surroundings { limits, headers, proxies, cors_origins, body_limit_bytes } = surroundings;
    routes.layer(
        ServiceBuilder::new()
            .layer(Wrap(DetermineClient(proxies)))
            .layer(Observe(headers))
            .layer(Wrap(SlowRefusals(Arc::clone(&limits))))
            .layer(Wrap(CheckHost))
            .layer(cors(cors_origins))
            .layer(Wrap(LimitClient(limits)))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(DefaultBodyLimit::max(body_limit_bytes)),
    )
}

/// Limits the time until the response begins. A request that takes longer is cancelled.
pub(super) fn timed<S: Clone + Send + Sync + 'static>(routes: Router<S>, limit: Duration) -> Router<S> {
    routes.layer(
        ServiceBuilder::new()
            .layer(Wrap(RenderTimeout))
            .layer(TimeoutLayer::with_status_code(TIMED_OUT, limit)),
    )
}

/// Compresses bodies for clients that accept gzip.
pub(super) fn compressed<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    routes.layer(CompressionLayer::new().compress_when(SizeAbove::new(COMPRESS_FROM_BYTES)))
}

#[expect(clippy::needless_pass_by_value, reason = "signature of a panic handler")]
fn panicked(panic: Box<dyn Any + Send>) -> Response<Body> {
    let message = panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(panic = message, "request handler panicked");
    Problem::internal().into_response()
}

/// The store may still carry out a command that was cut off.
#[derive(Debug, Clone)]
struct RenderTimeout;

impl Middleware for RenderTimeout {
    /// Whether the request is a query.
    type Kept = bool;

    fn before(&self, request: &mut Request) -> Result<bool, Problem> {
        Ok(request.method().is_safe())
    }

    async fn after(self, is_query: bool, response: Response<Body>) -> Response<Body> {
        match response.status() {
            TIMED_OUT if is_query => Problem::timed_out().into_response(),
            TIMED_OUT => Problem::outcome_unknown().into_response(),
            _ => response,
        }
    }
}

/// Lets pages of the configured origins call the API; no other origin without configuration.
fn cors(origins: &[HeaderValue]) -> CorsLayer {
    if origins.is_empty() {
        return CorsLayer::new();
    }
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.to_vec()))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("traceparent"),
        ])
        .expose_headers([header::ETAG, header::RETRY_AFTER, request::TRACE_ID, SESSION_TOKEN])
        .max_age(PREFLIGHT_MAX_AGE)
}
