//! A server with short time limits and few connections.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::extract::Extension;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;

use super::*;
use crate::config::ConnectionLimits;

/// Longer than any test.
const NEVER: Duration = Duration::from_hours(1);
/// A time limit that a test waits for.
const SOON: Duration = Duration::from_millis(50);

struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
    /// Releases requests for `/wait`.
    release: Arc<Notify>,
    /// Requests for `/wait` that have begun.
    waiting: Arc<AtomicUsize>,
    /// Notified when the response to `/endless` is given up.
    dropped: Arc<Notify>,
}

struct NotifyOnDrop(Arc<Notify>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

fn timeouts() -> Timeouts {
    Timeouts { header: NEVER, idle: NEVER, stall: NEVER, drain: NEVER, linger: NEVER }
}

fn limits(max_connections: usize, anonymous: usize, per_address: usize) -> ConnectionLimits {
    ConnectionLimits {
        max_connections,
        max_anonymous_connections: anonymous,
        max_anonymous_connections_per_address: per_address,
    }
}

impl Server {
    async fn start(limits: ConnectionLimits, timeouts: Timeouts) -> Self {
        Self::behind(&[], limits, timeouts).await
    }

    /// A server that trusts proxies.
    async fn behind(proxies: &[&str], limits: ConnectionLimits, timeouts: Timeouts) -> Self {
        let proxies: Vec<_> = proxies.iter().map(|network| network.parse().unwrap()).collect();
        let connections = Connections::new(&limits, TrustedProxies::new(&proxies));
        let (release, waiting) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let (wait, begun) = (Arc::clone(&release), Arc::clone(&waiting));
        let dropped = Arc::new(Notify::new());
        let guard = Arc::clone(&dropped);
        let endless = async move || {
            let guard = NotifyOnDrop(Arc::clone(&guard));
            let chunks = futures::stream::repeat_with(move || {
                let _ = &guard;
                Ok::<_, Infallible>(vec![b'x'; 64 << 10])
            });
            Body::from_stream(chunks)
        };
        let router = Router::new()
            .route("/quick", get(async || "quick"))
            .route(
                "/known",
                get(async |Extension(activity): Extension<Arc<Activity>>| {
                    activity.authenticate();
                    "known"
                }),
            )
            .route("/endless", get(endless))
            .route("/echo", post(async |body: String| body))
            .route(
                "/wait",
                get(async move || {
                    begun.fetch_add(1, Ordering::SeqCst);
                    wait.notified().await;
                    "waited"
                }),
            );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn({
            let stop = stop.clone();
            async move { serve_within(listener, router, connections, timeouts, stop).await }
        });
        Self { address, stop, serving, release, waiting, dropped }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn until_waiting(&self, requests: usize) {
        while self.waiting.load(Ordering::SeqCst) < requests {
            tokio::task::yield_now().await;
        }
    }
}

async fn send(connection: &mut TcpStream, text: &str) {
    connection.write_all(text.as_bytes()).await.unwrap();
}

async fn request(connection: &mut TcpStream, path: &str) {
    send(connection, &format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
}

/// Reads until the text has arrived.
async fn read_until(connection: &mut TcpStream, text: &str) -> String {
    let mut received = Vec::new();
    loop {
        let read = connection.read_buf(&mut received).await.unwrap();
        let so_far = String::from_utf8_lossy(&received);
        if so_far.contains(text) {
            return so_far.into_owned();
        }
        assert_ne!(read, 0, "the connection was closed after {so_far:?}");
    }
}

/// Reads until the server closes the connection.
async fn read_to_end(connection: &mut TcpStream) -> String {
    let mut received = Vec::new();
    // A connection that is closed with unread bytes ends with an error.
    let _ = connection.read_to_end(&mut received).await;
    String::from_utf8_lossy(&received).into_owned()
}

#[tokio::test]
async fn a_header_that_does_not_come_to_an_end_closes_its_connection() {
    let server = Server::start(limits(9, 9, 9), Timeouts { header: SOON, ..timeouts() }).await;
    let mut slow = server.connect().await;
    send(&mut slow, "GET /quick HTTP/1.1\r\nhost: te").await;
    assert_eq!(read_to_end(&mut slow).await, "");
    // The same before the protocol is known, and after a request.
    let mut slow = server.connect().await;
    send(&mut slow, "P").await;
    assert_eq!(read_to_end(&mut slow).await, "");
    let mut slow = server.connect().await;
    request(&mut slow, "/quick").await;
    read_until(&mut slow, "quick").await;
    send(&mut slow, "GET").await;
    assert_eq!(read_to_end(&mut slow).await, "");
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_one_with_a_request_is_not() {
    let server = Server::start(limits(9, 9, 9), Timeouts { idle: SOON, header: SOON, ..timeouts() }).await;
    let mut waiting = server.connect().await;
    request(&mut waiting, "/wait").await;
    server.until_waiting(1).await;
    let mut silent = server.connect().await;
    assert_eq!(read_to_end(&mut silent).await, "");
    let mut idle = server.connect().await;
    request(&mut idle, "/quick").await;
    assert!(read_to_end(&mut idle).await.ends_with("quick"));
    server.release.notify_one();
    read_until(&mut waiting, "waited").await;
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_let_go() {
    let server = Server::start(limits(9, 9, 9), Timeouts { stall: SOON, ..timeouts() }).await;
    let mut reader = server.connect().await;
    request(&mut reader, "/endless").await;
    server.dropped.notified().await;
}

#[tokio::test]
async fn an_anonymous_connection_without_a_request_makes_room_for_a_new_one() {
    let server = Server::start(limits(9, 2, 9), timeouts()).await;
    let mut oldest = server.connect().await;
    send(&mut oldest, "GET /quick").await;
    let mut waiting = server.connect().await;
    request(&mut waiting, "/wait").await;
    server.until_waiting(1).await;
    let mut new = server.connect().await;
    request(&mut new, "/quick").await;
    read_until(&mut new, "quick").await;
    assert_eq!(read_to_end(&mut oldest).await, "");
    server.release.notify_one();
    read_until(&mut waiting, "waited").await;
}

#[tokio::test]
async fn a_connection_is_refused_where_all_others_work() {
    let server = Server::start(limits(9, 9, 1), timeouts()).await;
    let mut waiting = server.connect().await;
    request(&mut waiting, "/wait").await;
    server.until_waiting(1).await;
    let mut refused = server.connect().await;
    assert_eq!(read_to_end(&mut refused).await, "");
    server.release.notify_one();
    read_until(&mut waiting, "waited").await;
}

#[tokio::test]
async fn the_limit_for_one_address_does_not_apply_to_a_trusted_proxy() {
    let server = Server::behind(&["127.0.0.0/8"], limits(9, 3, 1), timeouts()).await;
    let mut waiting = Vec::new();
    for number in 1..=3 {
        let mut connection = server.connect().await;
        request(&mut connection, "/wait").await;
        server.until_waiting(number).await;
        waiting.push(connection);
    }
    let mut refused = server.connect().await;
    assert_eq!(read_to_end(&mut refused).await, "");
    server.release.notify_waiters();
    for connection in &mut waiting {
        read_until(connection, "waited").await;
    }
}

#[tokio::test]
async fn a_connection_with_a_valid_token_never_makes_room() {
    let server = Server::start(limits(2, 1, 1), timeouts()).await;
    let mut known = server.connect().await;
    request(&mut known, "/known").await;
    read_until(&mut known, "known").await;
    for _ in 0..3 {
        let mut anonymous = server.connect().await;
        request(&mut anonymous, "/quick").await;
        read_until(&mut anonymous, "quick").await;
    }
    request(&mut known, "/quick").await;
    read_until(&mut known, "quick").await;
}

#[tokio::test]
async fn a_header_above_the_limit_is_refused() {
    let server = Server::start(limits(9, 9, 9), timeouts()).await;
    for (value, status) in [("a".repeat(60 << 10), "200"), ("a".repeat(65 << 10), "431")] {
        let mut connection = server.connect().await;
        send(&mut connection, &format!("GET /quick HTTP/1.1\r\nhost: test\r\nx: {value}\r\n\r\n")).await;
        read_until(&mut connection, &format!("HTTP/1.1 {status} ")).await;
    }
}

#[tokio::test]
async fn a_drain_waits_for_requests_and_not_for_headers() {
    let server = Server::start(limits(9, 9, 9), Timeouts { linger: SOON, ..timeouts() }).await;
    let mut idle = server.connect().await;
    request(&mut idle, "/quick").await;
    read_until(&mut idle, "quick").await;
    let mut slow = server.connect().await;
    send(&mut slow, "GET /quick HTTP/1.1\r\nhost: ").await;
    let mut waiting = server.connect().await;
    request(&mut waiting, "/wait").await;
    server.until_waiting(1).await;
    server.stop.cancel();
    assert_eq!(read_to_end(&mut slow).await, "");
    assert_eq!(read_to_end(&mut idle).await, "");
    assert!(!server.serving.is_finished());
    server.release.notify_one();
    assert!(read_to_end(&mut waiting).await.ends_with("waited"));
    server.serving.await.unwrap();
}

#[tokio::test]
async fn a_drain_does_not_wait_for_ever() {
    let server = Server::start(limits(9, 9, 9), Timeouts { drain: SOON, ..timeouts() }).await;
    let mut waiting = server.connect().await;
    request(&mut waiting, "/wait").await;
    server.until_waiting(1).await;
    server.stop.cancel();
    server.serving.await.unwrap();
    assert_eq!(read_to_end(&mut waiting).await, "");
}

#[tokio::test]
async fn http_2_works_with_prior_knowledge() {
    let server = Server::start(limits(9, 9, 9), timeouts()).await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let url = format!("http://{}/echo", server.address);
    let response = client.post(url).body("question").send().await.unwrap();
    assert_eq!(response.version(), axum::http::Version::HTTP_2);
    assert_eq!(response.text().await.unwrap(), "question");
}
