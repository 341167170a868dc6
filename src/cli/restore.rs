//! `colloquy restore`: rebuilds everything that is derived from Postgres and the stored files.

use aggregates::Position;
use aggregates::operation::OperationEvent;

use clap::Args;

use crate::cli::DocumentArguments;
use crate::config::ProjectionConfig;
use crate::knowledge::reindex;
use crate::operations::{journal, restore};
use crate::process::App;
use crate::runtime::operation_journal::record_noted;

/// One connection for each read model, and some to read with.
const CONNECTIONS: u32 = 8;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    projection: ProjectionConfig,
    #[command(flatten)]
    documents: DocumentArguments,
}

pub(super) async fn run(Arguments { projection, documents }: Arguments) -> anyhow::Result<()> {
    let DocumentArguments { app, knowledge } = documents;
    let app = App::for_command(app).await?;
    app.check_master_key().await?;
    let progress = |position: Position, goal: Position| eprintln!("{position} of {goal}");
    let store = app.store(CONNECTIONS)?;
    let position =
        restore::restore(&store, app.nats(), app.subjects(), projection.quarantine_limit, progress).await?;
    record_noted(&store, &app.wake()).await?;
    journal::record(&store, &app.wake(), OperationEvent::BackupRestored { position }).await?;
    println!("Streams and read models are restored up to position {position}.");
    let done = reindex::run(&knowledge, store, app.wake()).await?;
    println!("Documents indexed again: {}.", done.documents);
    Ok(())
}
