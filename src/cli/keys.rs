//! `colloquy keys`: manages encryption keys.

use aggregates::operation::{OperationEvent, RotatedKey};
use clap::Subcommand;
use indicatif::ProgressBar;

use crate::cli::LedgerArguments;
use crate::config::AppConfig;
use crate::operations::journal;
use crate::process::App;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Wrap every user key that `MASTER_KEY_PREVIOUS` wraps with `MASTER_KEY`, while the service runs.
    RotateMaster(LedgerArguments),
}

pub(super) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::RotateMaster(LedgerArguments { config }) => rotate_master_key(config).await,
    }
}

async fn rotate_master_key(config: AppConfig) -> anyhow::Result<()> {
    let app = App::for_command(config).await?;
    let bar = ProgressBar::new_spinner().with_message("keys wrapped");
    let rotated = app.keyring().rotate_master_key(|rotated| bar.set_position(rotated)).await?;
    bar.finish_and_clear();
    let key_id = app.keyring().master().id().to_owned();
    let event = OperationEvent::KeyRotated { key: RotatedKey::Master, key_id, rewrapped: rotated };
    journal::record(&app.store(1)?, &app.wake(), event).await?;
    println!("{rotated} keys are wrapped with the new master key. Only older backups need the previous one.");
    Ok(())
}
