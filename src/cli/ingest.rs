//! `colloquy ingest`: adds documents to the shared knowledge.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use crate::cli::DocumentArguments;
use crate::knowledge::ingest;
use crate::process::App;

const CONNECTIONS: u32 = 4;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Files, or folders whose files are added recursively.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    documents: DocumentArguments,
}

pub(super) async fn run(Arguments { paths, documents }: Arguments) -> anyhow::Result<()> {
    let DocumentArguments { app, knowledge } = documents;
    let app = App::for_command(app).await?;
    let report = ingest::run(&knowledge, app.store(CONNECTIONS)?, app.wake(), &paths).await?;
    match report.rejected.len() {
        0 => Ok(()),
        1 => bail!("1 file was rejected"),
        rejected => bail!("{rejected} files were rejected"),
    }
}
