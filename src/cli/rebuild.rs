//! `colloquy rebuild`: rebuilds read models, or compares them with the ledger.

use aggregates::Position;
use aggregates::operation::OperationEvent;
use anyhow::bail;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use projections::{Difference, ReadModel};

use crate::cli::LedgerArguments;
use crate::config::ProjectionConfig;
use crate::operations::{journal, rebuild};
use crate::process::App;
use crate::runtime::operation_journal::record_noted;

/// One connection for each read model, and some to read with.
const CONNECTIONS: u32 = 8;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Name of the read model; default all.
    read_model: Option<String>,
    /// Change nothing: compare the live rows with those that the ledger yields.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    projection: ProjectionConfig,
    #[command(flatten)]
    ledger: LedgerArguments,
}

pub(super) async fn run(
    Arguments { read_model, check, projection, ledger }: Arguments,
) -> anyhow::Result<()> {
    let (models, limit) = (selected(read_model.as_deref())?, projection.quarantine_limit);
    let app = App::for_command(ledger.config).await?;
    let store = app.store(CONNECTIONS)?;
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
        "{bar:40} {human_pos} of {human_len} events, {per_sec}, {eta} left",
    )?);
    let progress = |position: Position, goal: Position| {
        bar.set_length(goal.0);
        bar.set_position(position.0);
    };
    if !check {
        rebuild::rebuild(&store, &models, limit, progress).await?;
        bar.finish();
        record_noted(&store, &app.wake()).await?;
        for model in models {
            let position = projections::lowest_checkpoint(store.read_models()).await?;
            let read_model = model.name().to_owned();
            let event = OperationEvent::ReadModelRebuilt { read_model, position };
            journal::record(&store, &app.wake(), event).await?;
        }
        return Ok(());
    }
    let checked = rebuild::check(&store, &models, limit, progress).await?;
    bar.finish();
    report_differences(&checked)
}

fn selected(name: Option<&str>) -> anyhow::Result<Vec<ReadModel>> {
    let Some(name) = name else { return Ok(ReadModel::ALL.to_vec()) };
    Ok(vec![name.parse()?])
}

fn report_differences(checked: &[(ReadModel, Vec<Difference>)]) -> anyhow::Result<()> {
    for (model, differences) in checked {
        match differences.len() {
            0 => println!("{}: equal, row by row", model.name()),
            _ => println!("{}: differs", model.name()),
        }
        for difference in differences {
            let side = if difference.live { "only live:   " } else { "only rebuilt:" };
            println!("  {side} {}", difference.row);
        }
    }
    if checked.iter().any(|(_, differences)| !differences.is_empty()) {
        bail!("read models differ from the ledger; `colloquy rebuild` replaces them");
    }
    Ok(())
}
