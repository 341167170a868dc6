//! One run: every load, one after the other, on a server that was just started.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use embedded::{Pooler, ReverseProxy};
use hdrhistogram::Histogram;
use sqlx::PgPool;
use store::Database;

use crate::load::{self, Load, Measured};
use crate::processes::{self, Watched};
use crate::raw_postgres::{self, Limits};
use crate::report::{Report, milliseconds, thousands};
use crate::requests::{Clients, Kind};
use crate::server::Server;
use crate::settings::{Part, Settings};
use crate::stock_repository::{self, StockRepository};
use crate::{
    delivery, first_words, hostile, observed, progress, quoting, scale_out, statements, takeover, token_check,
};

const MANY: usize = 1_000;
const RATE: u32 = 2_000;
/// Warm-up of a load that writes. A load that reads warms up for as long as it is measured.
const WARM_UP: Duration = Duration::from_secs(2);
/// Idle time before the idle memory is read.
const REST: Duration = Duration::from_secs(3);

/// State that the loads of a run share.
pub(crate) struct Run<'a> {
    settings: &'a Settings,
    server: &'a Server,
    clients: Arc<Clients>,
    address: SocketAddr,
    watched: Watched,
    pool: PgPool,
    report: &'a mut Report,
    /// The most memory the server had under a load, in MiB.
    highest: f64,
}

/// Runs everything on the prepared database.
pub(crate) async fn everything(
    settings: &Settings,
    server: &Server,
    report: &mut Report,
) -> anyhow::Result<()> {
    let tokens: Vec<String> =
        (0..settings.users).map(|user| server.accounts.token(user)).collect::<Result<_, _>>()?;
    let clients = Clients::new(&tokens, settings.conversations());
    let pool = PgPool::from(Database::connect(&server.database_url.as_str().into(), 2)?);
    if settings.parts.iter().any(|part| !part.has_its_own_processes()) {
        in_one_process(settings, server, &clients, &pool, report).await?;
    }
    if settings.parts.contains(&Part::Quoting) {
        quoting::measure(settings, server, report).await?;
    }
    if settings.parts.contains(&Part::Processes) {
        behind_a_pooler(settings, server, report).await?;
    }
    if settings.parts.contains(&Part::Takeover) {
        takeover::measure(server, report).await?;
    }
    pool.close().await;
    Ok(())
}

async fn behind_a_pooler(settings: &Settings, server: &Server, report: &mut Report) -> anyhow::Result<()> {
    if !Pooler::is_installed() {
        let reason = "not measured: PgBouncer is not installed".to_owned();
        report.figure("Behind a pooler", reason, "", String::new());
        return Ok(());
    }
    statements::measure(server, report).await?;
    scale_out::measure(settings, server, report).await
}

/// All loads on one process with all roles that they need.
async fn in_one_process(
    settings: &Settings,
    server: &Server,
    clients: &Arc<Clients>,
    pool: &PgPool,
    report: &mut Report,
) -> anyhow::Result<()> {
    let limits = raw_postgres::measure(&server.database_url, settings.users, settings.load / 2).await?;
    let stock = stock_repository::measure(&server.database_url, settings.load / 2).await?;
    let service = server.serve().await?;
    let watched = server.watched(&service)?;
    let (address, pool) = (service.address(), pool.clone());
    let of_run = Arc::clone(clients);
    let mut run = Run { settings, server, clients: of_run, address, watched, pool, report, highest: 0.0 };
    let outcome = run.all(&limits, &stock).await;
    service.stop().await?;
    outcome?;
    if settings.parts.contains(&Part::Hostile) {
        hostile::measure(settings, server, clients, report).await?;
    }
    if settings.parts.contains(&Part::Observed) {
        observed::measure(settings, server, clients, report).await?;
    }
    Ok(())
}

impl Run<'_> {
    async fn all(&mut self, limits: &Limits, stock: &StockRepository) -> anyhow::Result<()> {
        let limit = |limit: &raw_postgres::Limit| {
            let (median, p95) = (milliseconds(limit.median), milliseconds(limit.p95));
            format!("{} a second at 32 connections (p50 {median}, p95 {p95})", thousands(limit.throughput))
        };
        let (insert, select) = (limit(&limits.insert), limit(&limits.list));
        tokio::time::sleep(REST).await;
        let idle = processes::memory(self.watched.colloquy).0;
        let settings = self.settings;
        let has = |part| settings.parts.contains(&part);
        if has(Part::Reads) {
            self.tokens().await?;
            self.reads(&format!("10 rows by index: {select}")).await?;
            self.growth().await?;
        }
        if has(Part::Answers) {
            self.first_words().await?;
            self.delivery().await?;
        }
        if has(Part::Asks) {
            self.asks(&format!("one row of 200 bytes: {insert}")).await?;
            let ours = format!("{} a second, p95 {}", thousands(stock.throughput), milliseconds(stock.p95));
            let what = "Stock postgres-es, five in each conversation, without encryption, outbox and ledger";
            self.report.figure(what, ours, "", format!("one row of 200 bytes: {insert}"));
        }
        if has(Part::Many) {
            self.many().await?;
        }
        self.report.figure(
            "Memory of the process, idle",
            format!("{idle:.0} MiB"),
            "under 40 MiB",
            String::new(),
        );
        let under = format!("{:.0} MiB at its highest", self.highest);
        self.report.figure("Memory under all of these loads", under, "under 150 MiB", String::new());
        Ok(())
    }

    async fn tokens(&mut self) -> anyhow::Result<()> {
        let check = token_check::measure(&self.server.accounts).await?;
        let microseconds = |time: Duration| format!("{:.2} µs", time.as_secs_f64() * 1e6);
        let (first, again) = (microseconds(check.first), microseconds(check.again));
        self.report.figure("Token check, the first time", first, "under 50 µs", String::new());
        self.report.figure("Token check, seen before", again, "under 2 µs", String::new());
        Ok(())
    }

    async fn reads(&mut self, beside: &str) -> anyhow::Result<()> {
        let floor = "12,000 a second";
        for (what, kind, floor) in [
            ("List of conversations", Kind::List, floor),
            ("The same, past the cache", Kind::ListAnew, ""),
            ("Messages of a conversation", Kind::Messages, floor),
            ("The same, past the cache", Kind::MessagesAnew, ""),
            ("Search", Kind::Search, ""),
        ] {
            let (throughput, p95) = self.load(what, kind, 64, self.settings.load, None).await?;
            let ours =
                format!("{} a second, p95 {} (64 connections)", thousands(throughput), milliseconds(p95));
            self.report.figure(what, ours, floor, beside.to_owned());
        }
        let (_, p95) =
            self.load("A branch of 10,000 messages", Kind::Branch, 1, self.settings.load / 2, None).await?;
        self.report.figure(
            "A branch of 10,000 messages",
            format!("p95 {}", milliseconds(p95)),
            "p95 under 50 ms",
            String::new(),
        );
        Ok(())
    }

    async fn growth(&mut self) -> anyhow::Result<()> {
        for connections in [1, 16, 256] {
            self.load("List of conversations", Kind::List, connections, self.settings.load / 2, None).await?;
        }
        Ok(())
    }

    async fn first_words(&mut self) -> anyhow::Result<()> {
        let answering = self.server.answer().await?;
        let times = first_words::measure(self.address, &self.clients).await;
        let through = self.through_nginx().await;
        answering.stop().await?;
        let times = times?;
        for (what, histogram) in [
            ("`ask` until the question is in the read model", &times.shown),
            ("`ask` until the first words of a quoted answer", &times.begun),
            ("`ask` until that answer is whole", &times.completed),
        ] {
            self.report.figure(what, both(histogram), "", String::new());
        }
        let what = "`ask` through nginx until the first words of a quoted answer";
        self.report.figure(what, through?, "", String::new());
        Ok(())
    }

    /// The time until the first words through nginx with the configuration of the documentation.
    async fn through_nginx(&self) -> anyhow::Result<String> {
        let nginx = match ReverseProxy::Nginx.start(self.address, self.server.data()).await {
            Err(error @ embedded::Error::NotInstalled(_)) => return Ok(format!("not measured: {error}")),
            started => started?,
        };
        let times = first_words::measure(nginx.address(), &self.clients).await;
        nginx.stop().await?;
        Ok(both(&times?.begun))
    }

    async fn delivery(&mut self) -> anyhow::Result<()> {
        let nats_url = self.server.nats_url();
        let times = delivery::measure(self.address, &nats_url, &self.clients, self.settings.users).await?;
        let (answered, arrived) = (both(&times.answered), both(&times.arrived));
        self.report.figure("`ask` until answered, nothing else going on", answered, "", String::new());
        let floor = "median under 5 ms";
        self.report.figure("`ask` answered until its event is at a worker", arrived, floor, String::new());
        Ok(())
    }

    async fn asks(&mut self, beside: &str) -> anyhow::Result<()> {
        for (what, kind, lasts, floor) in [
            ("`ask`, five in each conversation", Kind::Ask, self.settings.ask, "3,000 a second"),
            ("`ask`, each begins a conversation", Kind::Begin, self.settings.load, ""),
        ] {
            let (throughput, p95) = self.load(what, kind, 64, lasts, None).await?;
            let level = progress::until_level(&self.pool).await?;
            let seconds = lasts.as_secs();
            let ours =
                format!("{} a second for {seconds} s, p95 {}", thousands(throughput), milliseconds(p95));
            self.report.figure(what, ours, floor, beside.to_owned());
            let after = format!("{:.1} s ({} events behind)", level.after.as_secs_f64(), level.behind);
            self.report.figure("… then the read models are level after", after, "within 10 s", String::new());
        }
        Ok(())
    }

    async fn many(&mut self) -> anyhow::Result<()> {
        let (throughput, p95) =
            self.load("List of conversations", Kind::List, MANY, self.settings.load, None).await?;
        let ours = format!("p95 {}, {} a second", milliseconds(p95), thousands(throughput));
        self.report.figure(
            "List at 1,000 connections, as fast as they can",
            ours,
            "p95 under 150 ms",
            String::new(),
        );
        let what = "Four reads to one `ask`, 2,000 a second";
        let (throughput, p95) = self.load(what, Kind::Mixed, MANY, self.settings.load, Some(RATE)).await?;
        let ours = format!("p95 {}, {} a second", milliseconds(p95), thousands(throughput));
        self.report.figure(
            "1,000 connections, 2,000 a second, 80/20",
            ours,
            "p95 under 10 ms",
            String::new(),
        );
        Ok(())
    }

    /// Puts a load on the server; throughput and 95th percentile.
    async fn load(
        &mut self,
        what: &str,
        kind: Kind,
        connections: usize,
        lasts: Duration,
        rate: Option<u32>,
    ) -> anyhow::Result<(f64, Duration)> {
        processes::forget_highest_memory(self.watched.colloquy)?;
        let warm_up = if kind.only_reads() { lasts } else { WARM_UP };
        let load = Load { address: self.address, connections, warm_up, lasts, rate };
        let (measured, before) = tokio::join!(load::run(load, self.clients.requests(kind)), async {
            tokio::time::sleep(warm_up).await;
            self.watched.look()
        });
        let (measured, taken): (Measured, _) = (measured?, self.watched.look().since(before));
        let (_, memory) = processes::memory(self.watched.colloquy);
        self.highest = self.highest.max(memory);
        let figures = (measured.throughput(), measured.percentile(95.0));
        self.report.load(what, connections, measured, taken, memory);
        Ok(figures)
    }
}

fn both(histogram: &Histogram<u64>) -> String {
    let time = |of_a_hundred| milliseconds(Duration::from_nanos(histogram.value_at_percentile(of_a_hundred)));
    format!("median {}, p95 {}", time(50.0), time(95.0))
}
