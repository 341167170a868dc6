//! Qdrant's limits of the rate of calls, by a server that answers every call with a status.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use rag::index::{IndexConfig, IndexError, PassageIndex};

/// An index whose first call is told to wait so many seconds, and later ones that the key is wrong.
async fn limited(seconds: &'static str) -> (PassageIndex, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&calls);
    let answer = move || {
        let status = if counting.fetch_add(1, Ordering::Relaxed) == 0 { "8" } else { "16" };
        let headers =
            [("content-type", "application/grpc"), ("grpc-status", status), ("retry-after", seconds)];
        async move { (StatusCode::OK, headers) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = IndexConfig {
        timeout: Duration::from_secs(30),
        ..IndexConfig::new(format!("http://{}", listener.local_addr().unwrap()))
    };
    tokio::spawn(async { axum::serve(listener, Router::new().fallback(answer)).await });
    (PassageIndex::new(&config).unwrap(), calls)
}

#[tokio::test]
async fn a_limited_call_is_repeated_after_the_pause_that_qdrant_asks_for() {
    let (index, calls) = limited("1").await;
    let error = index.check().await.unwrap_err();
    assert!(matches!(error, IndexError::Unauthenticated(_)), "{error}");
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_pause_beyond_the_time_limit_is_a_transient_error_with_the_pause() {
    let (index, calls) = limited("60").await;
    let error = index.check().await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("a pause of 60 s"), "{error}");
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}
