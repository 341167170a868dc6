//! The load generator: one thread, raw connections, requests composed by copying.
//!
//! Closed loop: each connection sends its next request after the last answer. Open loop: requests are due at
//! fixed times, and latency counts from the due time, so that a stalled server cannot hide
//! behind unsent requests.

mod connection;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;
use hdrhistogram::Histogram;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::Instant;

pub(crate) use connection::Connection;

/// The longest latency told apart, in nanoseconds.
const LONGEST: u64 = 120_000_000_000;
/// An empty histogram of latencies.
pub(crate) fn latencies() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_max(LONGEST, 3)?)
}

/// Writes the next request into an empty buffer.
pub(crate) type NextRequest = Box<dyn FnMut(&mut Vec<u8>)>;
/// Makes the source of requests of a connection.
pub(crate) type Requests = Box<dyn Fn(usize) -> NextRequest + Send>;

/// Shape of a load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    /// Duration before measuring starts.
    pub(crate) warm_up: Duration,
    /// Measured duration.
    pub(crate) lasts: Duration,
    /// Requests a second over all connections; as fast as they can when not given.
    pub(crate) rate: Option<u32>,
}

/// Result of a load.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Latencies in nanoseconds.
    pub(crate) latencies: Histogram<u64>,
    /// Measured duration.
    pub(crate) lasted: Duration,
    /// Answers in 2xx.
    pub(crate) answered: u64,
    /// All others.
    pub(crate) failed: u64,
    /// One of them.
    pub(crate) example: Option<String>,
}

impl Measured {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { latencies: latencies()?, lasted: Duration::ZERO, answered: 0, failed: 0, example: None })
    }

    /// Answers a second.
    pub(crate) fn throughput(&self) -> f64 {
        self.answered as f64 / self.lasted.as_secs_f64()
    }

    /// The latency that so many of a hundred answers stay under.
    pub(crate) fn percentile(&self, of_a_hundred: f64) -> Duration {
        Duration::from_nanos(self.latencies.value_at_percentile(of_a_hundred))
    }

    fn count(&mut self, latency: Duration, problem: Option<String>) {
        match problem {
            None => {
                let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
                self.latencies.saturating_record(nanoseconds);
                self.answered += 1;
            }
            Some(problem) => {
                self.failed += 1;
                self.example.get_or_insert(problem);
            }
        }
    }
}

/// Puts a load on the server, on a thread of its own.
pub(crate) async fn run(load: Load, requests: Requests) -> anyhow::Result<Measured> {
    let thread = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        LocalSet::new().block_on(&runtime, generate(load, requests))
    });
    thread.await.context("the load generator broke off")?
}

async fn generate(load: Load, requests: Requests) -> anyhow::Result<Measured> {
    let measured = Rc::new(RefCell::new(Measured::new()?));
    let mut connections = Vec::with_capacity(load.connections);
    for _ in 0..load.connections {
        connections.push(Connection::open(load.address).await.context("failed to connect")?);
    }
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for (number, connection) in connections.into_iter().enumerate() {
        let worker =
            Worker { connection, next: requests(number), begin, load, measured: Rc::clone(&measured) };
        match load.rate {
            None => tasks.spawn_local(worker.closed()),
            Some(rate) => tasks.spawn_local(worker.open(number, rate)),
        };
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    let mut measured = Rc::into_inner(measured).context("a connection is still counted")?.into_inner();
    measured.lasted = load.lasts;
    Ok(measured)
}

struct Worker {
    connection: Connection,
    next: NextRequest,
    begin: Instant,
    load: Load,
    measured: Rc<RefCell<Measured>>,
}

impl Worker {
    fn measured_from(&self) -> Instant {
        self.begin + self.load.warm_up
    }

    async fn closed(mut self) -> anyhow::Result<()> {
        let end = self.measured_from() + self.load.lasts;
        let mut request = Vec::with_capacity(2 << 10);
        let mut sent = Instant::now();
        while sent < end {
            sent = self.once(&mut request, sent).await?;
        }
        Ok(())
    }

    /// Requests are due at a steady pace; the connections take turns.
    async fn open(mut self, number: usize, rate: u32) -> anyhow::Result<()> {
        let end = self.measured_from() + self.load.lasts;
        let between = Duration::from_secs_f64(self.load.connections as f64 / f64::from(rate));
        let mut due = self.begin + between.mul_f64(number as f64 / self.load.connections as f64);
        let mut request = Vec::with_capacity(2 << 10);
        while due < end {
            tokio::time::sleep_until(due).await;
            self.once(&mut request, due).await?;
            due += between;
        }
        Ok(())
    }

    /// One request whose latency counts from `since`; returns when it was answered.
    async fn once(&mut self, request: &mut Vec<u8>, since: Instant) -> anyhow::Result<Instant> {
        request.clear();
        (self.next)(request);
        let reply = self.connection.exchange(request).await;
        let answered = Instant::now();
        let problem = match &reply {
            Ok(reply) if (200..300).contains(&reply.status) => None,
            Ok(reply) => {
                let body = String::from_utf8_lossy(self.connection.body(*reply)).into_owned();
                Some(format!("{} {body}", reply.status))
            }
            Err(error) => Some(error.to_string()),
        };
        if since >= self.measured_from() {
            self.measured.borrow_mut().count(answered - since, problem);
        }
        if reply.is_err() {
            self.connection = Connection::open(self.load.address).await?;
        }
        Ok(answered)
    }
}
