//! Cost of recorded and scraped metrics and of sent traces: the same loads on a process that is observed
//! and on one that records nothing, in turn. Both run all the time and take turns within seconds, because
//! the speed of a machine drifts by more than the cost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::fixed_server::FixedServer;
use crate::load::{self, Load, Measured};
use crate::processes::Watched;
use crate::report::{Report, milliseconds, thousands};
use crate::requests::{Clients, Kind};
use crate::server::Server;
use crate::settings::Settings;

const CONNECTIONS: usize = 64;
/// Starts of both processes. The one that starts first runs the sequencer and the projectors, in half of them
/// the observed one.
const STARTS: usize = 2;
/// Pairs of loads on both processes after each start.
const PAIRS: usize = 16;
/// Duration of the first loads on both processes, which fill caches and create series.
const FIRST: Duration = Duration::from_secs(3);
/// Interval of the scrapes: a fifteenth of the usual one.
const SCRAPE_INTERVAL: Duration = Duration::from_secs(1);
/// Longest wait for a scrape.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(10);

/// Cost of observation.
#[derive(Debug)]
struct Cost {
    lists: Pairs,
    asks: Pairs,
    /// Median and longest scrape beside the loads.
    scrape: (Duration, Duration),
}

/// Result of a load.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    /// Answers a second.
    throughput: f64,
    /// Processor time of the product, Postgres and NATS for an answer, in seconds.
    processor: f64,
}

/// Costs of observation as shares, one for each pair of loads.
#[derive(Debug, Default)]
struct Pairs {
    throughput: Vec<f64>,
    processor: Vec<f64>,
}

impl Pairs {
    fn add(&mut self, observed: Outcome, unobserved: Outcome) {
        self.throughput.push(1.0 - observed.throughput / unobserved.throughput);
        self.processor.push(observed.processor / unobserved.processor - 1.0);
    }
}

/// Median and quartiles.
fn text(shares: &mut [f64]) -> String {
    shares.sort_by(f64::total_cmp);
    let quartile = |quarters: usize| 100.0 * shares[(shares.len() - 1) * quarters / 4];
    format!("{:.1} % (half of the pairs {:.1} to {:.1})", quartile(2), quartile(1), quartile(3))
}

/// Measures and reports the cost.
pub(crate) async fn measure(
    settings: &Settings,
    server: &Server,
    clients: &Arc<Clients>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let cost = compare(server, clients, settings.load / 3).await?;
    for (what, mut pairs) in [("cached lists", cost.lists), ("`ask`", cost.asks)] {
        let what = format!("Cost of metrics, traces and a scrape each second, {what} at 64 connections");
        let (throughput, processor) = (text(&mut pairs.throughput), text(&mut pairs.processor));
        let ours = format!("{throughput} of the throughput, {processor} of the processor time");
        report.figure(&what, ours, "under 3 %", String::new());
    }
    let (median, longest) = cost.scrape;
    let what =
        format!("Scrape with {} conversations, under load", thousands(settings.conversations() as f64));
    let ours = format!("median {}, longest {}", milliseconds(median), milliseconds(longest));
    report.figure(&what, ours, "under 20 ms", String::new());
    Ok(())
}

/// Lists and asks. Each load lasts `duration`.
async fn compare(server: &Server, clients: &Arc<Clients>, duration: Duration) -> anyhow::Result<Cost> {
    // Takes all spans and keeps none.
    let collector = FixedServer::start("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await?;
    let endpoint = collector.url();
    let admin = embedded::free_port()?;
    let observed = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("ADMIN_LISTEN", admin.to_string())];
    let unobserved = [("METRICS", "off".to_owned())];
    let (mut lists, mut asks, mut scrapes) = (Pairs::default(), Pairs::default(), Vec::new());
    for start in 0..STARTS {
        let (mine, other) = if start % 2 == 0 {
            let mine = server.serve_with("observed", &observed).await?;
            (mine, server.serve_with("unobserved", &unobserved).await?)
        } else {
            let other = server.serve_with("unobserved", &unobserved).await?;
            (server.serve_with("observed", &observed).await?, other)
        };
        let watched = [server.watched(&mine)?, server.watched(&other)?];
        let mut turns = Turns {
            watched,
            observed: mine.address(),
            unobserved: other.address(),
            admin,
            clients,
            lasts: duration,
            scrapes: &mut scrapes,
        };
        turns.take(Kind::List, &mut lists).await?;
        turns.take(Kind::Ask, &mut asks).await?;
        mine.stop().await?;
        other.stop().await?;
    }
    scrapes.sort_unstable();
    ensure!(!scrapes.is_empty(), "no scrape was answered");
    let scrape = (scrapes[scrapes.len() / 2], scrapes[scrapes.len() - 1]);
    Ok(Cost { lists, asks, scrape })
}

/// Both processes.
struct Turns<'a> {
    watched: [Watched; 2],
    observed: SocketAddr,
    unobserved: SocketAddr,
    admin: SocketAddr,
    clients: &'a Arc<Clients>,
    lasts: Duration,
    scrapes: &'a mut Vec<Duration>,
}

impl Turns<'_> {
    /// Loads in pairs. Each pair begins with the process that the last one ended with.
    async fn take(&mut self, kind: Kind, pairs: &mut Pairs) -> anyhow::Result<()> {
        self.observed(kind, FIRST).await?;
        self.unobserved(kind, FIRST).await?;
        for pair in 0..PAIRS {
            let (mine, other) = if pair % 2 == 0 {
                let other = self.unobserved(kind, self.lasts).await?;
                (self.observed(kind, self.lasts).await?, other)
            } else {
                let mine = self.observed(kind, self.lasts).await?;
                (mine, self.unobserved(kind, self.lasts).await?)
            };
            pairs.add(mine, other);
        }
        Ok(())
    }

    /// Load on the observed process, which is scraped meanwhile.
    async fn observed(&mut self, kind: Kind, lasts: Duration) -> anyhow::Result<Outcome> {
        let load = load::run(load_on(self.observed, lasts), self.clients.requests(kind));
        let taken = self.taken();
        let measured = tokio::select! {
            measured = load => measured?,
            failed = scrape_all(self.admin, self.scrapes) => return Err(failed),
        };
        Ok(self.outcome(&measured, taken))
    }

    async fn unobserved(&self, kind: Kind, lasts: Duration) -> anyhow::Result<Outcome> {
        let taken = self.taken();
        let measured = load::run(load_on(self.unobserved, lasts), self.clients.requests(kind)).await?;
        Ok(self.outcome(&measured, taken))
    }

    fn outcome(&self, measured: &Measured, before: Duration) -> Outcome {
        let taken = self.taken().saturating_sub(before).as_secs_f64();
        Outcome { throughput: measured.throughput(), processor: taken / measured.answered as f64 }
    }

    /// Processor time of both processes and of their services so far.
    fn taken(&self) -> Duration {
        let [first, second] = self.watched.map(|watched| watched.look());
        first.colloquy + second.colloquy + first.postgres + first.nats
    }
}

const fn load_on(address: SocketAddr, lasts: Duration) -> Load {
    Load { address, connections: CONNECTIONS, warm_up: Duration::ZERO, lasts, rate: None }
}

/// Scrapes for ever and keeps the durations. Returns once a scrape fails.
async fn scrape_all(admin: SocketAddr, durations: &mut Vec<Duration>) -> anyhow::Error {
    loop {
        let began = Instant::now();
        match tokio::time::timeout(SCRAPE_TIMEOUT, scrape(admin)).await {
            Ok(Ok(())) => durations.push(began.elapsed()),
            Ok(Err(error)) => return error,
            Err(_) => return anyhow::anyhow!("a scrape is not answered"),
        }
        tokio::time::sleep(SCRAPE_INTERVAL).await;
    }
}

async fn scrape(admin: SocketAddr) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(admin).await?;
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    ensure!(
        text.starts_with("HTTP/1.1 200"),
        "a scrape is refused: {}",
        text.lines().next().unwrap_or_default()
    );
    Ok(())
}
