//! `colloquy quarantine`: aggregates that have no rows in a read model, because one of their events
//! cannot be applied.

use std::collections::BTreeSet;

use anyhow::bail;
use clap::{Args, Subcommand};
use projections::ReadModel;
use projections::quarantine::{self, QuarantinedAggregate, Released};
use serde_json::json;
use uuid::Uuid;

use crate::cli::LedgerArguments;
use crate::operations::quarantine::{NotReleased, Quarantine};
use crate::process::App;

const CONNECTIONS: u32 = 3;
/// Aggregates that are read at once.
const PAGE: u32 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the quarantined aggregates, one line each.
    List(List),
    /// Show why an aggregate is quarantined.
    Show(Show),
    /// Build the rows of quarantined aggregates again, after the cause is gone.
    Retry(Retry),
    /// Leave out the event that cannot be applied, for good, and build the rows from the others.
    Skip(Skip),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ledger: LedgerArguments,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Id of the conversation, document or account.
    aggregate: Uuid,
    #[command(flatten)]
    ledger: LedgerArguments,
}

#[derive(Debug, Args)]
pub(super) struct Retry {
    /// Id of the conversation, document or account.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    aggregate: Option<Uuid>,
    /// Retry every quarantined aggregate.
    #[arg(long)]
    all: bool,
    /// Only in this read model.
    #[arg(long)]
    read_model: Option<ReadModel>,
    #[command(flatten)]
    ledger: LedgerArguments,
}

#[derive(Debug, Args)]
pub(super) struct Skip {
    /// Id of the conversation, document or account.
    aggregate: Uuid,
    /// Only in this read model.
    #[arg(long)]
    read_model: Option<ReadModel>,
    #[command(flatten)]
    ledger: LedgerArguments,
}

pub(super) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(List { json, ledger }) => list(ledger, json).await,
        Command::Show(Show { aggregate, ledger }) => show(ledger, aggregate).await,
        Command::Retry(Retry { aggregate, read_model, ledger, .. }) => {
            let quarantine = connect(ledger).await?;
            let aggregates = match aggregate {
                Some(id) => BTreeSet::from([id]),
                None => all(&quarantine).await?.iter().map(|held| held.aggregate_id).collect(),
            };
            release(&quarantine, aggregates, read_model, false).await
        }
        Command::Skip(Skip { aggregate, read_model, ledger }) => {
            release(&connect(ledger).await?, BTreeSet::from([aggregate]), read_model, true).await
        }
    }
}

async fn connect(ledger: LedgerArguments) -> anyhow::Result<Quarantine> {
    let app = App::for_command(ledger.config).await?;
    Ok(Quarantine {
        store: app.store(CONNECTIONS)?,
        nats: app.nats().clone(),
        subjects: app.subjects().clone(),
        wake: app.wake(),
    })
}

async fn all(quarantine: &Quarantine) -> anyhow::Result<Vec<QuarantinedAggregate>> {
    let mut all: Vec<QuarantinedAggregate> = Vec::new();
    loop {
        let page = quarantine::list(quarantine.store.read_models(), all.last(), PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

async fn list(ledger: LedgerArguments, as_json: bool) -> anyhow::Result<()> {
    for held in all(&connect(ledger).await?).await? {
        if as_json {
            println!("{}", as_object(&held));
        } else {
            println!(
                "{} {} {} at position {}: {} ({})",
                held.read_model,
                held.aggregate_type,
                held.aggregate_id,
                held.position,
                held.cause,
                held.event_type
            );
        }
    }
    Ok(())
}

async fn show(ledger: LedgerArguments, aggregate: Uuid) -> anyhow::Result<()> {
    let quarantine = connect(ledger).await?;
    let held = quarantine::of_aggregate(quarantine.store.read_models(), aggregate).await?;
    if held.is_empty() {
        bail!(NotReleased::NotQuarantined);
    }
    for held in held {
        println!("{:#}", as_object(&held));
    }
    Ok(())
}

fn as_object(held: &QuarantinedAggregate) -> serde_json::Value {
    json!({
        "read_model": held.read_model,
        "aggregate": held.aggregate_type,
        "aggregate_id": held.aggregate_id,
        "owner": held.owner,
        "position": held.position,
        "sequence": held.sequence,
        "event_type": held.event_type,
        "cause": held.cause,
        "detail": held.detail,
        "attempts": held.attempts,
        "quarantined_at": held.quarantined_at,
    })
}

/// Fails if an aggregate stays in quarantine, after the others were tried.
async fn release(
    quarantine: &Quarantine,
    aggregates: BTreeSet<Uuid>,
    only: Option<ReadModel>,
    skip: bool,
) -> anyhow::Result<()> {
    let mut left = 0;
    for id in aggregates {
        for Released { model, failed } in quarantine.release(id, only, skip).await? {
            let model = model.name();
            match failed {
                None => println!("{model} {id}: the rows are built again"),
                Some(event) => {
                    left += 1;
                    println!(
                        "{model} {id}: held at position {}: {}: {}",
                        event.position, event.cause, event.detail
                    );
                }
            }
        }
    }
    if left > 0 {
        bail!("{left} quarantines remain");
    }
    Ok(())
}
