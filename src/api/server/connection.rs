//! One connection: serves its requests and closes it when its peer is too slow or the process drains.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, Response, Version};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::activity::{Activity, RequestGuard};
use super::connections::Admitted;
use super::stream::ObservedStream;

/// Largest header of a request, with its first line.
const MAX_HEADER_BYTES: usize = 64 << 10;
/// Requests that a client may have in progress on one connection of HTTP/2.
const MAX_CONCURRENT_STREAMS: u32 = 100;
/// Interval of pings on connections of HTTP/2 with requests in progress.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// Longest times that a connection waits for its peer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// For a whole header, from its first byte.
    pub(super) header: Duration,
    /// For the next request. Longer than the time for which usual proxies keep idle connections.
    pub(super) idle: Duration,
    /// For a peer that does not read.
    pub(super) stall: Duration,
    /// For the requests in progress, while the process drains.
    pub(super) drain: Duration,
    /// For the last bytes of a response, while the process drains.
    pub(super) linger: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            stall: Duration::from_mins(1),
            drain: Duration::from_secs(8),
            linger: Duration::from_secs(1),
        }
    }
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) admitted: Admitted,
    pub(super) router: Router,
    pub(super) timeouts: Timeouts,
    pub(super) stop: CancellationToken,
}

impl Connection {
    /// Serves the connection until it ends.
    pub(super) async fn run(self) {
        let Self { stream, peer, admitted, router, timeouts, stop } = self;
        let activity = &admitted.activity;
        let stream = ObservedStream { stream, activity: Arc::clone(activity) };
        let service = service_fn(|request| respond(router.clone(), peer, Arc::clone(activity), request));
        let protocols = protocols();
        let serving = protocols.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let mut serving = pin!(serving);
        tokio::select! {
            _ = serving.as_mut() => return,
            () = overdue(activity, &timeouts) => return,
            () = activity.closed() => return,
            () = stop.cancelled() => {}
        }
        let patience = if activity.is_idle() { timeouts.linger } else { timeouts.drain };
        serving.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(patience, serving).await;
    }
}

fn protocols() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().max_buf_size(MAX_HEADER_BYTES).header_read_timeout(None);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX));
    builder
}

/// Resolves when the peer is too slow. Checks at least once in the shortest time limit: a deadline that
/// begins in between is later.
async fn overdue(activity: &Activity, timeouts: &Timeouts) {
    let shortest = timeouts.header.min(timeouts.idle).min(timeouts.stall);
    loop {
        let now = Instant::now();
        let deadline = activity.deadline(timeouts);
        if deadline.is_some_and(|deadline| deadline <= now) {
            return;
        }
        let next_check = now + shortest;
        tokio::time::sleep_until(deadline.map_or(next_check, |deadline| deadline.min(next_check))).await;
    }
}

async fn respond(
    router: Router,
    peer: SocketAddr,
    activity: Arc<Activity>,
    request: Request<Incoming>,
) -> Result<Response<ObservedBody>, Infallible> {
    let guard = activity.begin(request.version() == Version::HTTP_2);
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    request.extensions_mut().insert(activity);
    let response = router.oneshot(request).await?;
    Ok(response.map(|body| ObservedBody { body, _guard: guard }))
}

/// The body of a response. Its request is in progress until the body is sent or dropped.
struct ObservedBody {
    body: Body,
    _guard: RequestGuard,
}

impl http_body::Body for ObservedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
