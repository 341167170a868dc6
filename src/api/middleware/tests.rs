//! The layers around routes that exist in these tests alone.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::{any, get};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::config::{ConnectionLimits, LimitsConfig};

fn app() -> Router {
    Log::start();
    let timed = timed(
        Router::new().route("/slow", get(std::future::pending::<()>)).route("/quick", get(async || "quick")),
        Duration::from_millis(10),
    );
    let routes = Router::new()
        .route("/panic", get(async || -> &'static str { panic!("deliberate") }))
        .route(
            "/items/{id}",
            get(async || {
                tracing::error!("the cause");
                Problem::internal().into_response()
            }),
        )
        .merge(timed)
        .fallback(any(async || Problem::no_such_route()));
    let surroundings = Surroundings {
        limits: Arc::new(Limits::new(&LimitsConfig::default(), &ConnectionLimits::default())),
        headers: ResponseHeaders { https_only: false },
        proxies: TrustedProxies::new(&[]),
        cors_origins: &[],
        body_limit_bytes: 1_024,
    };
    surround(routes, surroundings)
}

async fn get_problem(path: &str) -> (Response<Body>, Value) {
    let request = Request::get(path).header("host", "test").body(Body::empty()).unwrap();
    let (parts, body) = app().oneshot(request).await.unwrap().into_parts();
    assert_eq!(parts.headers[CONTENT_TYPE], "application/problem+json");
    let problem: Value = serde_json::from_slice(&to_bytes(body, 10_000).await.unwrap()).unwrap();
    assert_eq!(problem["status"], parts.status.as_u16());
    assert_eq!(problem["trace_id"], parts.headers["x-trace-id"].to_str().unwrap());
    (Response::from_parts(parts, Body::empty()), problem)
}

#[tokio::test]
async fn a_panic_is_answered_with_a_problem_and_the_connection_stays_open() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app()).await });
    let mut connection = TcpStream::connect(address).await.unwrap();

    let response = exchange(&mut connection, "/panic").await;
    assert!(response.starts_with("HTTP/1.1 500 "), "{response}");
    assert!(response.contains("content-type: application/problem+json"), "{response}");
    assert!(response.contains("\"trace_id\":\"") && !response.contains("deliberate"), "{response}");

    let response = exchange(&mut connection, "/quick").await;
    assert!(response.starts_with("HTTP/1.1 200 ") && response.ends_with("quick"), "{response}");
}

/// Sends a request on a connection and reads its whole response.
async fn exchange(connection: &mut TcpStream, path: &str) -> String {
    connection.write_all(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").as_bytes()).await.unwrap();
    let mut response = Vec::new();
    loop {
        let read = connection.read_buf(&mut response).await.unwrap();
        assert_ne!(read, 0, "the connection was closed");
        let text = String::from_utf8_lossy(&response);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            return text.into_owned();
        }
    }
}

#[tokio::test]
async fn a_request_that_exceeds_its_time_limit_is_answered_with_a_problem() {
    let (response, problem) = get_problem("/slow").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()[RETRY_AFTER], "1");
    assert_eq!(problem["type"], "urn:colloquy:problem:unavailable");
    let request = Request::get("/quick").header("host", "test").body(Body::empty()).unwrap();
    assert_eq!(app().oneshot(request).await.unwrap().status(), StatusCode::OK);
}

/// The log of all tests, at the level of an operator who reads errors alone.
///
/// One subscriber for the whole process, installed before the first request: a callsite that a thread without
/// subscriber registers at the same time would stay disabled.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start() -> &'static Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Self::default();
            let subscriber = tracing_subscriber::fmt()
                .json()
                .with_max_level(tracing::Level::ERROR)
                .with_writer(log.clone())
                .finish();
            tracing::subscriber::set_global_default(subscriber).unwrap();
            log
        })
    }

    /// The lines with a message.
    fn lines(&self, message: &str) -> Vec<Value> {
        let bytes = self.0.lock().unwrap();
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let lines = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
        lines.filter(|line| line["fields"]["message"] == message).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_has_an_error_under_the_trace_id_that_the_client_gets() {
    let (_, problem) = get_problem("/items/7").await;
    let lines = Log::start().lines("the cause");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(
        lines[0]["span"],
        json!({
            "name": "request",
            "trace_id": problem["trace_id"],
            "http.request.method": "GET",
            "http.route": "/items/{id}",
        })
    );
}

#[tokio::test]
async fn a_panic_is_logged_under_the_trace_id_that_the_client_gets() {
    let (_, problem) = get_problem("/panic").await;
    let lines = Log::start().lines("request handler panicked");
    let line = lines.iter().find(|line| line["span"]["trace_id"] == problem["trace_id"]).unwrap();
    assert_eq!(line["fields"]["panic"], "deliberate");
}

#[tokio::test]
async fn a_trace_is_continued_to_the_client() {
    let trace_id = "0af7651916cd43dd8448eb211c80319c";
    let request = Request::get("/nowhere")
        .header("traceparent", format!("00-{trace_id}-b7ad6b7169203331-01"))
        .body(Body::empty())
        .unwrap();
    let response = app().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["x-trace-id"], trace_id);
}
