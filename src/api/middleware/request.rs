//! The outermost layer: one span a request, rendered problems, security headers and metrics.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Response};
use axum::middleware::Next;
use tracing::{Instrument as _, Span};

use super::metrics::RequestMetrics;
use super::trace::Trace;
use crate::api::problem::Problem;

/// Tells the client under which trace id the log has a request that did not succeed.
pub(super) const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
/// Route of requests that no template matches, in metrics and in the log.
const OTHER_ROUTE: &str = "other";

/// Runs a request in its span and renders the problem that it ends with.
pub(super) async fn observe(
    State(metrics): State<Arc<RequestMetrics>>,
    mut request: Request,
    next: Next,
) -> Response<Body> {
    let started = Instant::now();
    let trace = Trace::from_headers(request.headers());
    let template = request.extensions().get::<MatchedPath>().cloned();
    let route = template.as_ref().map_or(OTHER_ROUTE, MatchedPath::as_str);
    let method = request.method().clone();
    // At the highest level, so that no log filter separates an error from its trace id.
    let span = tracing::error_span!(
        "request",
        trace_id = %trace.id(),
        parent_id = trace.parent_id().map(tracing::field::display),
        http.request.method = %method,
        http.route = route,
    );
    request.extensions_mut().insert(trace);
    let response = next.run(request).instrument(span.clone()).await;
    let response = finish(response, trace, &span);
    metrics.record(&method, route, response.status(), started.elapsed());
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
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
