//! Seeds, load and tables: how fast Colloquy is.
//!
//! `make bench` seeds a database once, rebuilds the read models with the product, puts loads on it, and
//! writes the results to `docs/benchmarks.md`. It measures the unchanged release binary from outside.

#![expect(clippy::cast_precision_loss, reason = "figures are read to three digits")]

mod accounts;
mod delivery;
mod first_words;
mod fixed_server;
mod hostile;
mod load;
mod observed;
mod population;
mod processes;
mod progress;
mod quoting;
mod raw_postgres;
mod report;
mod requests;
mod run;
mod scale_out;
mod seed;
mod server;
mod settings;
mod share;
mod statements;
mod stock_repository;
mod takeover;
mod token_check;

use anyhow::Context as _;
use report::{Report, thousands};
use server::Server;
use settings::Settings;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::from_env()?;
    eprintln!("Starting the services");
    let server = Server::start().await?;
    let mut report = Report::default();
    let outcome = measure(&settings, &server, &mut report).await;
    server.stop().await?;
    outcome?;
    let text = report.markdown(&circumstances(&settings));
    println!("{text}");
    if settings.is_whole() {
        let path = embedded::repository()?.join("docs").join("benchmarks.md");
        std::fs::write(&path, format!("# Benchmarks\n\n{text}"))
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

async fn measure(settings: &Settings, server: &Server, report: &mut Report) -> anyhow::Result<()> {
    eprintln!("Preparing {} messages of {} users", settings.messages, settings.users);
    if let Some(seeded) = server.prepare(settings).await? {
        let rate = seeded.events as f64 / seeded.took.as_secs_f64();
        let ours = format!("{:.0} s, {} events a second", seeded.took.as_secs_f64(), thousands(rate));
        report.figure("Seeding (events, keys, ledger)", ours, "", String::new());
    }
    if !settings.keep {
        eprintln!("Rebuilding the read models");
        let took = server.rebuild().await?;
        let what =
            format!("Rebuild of all read models from {} messages", thousands(settings.messages as f64));
        report.figure(&what, format!("{:.1} s", took.as_secs_f64()), "under 120 s", String::new());
    }
    server.settle().await?;
    run::everything(settings, server, report).await
}

fn circumstances(settings: &Settings) -> String {
    format!(
        "Measured by `make bench` on {}: everything on one machine, Postgres, NATS and the load generator included, \
         optimized as releases are, `api,sequencer,projector` in one process, no worker. The database holds {} users and {} messages \
         in {} conversations, seeded as events and made into read models by `colloquy rebuild`; durability is Postgres' \
         default, commits are flushed to disk. Users and conversations are drawn at random from all of them. Times of \
         the open loop count from when a request was due. `BENCH_USERS`, `BENCH_MESSAGES`, `BENCH_SECONDS` and \
         `BENCH_ASK_SECONDS` make it smaller or larger. Quoted answers come from the project's own documents, or from \
         those of `BENCH_DOCS` with the questions of `BENCH_QUESTIONS`, by one process of all roles; the instant language \
         model sends one sentence at once.\n",
        processes::machine(),
        thousands(settings.users as f64),
        thousands(settings.messages as f64),
        thousands(settings.conversations() as f64),
    )
}
