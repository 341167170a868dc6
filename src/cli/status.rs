//! `colloquy status`: the installation at a glance, from Postgres, JetStream and the
//! announcements of processes.

mod table;

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;
use serde::Serialize;

use crate::cli::LedgerArguments;
use crate::health::Sampler;
use crate::health::processes::{self, Announcement};
use crate::health::snapshot::Snapshot;
use crate::process::App;
use store::SchemaState;

/// Connections to Postgres.
const CONNECTIONS: u32 = 2;
/// Time in which processes answer. Each looks at its dependencies first.
const ANSWER_WITHIN: Duration = Duration::from_millis(2_500);
/// Interval of `--watch`.
const INTERVAL: Duration = Duration::from_secs(2);
/// Clears a terminal.
const CLEAR: &str = "\x1b[H\x1b[2J";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print one JSON object; with `--watch`, one a line.
    #[arg(long)]
    json: bool,
    /// Repeat until it is interrupted.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    ledger: LedgerArguments,
}

/// The installation at one moment.
#[derive(Debug, Serialize)]
struct Status {
    at: DateTime<Utc>,
    /// The version of this program.
    version: &'static str,
    /// Migrations that the database lacks, and those that this program does not know; absent while Postgres
    /// does not answer.
    schema: Option<Schema>,
    /// Absent while NATS does not answer, as `missing_roles`.
    processes: Option<Vec<Announcement>>,
    /// Roles without a process.
    missing_roles: Option<Vec<&'static str>>,
    #[serde(flatten)]
    snapshot: Snapshot,
    /// Deviations from the normal state.
    reasons: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Schema {
    pending: Vec<String>,
}

/// Succeeds whatever the state is, unless nothing can be asked.
pub(super) async fn run(Arguments { json, watch, ledger }: Arguments) -> anyhow::Result<()> {
    let app = App::new(ledger.config, BTreeSet::new()).await?;
    let store = app.store(CONNECTIONS)?;
    let sampler =
        Sampler { store: store.clone(), nats: app.nats().clone(), subjects: app.subjects().clone() };
    loop {
        let (mut snapshot, documents, processes, schema) = tokio::join!(
            Box::pin(sampler.sample()),
            sampler.documents(),
            processes::ask(app.nats(), app.subjects(), ANSWER_WITHIN),
            store.schema(),
        );
        snapshot.tell(documents.ok());
        show(&Status::new(snapshot, processes, schema.ok()), json, watch)?;
        if !watch {
            return Ok(());
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

impl Status {
    fn new(snapshot: Snapshot, processes: Option<Vec<Announcement>>, schema: Option<SchemaState>) -> Self {
        let missing_roles = processes.as_deref().map(missing_roles);
        let mut reasons = snapshot.reasons();
        reasons.extend(snapshot.unknown.iter().cloned());
        if processes.is_none() {
            reasons.push("NATS does not answer: nothing is known of the processes".to_owned());
        }
        let missing = missing_roles.iter().flatten();
        reasons.extend(missing.map(|role| format!("no process with the role {role} answers")));
        for process in processes.iter().flatten() {
            let name = format!("{} ({})", process.roles.join(", "), process.host);
            reasons.extend(process.reasons.iter().map(|reason| format!("{name}: {reason}")));
        }
        let mut seen = BTreeSet::new();
        reasons.retain(|reason| seen.insert(reason.clone()));
        let schema =
            schema.map(|schema| Schema { pending: schema.pending.iter().map(ToString::to_string).collect() });
        let version = env!("CARGO_PKG_VERSION");
        Self { at: Utc::now(), version, schema, processes, missing_roles, snapshot, reasons }
    }
}

fn missing_roles(processes: &[Announcement]) -> Vec<&'static str> {
    let has = |role: &str| processes.iter().any(|process| process.roles.iter().any(|own| own == role));
    measures::catalogue::ROLES.iter().copied().filter(|role| !has(role)).collect()
}

fn show(status: &Status, json: bool, watch: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, status)?;
        writeln!(out)?;
    } else {
        if watch && out.is_terminal() {
            write!(out, "{CLEAR}")?;
        }
        write!(out, "{}", table::text(status))?;
    }
    Ok(out.flush()?)
}
