//! The command line: one module for each command, with its arguments and `run`.

mod audit;
mod grant;
mod ingest;
mod keys;
mod migrate;
mod openapi;
mod rebuild;
mod reindex;
mod restore;
mod serve;

use clap::{Parser, Subcommand};

/// Event-driven question-answering chat.
#[derive(Debug, Parser)]
#[command(name = "colloquy", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service: all roles in one process, or some of them.
    Serve(serve::Arguments),
    /// Apply pending database migrations over a direct connection.
    Migrate,
    /// Set an account's role.
    Grant(grant::Arguments),
    /// Add documents (Markdown, text, HTML, PDF, Word) to the shared knowledge.
    Ingest(ingest::Arguments),
    /// Move all documents to the configured embedding model; the previous one answers until the move is complete.
    ///
    /// When the model has not changed, repairs the index instead.
    Reindex,
    /// Rebuild read models from the ledger without downtime. Resumes an interrupted rebuild.
    Rebuild(rebuild::Arguments),
    /// Manage encryption keys.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Restore JetStream streams, read models and the document index from Postgres and the stored files.
    Restore,
    /// Replay, export and verify history.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Print the OpenAPI 3.1 document of the HTTP API.
    #[command(name = "openapi")]
    OpenApi,
}

impl Cli {
    /// Runs the command.
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(arguments) => serve::run(arguments).await,
            Command::Migrate => migrate::run().await,
            Command::Grant(arguments) => grant::run(arguments).await,
            Command::Ingest(arguments) => ingest::run(arguments).await,
            Command::Reindex => reindex::run().await,
            Command::Rebuild(arguments) => rebuild::run(arguments).await,
            Command::Keys(command) => keys::run(command).await,
            Command::Restore => restore::run().await,
            Command::Audit(command) => audit::run(command).await,
            Command::OpenApi => {
                openapi::run();
                Ok(())
            }
        }
    }
}
