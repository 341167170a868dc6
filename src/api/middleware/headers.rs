//! Headers that every response has, unless its route has set them.

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, Response};

/// Policy of responses without one of their own: no scripts, no frames, nothing from other places. The error
/// page of the account service has its styles in itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";
/// One year, for this host alone.
const HSTS: &str = "max-age=31536000";
/// Responses belong to one user, and no cache keeps them.
const PRIVATE: &str = "private, no-store";
/// Tells proxies to pass on each event at once and unchanged.
const STREAMED: &str = "no-cache, no-transform";
/// Tells nginx not to hold back a response.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Media types of responses that are sent as they arise.
const STREAMS: [&str; 2] = ["text/event-stream", "application/x-ndjson"];

/// Headers that depend on the configuration.
#[derive(Debug, Clone, Copy)]
pub(in crate::api) struct ResponseHeaders {
    /// Whether browsers reach the service by HTTPS alone.
    pub(in crate::api) https_only: bool,
}

impl ResponseHeaders {
    /// Adds the headers to a response. `is_plain` says that the client came by HTTP without TLS, where
    /// browsers ignore the demand for HTTPS (RFC 6797, 7.2).
    pub(super) fn add(self, response: &mut Response<Body>, is_plain: bool) {
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        if self.https_only && !is_plain {
            headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
        }
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if STREAMS.iter().any(|stream| media_type.starts_with(stream)) {
            headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(STREAMED));
        }
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static(PRIVATE));
    }
}
