//! `colloquy backup keys`.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use secrecy::ExposeSecret as _;

use super::PlaceArguments;
use crate::config::BackupConfig;
use crate::config::secret;
use crate::operations::backup::{BackupError, keys_of};

#[derive(Debug, Args)]
#[command(after_help = secret::help(BackupConfig::SECRETS))]
pub(in crate::cli) struct Arguments {
    /// Id of the backup; default the newest one.
    #[arg(long, value_name = "ID")]
    backup_id: Option<String>,
    /// Folder for the files, which only their owner can read. Existing files are not overwritten.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    #[command(flatten)]
    place: PlaceArguments,
}

pub(super) async fn run(Arguments { backup_id, out, place }: Arguments) -> anyhow::Result<()> {
    let repository = place.repository()?;
    let passphrase = place.backup.backup_passphrase.as_ref().ok_or(BackupError::NoPassphrase)?;
    let id = match backup_id {
        Some(id) => id,
        None => repository.newest().await?,
    };
    let keys = keys_of(&repository, &id, passphrase).await?;
    std::fs::create_dir_all(&out)?;
    for (name, key) in keys {
        let path = out.join(name.to_lowercase());
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&path);
        let written = file.and_then(|mut file| file.write_all(key.expose_secret().as_bytes()));
        written.with_context(|| format!("{} was not written", path.display()))?;
        println!("{}: set {name}_FILE to it", path.display());
    }
    Ok(())
}
