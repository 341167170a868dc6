//! What surrounds every request: its trace id, time limit, figures, security headers, and the rendering of problems.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Method, Response};
use axum::middleware::Next;
use axum::response::IntoResponse as _;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;
use tower_http::cors::{AllowOrigin, CorsLayer};
use uuid::Uuid;

use crate::api::Api;
use crate::api::problem::Problem;

/// How long a request may take that is not a stream.
const TIME_LIMIT: Duration = Duration::from_secs(15);
/// How long an upload may take.
const UPLOAD_TIME_LIMIT: Duration = Duration::from_mins(5);
/// Bodies below this many bytes are not worth compressing.
const COMPRESSED_FROM: u64 = 1_024;
const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

/// A request's place in a trace: the W3C trace id it came with, or one of its own.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    /// The request's own id.
    pub(crate) request_id: Uuid,
    trace_id: Option<[u8; 32]>,
}

impl Trace {
    fn of(request: &Request) -> Self {
        let parent = request.headers().get("traceparent").and_then(|header| header.to_str().ok());
        let trace_id = parent.and_then(|parent| {
            let id: [u8; 32] = parent.split('-').nth(1)?.as_bytes().try_into().ok()?;
            id.iter().all(u8::is_ascii_hexdigit).then_some(id)
        });
        Self { request_id: Uuid::now_v7(), trace_id }
    }

    fn id(&self) -> String {
        match &self.trace_id {
            Some(id) => String::from_utf8_lossy(id).into_owned(),
            None => self.request_id.simple().to_string(),
        }
    }

    /// The trace context that what follows from the request carries on.
    pub(crate) fn traceparent(&self) -> String {
        let (_, span) = self.request_id.as_u64_pair();
        format!("00-{}-{span:016x}-01", self.id())
    }
}

/// The outermost layer.
pub(crate) async fn outermost(State(api): State<Api>, mut request: Request, next: Next) -> Response<Body> {
    let began = Instant::now();
    let trace = Trace::of(&request);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    request.extensions_mut().insert(trace.clone());
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let mut rendered = problem.render(&trace.id());
        for (name, value) in response.headers() {
            rendered.headers_mut().append(name, value.clone());
        }
        response = rendered;
    }
    if !response.status().is_success() {
        note_failure(&response, &trace, &method, route.as_ref());
        if let Ok(id) = HeaderValue::from_str(&trace.id()) {
            response.headers_mut().insert(TRACE_ID, id);
        }
    }
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    api.metrics.record(&method, route, response.status(), began.elapsed());
    response
}

fn note_failure(response: &Response<Body>, trace: &Trace, method: &Method, route: Option<&MatchedPath>) {
    let status = response.status().as_u16();
    let route = route.map_or("other", MatchedPath::as_str);
    if status >= 500 {
        tracing::warn!(trace.id = trace.id(), http.method = %method, http.route = route, http.status = status, "failed");
    } else {
        tracing::debug!(trace.id = trace.id(), http.method = %method, http.route = route, http.status = status, "refused");
    }
}

/// Ends what takes too long.
pub(crate) async fn time_limit(request: Request, next: Next) -> Response<Body> {
    match tokio::time::timeout(TIME_LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::timed_out().into_response(),
    }
}

/// Ends uploads that take too long.
pub(crate) async fn upload_time_limit(request: Request, next: Next) -> Response<Body> {
    match tokio::time::timeout(UPLOAD_TIME_LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::timed_out().into_response(),
    }
}

/// Compresses what is worth it.
pub(crate) fn compressed(router: Router<Api>) -> Router<Api> {
    router.layer(CompressionLayer::new().compress_when(SizeAbove::new(COMPRESSED_FROM)))
}

/// Other origins whose pages may call the api: none unless configured.
pub(crate) fn cors(origins: &[String]) -> CorsLayer {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return CorsLayer::new();
    }
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            axum::http::header::AUTHORIZATION,
            axum::http::header::CONTENT_TYPE,
            axum::http::header::IF_MATCH,
            axum::http::header::IF_NONE_MATCH,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([axum::http::header::ETAG, TRACE_ID])
        .max_age(Duration::from_mins(10))
}
