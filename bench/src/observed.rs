//! Cost of recorded and scraped metrics and of sent traces: the same loads on a process that is observed
//! and on one that records nothing, in turn.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use embedded::Service;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::fixed_server::FixedServer;
use crate::load::{self, Load};
use crate::report::{Report, milliseconds, thousands};
use crate::requests::{Clients, Kind};
use crate::server::Server;
use crate::settings::Settings;

const CONNECTIONS: usize = 64;
/// Loads on each of both processes. They alternate, because the speed of a machine drifts.
const TURNS: usize = 4;
const WARM_UP: Duration = Duration::from_secs(2);
/// Interval of the scrapes: a fifteenth of the usual one.
const SCRAPE_INTERVAL: Duration = Duration::from_secs(1);
/// Longest wait for a scrape.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(10);

/// Answers a second of both processes, and how long scrapes took.
#[derive(Debug)]
struct Cost {
    lists: Pair,
    asks: Pair,
    /// Median and longest scrape beside the loads.
    scrape: (Duration, Duration),
}

/// Throughput observed and not observed.
#[derive(Debug, Clone, Copy, Default)]
struct Pair {
    observed: f64,
    unobserved: f64,
}

impl Pair {
    /// Share of the throughput that observing costs.
    fn cost(self) -> f64 {
        1.0 - self.observed / self.unobserved
    }
}

/// Measures and reports the cost.
pub(crate) async fn measure(
    settings: &Settings,
    server: &Server,
    clients: &Arc<Clients>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let cost = compare(server, clients, settings.load / 2).await?;
    for (what, pair) in [("cached lists", cost.lists), ("`ask`", cost.asks)] {
        let what = format!("Cost of metrics, traces and a scrape each second, {what} at 64 connections");
        let ours = format!("{:.1} % of the throughput", pair.cost() * 100.0);
        report.figure(&what, ours, "under 3 %", String::new());
    }
    let (median, longest) = cost.scrape;
    let what =
        format!("Scrape with {} conversations, under load", thousands(settings.conversations() as f64));
    let ours = format!("median {}, longest {}", milliseconds(median), milliseconds(longest));
    report.figure(&what, ours, "under 20 ms", String::new());
    Ok(())
}

/// Lists and asks. Each load lasts `lasts`.
async fn compare(server: &Server, clients: &Arc<Clients>, lasts: Duration) -> anyhow::Result<Cost> {
    // Takes all spans and keeps none.
    let collector = FixedServer::start("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await?;
    let endpoint = collector.url();
    let admin = embedded::free_port()?;
    let observed = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("ADMIN_LISTEN", admin.to_string())];
    let unobserved = [("METRICS", "off".to_owned())];
    let (mut listing, mut asking, mut scrapes) = (Pair::default(), Pair::default(), Vec::new());
    for _ in 0..TURNS {
        let service = server.serve_with("observed", &observed).await?;
        let loads = tokio::select! {
            loads = both_loads(&service, clients, lasts) => loads,
            failed = scrape_all(admin, &mut scrapes) => Err(failed),
        };
        service.stop().await?;
        let (list, ask) = loads?;
        (listing.observed, asking.observed) = (listing.observed + list, asking.observed + ask);
        let service = server.serve_with("unobserved", &unobserved).await?;
        let loads = both_loads(&service, clients, lasts).await;
        service.stop().await?;
        let (list, ask) = loads?;
        (listing.unobserved, asking.unobserved) = (listing.unobserved + list, asking.unobserved + ask);
    }
    scrapes.sort_unstable();
    ensure!(!scrapes.is_empty(), "no scrape was answered");
    let scrape = (scrapes[scrapes.len() / 2], scrapes[scrapes.len() - 1]);
    Ok(Cost { lists: listing, asks: asking, scrape })
}

/// Lists, then asks; answers a second of each.
async fn both_loads(
    service: &Service,
    clients: &Arc<Clients>,
    lasts: Duration,
) -> anyhow::Result<(f64, f64)> {
    let address = service.address();
    let load = Load { address, connections: CONNECTIONS, warm_up: WARM_UP, lasts, rate: None };
    let list = load::run(load, clients.requests(Kind::List)).await?;
    let ask = load::run(load, clients.requests(Kind::Ask)).await?;
    Ok((list.throughput(), ask.throughput()))
}

/// Scrapes for ever and keeps the durations. Returns once a scrape fails.
async fn scrape_all(admin: SocketAddr, durations: &mut Vec<Duration>) -> anyhow::Error {
    loop {
        tokio::time::sleep(SCRAPE_INTERVAL).await;
        let began = Instant::now();
        match tokio::time::timeout(SCRAPE_TIMEOUT, scrape(admin)).await {
            Ok(Ok(())) => durations.push(began.elapsed()),
            Ok(Err(error)) => return error,
            Err(_) => return anyhow::anyhow!("a scrape is not answered"),
        }
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
