//! `colloquy backup`: creates, verifies and restores backups of the whole installation.

mod create;
mod keys;
mod prune;
mod restore;
mod verify;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use rag::error_chain::ErrorChain;
use sealing::MasterKey;
use secrecy::SecretString;
use store::AccountsSchema;

use crate::config::secret::{self, AUTH_DATABASE_URL, DATABASE_DIRECT_URL, DATABASE_URL, SecretVariable};
use crate::config::{AppConfig, BackupConfig, FilesConfig};
use crate::operations::backup::{InJetStream, Repository};
use crate::process::App;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a backup beside the running service. After an interruption, a repetition writes
    /// what is missing.
    Create(Box<create::Arguments>),
    /// Read a backup, restore it into a scratch database, and check the ledger, the read models
    /// and the files.
    Verify(Box<verify::Arguments>),
    /// Restore a backup into an empty database and an empty file store, before the service starts.
    Restore(Box<restore::Arguments>),
    /// Delete older backups, and parts that no backup needs.
    Prune(Box<prune::Arguments>),
    /// List the complete backups at a place, oldest first.
    List(Box<PlaceArguments>),
    /// Write the keys that a backup contains to files. Needs the passphrase alone.
    Keys(Box<keys::Arguments>),
}

/// Place of backups.
#[derive(Debug, Args)]
pub(super) struct PlaceArguments {
    /// Place of the backups: a folder, or `s3://bucket/prefix`.
    #[arg(long, visible_alias = "from", value_name = "PLACE")]
    to: String,
    #[command(flatten)]
    backup: BackupConfig,
    #[command(flatten)]
    files: FilesConfig,
}

/// Subject of a backup or restore.
#[derive(Debug, Args)]
#[command(after_help = secret::help(&secrets()))]
struct InstallationArguments {
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    app: AppConfig,
    #[arg(skip = DATABASE_DIRECT_URL.or(&DATABASE_URL)?)]
    database_direct_url: SecretString,
    #[arg(skip = AUTH_DATABASE_URL.or(&DATABASE_URL)?)]
    auth_database_url: SecretString,
    /// Schema that holds the tables of the account service.
    #[arg(long, env = "AUTH_SCHEMA", help_heading = "Accounts", default_value_t)]
    auth_schema: AccountsSchema,
}

/// The secrets of the commands that work with an installation.
fn secrets() -> Vec<&'static SecretVariable> {
    let databases: &[&SecretVariable] = &[&DATABASE_DIRECT_URL, &AUTH_DATABASE_URL];
    [AppConfig::SECRETS, databases, FilesConfig::SECRETS, BackupConfig::SECRETS].concat()
}

pub(super) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(arguments) => create::run(*arguments).await,
        Command::Verify(arguments) => verify::run(*arguments).await,
        Command::Restore(arguments) => restore::run(*arguments).await,
        Command::Prune(arguments) => prune::run(*arguments).await,
        Command::Keys(arguments) => keys::run(*arguments).await,
        Command::List(place) => {
            for id in place.repository()?.backups().await? {
                println!("{id}");
            }
            Ok(())
        }
    }
}

impl PlaceArguments {
    fn repository(&self) -> anyhow::Result<Repository> {
        Ok(Repository::open(self.backup.place(&self.to, &self.files))?)
    }
}

impl InstallationArguments {
    /// The master keys that can open a backup, the configured one first.
    fn masters(&self) -> Vec<&MasterKey> {
        [Some(&self.app.master_key), self.app.master_key_previous.as_ref()].into_iter().flatten().collect()
    }
}

/// Tombstones in JetStream; none, with a warning, while it is away.
async fn in_jetstream(app: &App) -> InJetStream {
    InJetStream::read(app.nats(), app.subjects()).await.unwrap_or_else(|error| {
        eprintln!("warning: the tombstones in JetStream are not known: {}", ErrorChain(&error));
        InJetStream::default()
    })
}

/// Shows the current step on a terminal.
fn step_bar() -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{spinner} {elapsed_precise} {msg}")?;
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    Ok(bar)
}
