//! Two processes of each role against one, behind a pooler. Each process has the same small share of the
//! processor, so that neither the machine nor Postgres is the limit.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use embedded::Service;
use sqlx::PgPool;
use store::Database;

use crate::first_words;
use crate::load::{self, Load, Measured};
use crate::progress;
use crate::report::{Report, milliseconds, thousands};
use crate::requests::{Clients, Kind};
use crate::server::Server;
use crate::settings::Settings;
use crate::share::{self, Shares};

/// Names of the processes, each with its role; the second half makes two of each.
const PROCESSES: [(&str, &str); 8] = [
    ("api_1", "api"),
    ("sequencer_1", "sequencer"),
    ("projector_1", "projector"),
    ("worker_1", "worker"),
    ("api_2", "api"),
    ("sequencer_2", "sequencer"),
    ("projector_2", "projector"),
    ("worker_2", "worker"),
];
/// Connections to all api processes together.
const CONNECTIONS: usize = 128;
const USERS: usize = 500;
const WARM_UP: Duration = Duration::from_secs(3);

/// What some processes of each role did.
#[derive(Debug)]
struct Scaled {
    throughput: f64,
    p95: Duration,
    failed: u64,
    level_after: Duration,
}

/// Measures `ask` with one process of each role, then with two.
pub(crate) async fn measure(settings: &Settings, server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let (what, floor) = ("`ask` with two processes of each role, against one", "1.6 times");
    if !share::is_possible() {
        let reason = "not measured: control groups are not writable".to_owned();
        report.figure(what, reason, floor, String::new());
        return Ok(());
    }
    let tokens: Vec<String> = (0..USERS).map(|user| server.accounts.token(user)).collect::<Result<_, _>>()?;
    let clients = Clients::new(&tokens, USERS);
    let one = with_processes(1, "one_process", settings, server, &clients).await?;
    let two = with_processes(2, "two_processes", settings, server, &clients).await?;
    for (processes, run) in [("one process", &one), ("two processes", &two)] {
        let (throughput, p95) = (thousands(run.throughput), milliseconds(run.p95));
        let level = run.level_after.as_secs_f64();
        let ours =
            format!("{throughput} a second, p95 {p95}, {} failed, level after {level:.1} s", run.failed);
        let percent = settings.share;
        let what =
            format!("`ask` with {processes} of each role at {percent} % of a core each, behind PgBouncer");
        report.figure(&what, ours, "", String::new());
    }
    report.figure(what, format!("{:.2} times", two.throughput / one.throughput), floor, String::new());
    Ok(())
}

/// On a database of its own: answers that one run left behind would keep the workers of the next one busy.
async fn with_processes(
    number: usize,
    database: &'static str,
    settings: &Settings,
    server: &Server,
    clients: &Arc<Clients>,
) -> anyhow::Result<Scaled> {
    let (database_url, mut environment) = server.empty_database(database).await?;
    let qdrant = server.knowledge(&mut environment).await?;
    let pooler = server.pooler(&database_url, &mut environment).await?;
    let mut processes = Vec::new();
    for (name, role) in PROCESSES.iter().take(PROCESSES.len() / 2 * number) {
        processes.push((*role, server.role(name, role, &environment).await?));
    }
    let apis: Vec<&Service> =
        processes.iter().filter(|(role, _)| *role == "api").map(|(_, api)| api).collect();
    for api in &apis {
        // The worker has read its model when an answer is complete.
        first_words::one(api.address(), clients, 0).await?;
    }
    let mut shares = Shares::of(settings.share);
    for (_, process) in &processes {
        shares.hold(process.process_id().context("a process has ended")?)?;
    }
    let measured = ask(&apis, settings.load, clients).await?;
    // What is left to do afterwards is not a matter of shares.
    drop(shares);
    let pool = PgPool::from(Database::connect(&database_url.as_str().into(), 2)?);
    let level = progress::until_level(&pool).await?;
    pool.close().await;
    for (_, process) in &processes {
        process.stop().await?;
    }
    pooler.stop().await?;
    qdrant.stop().await?;
    Ok(Scaled {
        throughput: measured.iter().map(Measured::throughput).sum(),
        p95: measured.iter().map(|load| load.percentile(95.0)).max().unwrap_or_default(),
        failed: measured.iter().map(|load| load.failed).sum(),
        level_after: level.after,
    })
}

/// As many questions as the processes answer, over all of them.
async fn ask(apis: &[&Service], lasts: Duration, clients: &Arc<Clients>) -> anyhow::Result<Vec<Measured>> {
    let connections = CONNECTIONS / apis.len();
    let loads = apis.iter().enumerate().map(|(place, api)| {
        let load = Load { address: api.address(), connections, warm_up: WARM_UP, lasts, rate: None };
        load::run(load, clients.requests_from(Kind::Ask, place * connections))
    });
    futures::future::try_join_all(loads).await
}
