//! `colloquy backup prune`.

use chrono::Utc;
use clap::Args;

use super::InstallationArguments;
use crate::operations::backup::{Pruned, prune};

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Number of backups to keep, the newest ones.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    keep: u16,
    #[command(flatten)]
    installation: InstallationArguments,
}

pub(super) async fn run(Arguments { keep, installation }: Arguments) -> anyhow::Result<()> {
    let repository = installation.place.repository()?;
    let masters = installation.masters();
    let Pruned { backups, parts, bytes } = prune(&repository, keep.into(), &masters, Utc::now()).await?;
    for id in &backups {
        println!("Backup {id} is deleted.");
    }
    println!("{parts} parts of {bytes} bytes are deleted.");
    Ok(())
}
