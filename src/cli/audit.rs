//! `colloquy audit`: replay, export and verification for operators, beside the database or from an export.

mod checkpoint;
mod diff;
mod export;
mod keys;
mod show;
mod verify;

use std::path::Path;

use aggregates::ConversationId;
use aggregates::audit_trail::Through;
use anyhow::Context as _;
use clap::Subcommand;
use serde::Serialize;
use serde_json::Value;
use store::Store;
use uuid::Uuid;

use crate::audit::CheckpointSigner;
use crate::audit::access_log::from_command_line;
use crate::audit::{Access, AsOf, PublicKey, ReplayedConversation, record_access, replay};
use crate::cli::LedgerArguments;
use crate::config::AppConfig;
use crate::process::App;

/// Enough to read pages ahead.
const CONNECTIONS: u32 = 4;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write events as NDJSON that can be verified offline.
    Export(export::Arguments),
    /// Verify an export, offline and without configuration, or the ledger in the database.
    Verify(verify::Arguments),
    /// Show a conversation as it stood at a position or a time.
    Show(show::Arguments),
    /// Show what changed in a conversation between two positions or times.
    Diff(diff::Arguments),
    /// Replace the signing key that is in use with a new one.
    RotateKey(LedgerArguments),
    /// List the public keys of all signed checkpoints.
    Keys(LedgerArguments),
    /// Print the signed head of the ledger.
    Checkpoint(LedgerArguments),
}

pub(super) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Export(arguments) => export::run(arguments).await,
        Command::Verify(arguments) => verify::run(arguments).await,
        Command::Show(arguments) => show::run(arguments).await,
        Command::Diff(arguments) => diff::run(arguments).await,
        Command::RotateKey(ledger) => keys::rotate(ledger.config).await,
        Command::Keys(ledger) => keys::list(ledger.config).await,
        Command::Checkpoint(ledger) => checkpoint::run(ledger.config).await,
    }
}

/// The process beside the database that most audit commands work with.
struct Database {
    app: App,
    store: Store,
}

impl Database {
    async fn connect(config: AppConfig) -> anyhow::Result<Self> {
        let app = App::for_command(config).await?;
        let store = app.store(CONNECTIONS)?;
        Ok(Self { app, store })
    }

    fn signer(&self) -> CheckpointSigner {
        self.app.signer(self.store.clone())
    }

    /// Records the access before anything is shown.
    async fn record_access(&self, what: &'static str, filter: Value) -> anyhow::Result<()> {
        let access = Access { what, filter, through: Through::CommandLine };
        Ok(record_access(&self.store, &self.app.wake(), access, &from_command_line()).await?)
    }

    async fn conversation(&self, id: Uuid, as_of: AsOf) -> anyhow::Result<ReplayedConversation> {
        let state = replay(&self.store, ConversationId::new(id), as_of).await?;
        state.with_context(|| format!("conversation {id} not found"))
    }
}

/// Parses a public key given as text, or as the path of a file that holds it.
fn parse_public_key(given: &str) -> anyhow::Result<PublicKey> {
    if let Ok(key) = PublicKey::parse(given) {
        return Ok(key);
    }
    let text = std::fs::read_to_string(Path::new(given))
        .with_context(|| format!("public key file {given} cannot be read"))?;
    Ok(PublicKey::parse(&text)?)
}

fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}
