//! The outermost layer: one span a request, rendered problems, security headers and metrics.

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{HOST, HeaderName};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Response, Version};
use axum::response::IntoResponse;
use measures::catalogue::HTTP_REQUESTS_IN_FLIGHT;
use tower::{Layer, Service};
use tracing::{Instrument as _, Span};

use super::headers::ResponseHeaders;
use super::metrics::{OTHER, method_label, record};
use super::trace::Trace;
use super::wrap::{Middleware, Responding};
use crate::api::client_address::Client;
use crate::api::problem::Problem;
use crate::telemetry::traces;

/// Tells the client under which trace id the log has a request that did not succeed.
pub(super) const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

/// Runs requests in their spans and renders the problems that they end with.
#[derive(Debug, Clone)]
pub(super) struct Observe(pub(super) ResponseHeaders);

/// An inner service whose requests are observed.
#[derive(Debug, Clone)]
pub(super) struct Observed<S> {
    headers: ResponseHeaders,
    inner: S,
}

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed { headers: self.0, inner }
    }
}

impl<S> Service<Request> for Observed<S>
where
    S: Service<Request, Error = Infallible, Future: Send + 'static, Response: IntoResponse>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Responding;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Responding {
        let (headers, started) = (self.headers, Instant::now());
        let is_plain = request.extensions().get::<Client>().is_some_and(|client| client.is_plain);
        let mut trace = Trace::from_headers(request.headers());
        let template = request.extensions().get::<MatchedPath>().cloned();
        let method = method_label(request.method());
        let span = span_of(&mut trace, method, route_of(template.as_ref()));
        request.extensions_mut().insert(trace);
        let in_flight = HTTP_REQUESTS_IN_FLIGHT.hold(&[]);
        let inner = span.in_scope(|| self.inner.call(request)).instrument(span.clone());
        Box::pin(async move {
            let Ok(response) = inner.await;
            drop(in_flight);
            let took = started.elapsed();
            let mut response = finish(response.into_response(), trace, &span, took);
            headers.add(&mut response, is_plain);
            record(method, route_of(template.as_ref()), response.status(), took);
            Ok(response)
        })
    }
}

fn route_of(template: Option<&MatchedPath>) -> &str {
    template.map_or(OTHER, MatchedPath::as_str)
}

/// At the highest level, so that no log filter separates an error from its trace id.
fn span_of(trace: &mut Trace, method: &'static str, route: &str) -> Span {
    if !traces::samples(trace.received().as_deref()) {
        if traces::is_on() {
            *trace = trace.unrecorded();
        }
        return tracing::error_span!(
            "request",
            trace_id = %trace.id(),
            parent_id = trace.parent_id().map(tracing::field::display),
            http.request.method = method,
            http.route = route,
        );
    }
    let span = tracing::error_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        trace_id = tracing::field::Empty,
        parent_id = trace.parent_id().map(tracing::field::display),
        http.request.method = method,
        http.route = route,
    );
    traces::continue_from(&span, trace.received().as_deref());
    if let Some(recorded) = traces::traceparent_of(&span) {
        *trace = trace.recorded_as(&recorded);
    }
    span.record("trace_id", tracing::field::display(trace.id()));
    span
}

fn finish(mut response: Response<Body>, trace: Trace, span: &Span, took: Duration) -> Response<Body> {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let mut rendered = problem.render(&trace.id().to_string());
        for (name, value) in response.headers() {
            rendered.headers_mut().append(name, value.clone());
        }
        response = rendered;
    }
    let status = response.status();
    traces::set(span, "http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        traces::fail(span);
    }
    span.in_scope(|| {
        let (status, duration_ms) = (status.as_u16(), took.as_secs_f64() * 1_000.0);
        if status >= 500 {
            tracing::warn!(http.response.status_code = status, duration_ms, "request failed");
        } else {
            tracing::info!(http.response.status_code = status, duration_ms, "request served");
        }
    });
    if !status.is_success()
        && let Ok(id) = HeaderValue::from_str(&trace.id().to_string())
    {
        response.headers_mut().insert(TRACE_ID, id);
    }
    response
}

/// Refuses a request with an invalid host, with several, and in HTTP/1.1 with none (RFC 9112, 3.2).
#[derive(Debug, Clone)]
pub(super) struct CheckHost;

impl Middleware for CheckHost {
    type Kept = ();

    fn before(&self, request: &mut Request) -> Result<(), Problem> {
        if names_one_host(request.version(), request.headers()) {
            return Ok(());
        }
        Err(Problem::malformed("The request must have one valid Host header."))
    }
}

fn names_one_host(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => version != Version::HTTP_11,
        (Some(host), None) => host
            .to_str()
            .ok()
            .and_then(|host| host.parse::<Authority>().ok())
            .is_some_and(|authority| !authority.as_str().contains('@')),
        (Some(_), Some(_)) => false,
    }
}
