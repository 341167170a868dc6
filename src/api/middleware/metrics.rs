//! Duration of requests by route, method and status, in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::http::{Method, StatusCode};

/// Upper bounds of the histogram's buckets, in seconds.
const BOUNDS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 10.0];

#[derive(Debug, Default)]
struct Series {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

/// Series of one process. The routes, methods and statuses of the service lead to some hundred.
const MAX_SERIES: usize = 2_000;
/// Route or method of requests that share a series.
pub(super) const OTHER: &str = "other";

/// Route, method and status.
type Label = (String, &'static str, u16);

/// The requests of one process.
#[derive(Debug, Default)]
pub(in crate::api) struct RequestMetrics {
    series: RwLock<BTreeMap<Label, Arc<Series>>>,
}

impl RequestMetrics {
    /// Records a request. `route` is a template, and `method` a label.
    pub(super) fn record(&self, method: &'static str, route: &str, status: StatusCode, took: Duration) {
        let series = self.series(method, route, status);
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        if let Some(bucket) = series.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        series.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }

    /// The series of a label. Labels beyond [`MAX_SERIES`] share one.
    fn series(&self, method: &'static str, route: &str, status: StatusCode) -> Arc<Series> {
        let label = (route.to_owned(), method, status.as_u16());
        let known = self.series.read().unwrap_or_else(PoisonError::into_inner).get(&label).cloned();
        known.unwrap_or_else(|| {
            let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
            let is_full = series.len() >= MAX_SERIES && !series.contains_key(&label);
            let label = if is_full { (OTHER.to_owned(), OTHER, 0) } else { label };
            Arc::clone(series.entry(label).or_default())
        })
    }

    /// All series in the text format of Prometheus.
    pub(in crate::api) fn text(&self) -> String {
        let mut text = String::from("# TYPE http_request_duration_seconds histogram\n");
        let all = self.series.read().unwrap_or_else(PoisonError::into_inner);
        for ((route, method, status), series) in all.iter() {
            let labels = format!("route=\"{route}\",method=\"{method}\",status=\"{status}\"");
            let mut count = 0;
            for (index, bucket) in series.buckets.iter().enumerate() {
                count += bucket.load(Ordering::Relaxed);
                let bound = BOUNDS.get(index).map_or_else(|| "+Inf".to_owned(), f64::to_string);
                let _ =
                    writeln!(text, "http_request_duration_seconds_bucket{{{labels},le=\"{bound}\"}} {count}");
            }
            let sum = Duration::from_micros(series.microseconds.load(Ordering::Relaxed)).as_secs_f64();
            let _ = writeln!(text, "http_request_duration_seconds_sum{{{labels}}} {sum}");
            let _ = writeln!(text, "http_request_duration_seconds_count{{{labels}}} {count}");
        }
        text
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
        let metrics = RequestMetrics::default();
        for method in ["BREW", "WHEN", "GET"] {
            let method = method_label(&method.parse().unwrap());
            metrics.record(method, "/v1/me", StatusCode::OK, Duration::ZERO);
        }
        let text = metrics.text();
        assert!(text.contains("_count{route=\"/v1/me\",method=\"other\",status=\"200\"} 2"), "{text}");
        assert!(text.contains("_count{route=\"/v1/me\",method=\"GET\",status=\"200\"} 1"), "{text}");
    }

    #[test]
    fn the_number_of_series_is_bounded() {
        let metrics = RequestMetrics::default();
        for number in 0..2 * MAX_SERIES {
            metrics.record("GET", &format!("/{number}"), StatusCode::OK, Duration::ZERO);
        }
        let text = metrics.text();
        assert_eq!(text.matches("_count{").count(), MAX_SERIES + 1);
        let shared = format!("_count{{route=\"other\",method=\"other\",status=\"0\"}} {MAX_SERIES}");
        assert!(text.contains(&shared), "{}", text.len());
    }
}
