//! What a connection does at the moment, and the time at which its peer is too slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::connection::Timeouts;

/// The state of one connection, shared by its socket, its requests and its task.
#[derive(Debug)]
pub(in crate::api) struct Activity {
    opened: Instant,
    /// Requests whose response is not complete.
    requests: AtomicUsize,
    /// Milliseconds from [`Self::opened`] to the end of the newest request.
    idle_since: AtomicU64,
    /// Milliseconds to the first byte of a request whose header is not complete, plus one; 0 without one.
    header_since: AtomicU64,
    /// Milliseconds to the first write that the peer did not accept, plus one; 0 while it accepts writes.
    stalled_since: AtomicU64,
    /// Whether the connection is HTTP/2, where bytes also arrive between requests.
    multiplexed: AtomicBool,
    /// Whether a request on the connection had a valid token.
    authenticated: AtomicBool,
    closed: CancellationToken,
}

/// A request in progress, until it is dropped.
#[derive(Debug)]
pub(super) struct RequestGuard(Arc<Activity>);

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            opened: Instant::now(),
            requests: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
            header_since: AtomicU64::new(0),
            stalled_since: AtomicU64::new(0),
            multiplexed: AtomicBool::new(false),
            authenticated: AtomicBool::new(false),
            closed: CancellationToken::new(),
        }
    }

    /// Notes that a request on the connection had a valid token. Such a connection does not count as
    /// anonymous any more.
    pub(in crate::api) fn authenticate(&self) {
        self.authenticated.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_authenticated(&self) -> bool {
        self.authenticated.load(Ordering::Relaxed)
    }

    /// Whether no request is in progress.
    pub(super) fn is_idle(&self) -> bool {
        self.requests.load(Ordering::Acquire) == 0
    }

    /// Closes the connection at once.
    pub(super) fn close(&self) {
        self.closed.cancel();
    }

    /// Whether the connection has to be closed at once.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Resolves when the connection has to be closed at once.
    pub(super) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Begins a request, whose header is complete.
    pub(super) fn begin(self: &Arc<Self>, multiplexed: bool) -> RequestGuard {
        self.requests.fetch_add(1, Ordering::AcqRel);
        self.header_since.store(0, Ordering::Relaxed);
        self.multiplexed.store(multiplexed, Ordering::Relaxed);
        RequestGuard(Arc::clone(self))
    }

    /// Notes that bytes have arrived.
    pub(super) fn received(&self) {
        if self.is_idle() && !self.multiplexed.load(Ordering::Relaxed) {
            let now = self.milliseconds() + 1;
            let _ = self.header_since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Notes whether the peer accepts what is written.
    pub(super) fn wrote(&self, accepted: bool) {
        if accepted {
            self.stalled_since.store(0, Ordering::Relaxed);
        } else {
            let now = self.milliseconds() + 1;
            let _ = self.stalled_since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// The time at which the peer is too slow, if nothing changes until then; `None` while the service is the
    /// one that works.
    pub(super) fn deadline(&self, timeouts: &Timeouts) -> Option<Instant> {
        let after = |milliseconds: u64, timeout| self.opened + Duration::from_millis(milliseconds) + timeout;
        let header = self.header_since.load(Ordering::Relaxed);
        let stalled = self.stalled_since.load(Ordering::Relaxed);
        if stalled > 0 {
            return Some(after(stalled - 1, timeouts.stall));
        }
        match (self.is_idle(), header) {
            (false, _) => None,
            (true, 0) => Some(after(self.idle_since.load(Ordering::Relaxed), timeouts.idle)),
            (true, since) => Some(after(since - 1, timeouts.header)),
        }
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.idle_since.store(self.0.milliseconds(), Ordering::Relaxed);
        self.0.requests.fetch_sub(1, Ordering::AcqRel);
    }
}
