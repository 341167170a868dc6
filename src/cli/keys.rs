//! `colloquy keys`: manages encryption keys.

use std::collections::BTreeSet;

use clap::Subcommand;
use indicatif::ProgressBar;

use crate::config::Config;
use crate::process::App;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Wrap every user key that `MASTER_KEY_PREVIOUS` wraps with `MASTER_KEY`, while the service runs.
    RotateMaster,
}

pub(super) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::RotateMaster => rotate_master_key().await,
    }
}

async fn rotate_master_key() -> anyhow::Result<()> {
    let app = App::new(Config::from_env()?, BTreeSet::new()).await?;
    let bar = ProgressBar::new_spinner().with_message("keys wrapped");
    let rotated = app.keyring().rotate_master_key(|rotated| bar.set_position(rotated)).await?;
    bar.finish_and_clear();
    println!("{rotated} keys are wrapped with the new master key. Only older backups need the previous one.");
    Ok(())
}
