//! Duration of requests by route, method and class of the status.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use measures::catalogue::HTTP_REQUEST_DURATION;

/// Route or method of requests that share a series.
pub(super) const OTHER: &str = "other";

/// Records a request. `route` is a template, and `method` a label.
pub(super) fn record(method: &'static str, route: &str, status: StatusCode, took: Duration) {
    HTTP_REQUEST_DURATION.record_time(&[route, method, class_of(status)], took);
}

fn class_of(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

/// Name of a method in metrics and in the log. Clients can send any method; unknown ones share a label.
pub(super) fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_methods_share_a_label() {
        for method in ["BREW", "WHEN"] {
            assert_eq!(method_label(&method.parse().unwrap()), OTHER);
        }
        assert_eq!(method_label(&Method::GET), "GET");
    }
}
