//! The outermost layer: one span a request, rendered problems, security headers and metrics.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{HOST, HeaderName};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Response, Version};
use axum::middleware::Next;
use axum::response::IntoResponse as _;
use tracing::{Instrument as _, Span};

use super::headers::ResponseHeaders;
use super::metrics::{OTHER, RequestMetrics, method_label};
use super::trace::Trace;
use crate::api::client_address::Client;
use crate::api::problem::Problem;

/// Tells the client under which trace id the log has a request that did not succeed.
pub(super) const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

/// Runs a request in its span and renders the problem that it ends with.
pub(super) async fn observe(
    State((metrics, headers)): State<(Arc<RequestMetrics>, ResponseHeaders)>,
    mut request: Request,
    next: Next,
) -> Response<Body> {
    let started = Instant::now();
    let is_plain = request.extensions().get::<Client>().is_some_and(|client| client.is_plain);
    let trace = Trace::from_headers(request.headers());
    let template = request.extensions().get::<MatchedPath>().cloned();
    let route = template.as_ref().map_or(OTHER, MatchedPath::as_str);
    let method = method_label(request.method());
    // At the highest level, so that no log filter separates an error from its trace id.
    let span = tracing::error_span!(
        "request",
        trace_id = %trace.id(),
        parent_id = trace.parent_id().map(tracing::field::display),
        http.request.method = method,
        http.route = route,
    );
    request.extensions_mut().insert(trace);
    let response = next.run(request).instrument(span.clone()).await;
    let mut response = finish(response, trace, &span);
    headers.add(&mut response, is_plain);
    metrics.record(method, route, response.status(), started.elapsed());
    response
}

fn finish(mut response: Response<Body>, trace: Trace, span: &Span) -> Response<Body> {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let mut rendered = problem.render(&trace.id().to_string());
        for (name, value) in response.headers() {
            rendered.headers_mut().append(name, value.clone());
        }
        response = rendered;
    }
    let status = response.status();
    if !status.is_success() {
        span.in_scope(|| {
            let status = status.as_u16();
            if status >= 500 {
                tracing::warn!(http.response.status_code = status, "request failed");
            } else {
                tracing::debug!(http.response.status_code = status, "request was refused or redirected");
            }
        });
        if let Ok(id) = HeaderValue::from_str(&trace.id().to_string()) {
            response.headers_mut().insert(TRACE_ID, id);
        }
    }
    response
}

/// Refuses a request with an invalid host, with several, and in HTTP/1.1 with none (RFC 9112, 3.2).
pub(super) async fn check_host(request: Request, next: Next) -> Response<Body> {
    if !names_one_host(request.version(), request.headers()) {
        return Problem::malformed("The request must have one valid Host header.").into_response();
    }
    next.run(request).await
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
