//! The command line: one module for each command, with its arguments and `run`.
//!
//! The arguments of a command include the parts of the configuration that it needs.

mod accounts;
mod audit;
mod backup;
mod ban;
mod completions;
mod config;
mod config_reference;
mod dead_letters;
mod grant;
mod healthcheck;
mod ingest;
mod invite;
mod keys;
mod metrics_reference;
mod migrate;
mod openapi;
mod quarantine;
mod rebuild;
mod reindex;
mod restore;
mod serve;
mod signals;
mod status;
mod up;
mod version;

use std::process::ExitCode;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::config::{AppConfig, ConfigFileArguments, KnowledgeConfig, command_line, secret};
use crate::knowledge::extraction;
use crate::telemetry::{self, LoggingConfig, TracesConfig};

/// Event-driven question-answering chat.
#[derive(Debug, Parser)]
#[command(name = "colloquy", version)]
#[command(
    after_help = "The configuration is read from the environment and a file: see `colloquy serve --help`."
)]
pub struct Cli {
    #[command(flatten)]
    logging: LoggingConfig,
    #[command(flatten)]
    traces: TracesConfig,
    #[command(flatten)]
    file: ConfigFileArguments,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service: all roles in one process, or some of them.
    Serve(Box<serve::Arguments>),
    /// Run a whole installation but its databases: all roles and the account service of this release.
    Up(up::Arguments),
    /// Apply pending database migrations over a direct connection.
    Migrate(migrate::Arguments),
    /// Set an account's role.
    Grant(grant::Arguments),
    /// Make an invitation to sign up, and print its link.
    Invite(invite::Arguments),
    /// Refuse all sign-ins of an account and end its sessions, or permit sign-ins again.
    Ban(ban::Arguments),
    /// Add documents (PDF, Office, HTML, Markdown, text and others) to the shared knowledge.
    Ingest(Box<ingest::Arguments>),
    /// Move all documents to the configured embedding model. Answers use the previous one until then.
    ///
    /// When the model has not changed, repairs the index instead.
    Reindex(Box<DocumentArguments>),
    /// Rebuild read models from the ledger without downtime. Resumes an interrupted rebuild.
    Rebuild(rebuild::Arguments),
    /// Show the processes, positions, lags and queues of the installation.
    Status(Box<status::Arguments>),
    /// List aggregates of which an event cannot be applied to a read model, and end their quarantine.
    #[command(subcommand)]
    Quarantine(quarantine::Command),
    /// List work that workers gave up, and have it done again or leave it undone.
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
    /// Manage encryption keys.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Create, verify and restore backups of the databases, the files and the tombstones.
    #[command(subcommand)]
    Backup(backup::Command),
    /// Restore JetStream streams, read models and the document index from Postgres and the stored files.
    Restore(Box<restore::Arguments>),
    /// Replay, export and verify history.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Inspect the configuration.
    #[command(subcommand)]
    Config(Box<config::Command>),
    /// Print the OpenAPI 3.1 document of the HTTP API.
    #[command(name = "openapi")]
    OpenApi,
    /// Check that the process of this machine works, for containers.
    #[command(name = "healthcheck")]
    HealthCheck(healthcheck::Arguments),
    /// Print the version, the commit and the features of this program.
    Version(version::Arguments),
    /// Print the completions of a shell.
    Completions(completions::CompletionsArguments),
    /// Write the man pages into a folder.
    Man(completions::ManArguments),
    /// Read one file from standard input for another process of this program.
    #[command(hide = true)]
    Extract(extraction::ChildArguments),
    /// Print the reference of all environment variables, in Markdown.
    #[command(hide = true)]
    ConfigReference,
    /// Print the reference of all metrics, in Markdown.
    #[command(hide = true)]
    MetricsReference,
}

/// Configuration of the commands that work with the ledger.
#[derive(Debug, Args)]
#[command(after_help = secret::help(AppConfig::SECRETS))]
struct LedgerArguments {
    #[command(flatten)]
    config: AppConfig,
}

/// Configuration of the commands that work with documents as well.
#[derive(Debug, Args)]
#[command(after_help = secret::help(&[AppConfig::SECRETS, KnowledgeConfig::SECRETS].concat()))]
struct DocumentArguments {
    #[command(flatten)]
    app: AppConfig,
    #[command(flatten)]
    knowledge: KnowledgeConfig,
}

impl Cli {
    /// Parses the arguments, the environment and the configuration file of the process. Exits after help and
    /// errors, which it prints.
    pub fn from_process() -> Self {
        let arguments: Vec<_> = std::env::args_os().collect();
        let matches = command_line::parse(&Self::command(), &arguments);
        let cli = matches.and_then(|matches| Self::from_arg_matches(&matches));
        cli.unwrap_or_else(|error| error.exit())
    }

    /// Starts logging, and traces for the service. Called in the runtime of the process.
    fn start_telemetry(&self) -> anyhow::Result<()> {
        let is_service = matches!(self.command, Command::Serve(_));
        let traces = is_service.then_some(&self.traces);
        telemetry::start(&self.logging, traces, secret::OTLP_HEADERS.optional()?.as_ref())
    }

    /// Runs the command that reads a file, which needs neither a log nor a runtime; `None` for the others.
    pub fn run_confined(&self) -> Option<ExitCode> {
        match &self.command {
            Command::Extract(arguments) => Some(extraction::child::run(arguments)),
            _ => None,
        }
    }

    /// Starts logging and runs the command in a runtime of its own. Does not wait for blocking work, such as an
    /// embedding, that outlives the command.
    // In this crate, because a binary that polled the commands would compile all of their code once more.
    pub fn run(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let entered = runtime.enter();
        self.start_telemetry()?;
        drop(entered);
        let result = runtime.block_on(self.run_command());
        telemetry::end();
        runtime.shutdown_background();
        result
    }

    async fn run_command(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(arguments) => serve::run(*arguments).await,
            Command::Up(arguments) => up::run(arguments, &self.logging, self.file),
            Command::HealthCheck(arguments) => healthcheck::run(arguments).await,
            Command::Version(arguments) => version::run(&arguments),
            Command::Completions(arguments) => {
                completions::completions(&arguments, Self::command());
                Ok(())
            }
            Command::Man(arguments) => completions::man(&arguments, Self::command()),
            Command::Migrate(arguments) => migrate::run(arguments).await,
            Command::Grant(arguments) => grant::run(arguments).await,
            Command::Invite(arguments) => invite::run(arguments).await,
            Command::Ban(arguments) => ban::run(arguments).await,
            Command::Ingest(arguments) => ingest::run(*arguments).await,
            Command::Reindex(arguments) => reindex::run(*arguments).await,
            Command::Rebuild(arguments) => rebuild::run(arguments).await,
            Command::Status(arguments) => status::run(*arguments).await,
            Command::Quarantine(command) => quarantine::run(command).await,
            Command::DeadLetters(command) => dead_letters::run(command).await,
            Command::Keys(command) => keys::run(command).await,
            Command::Backup(command) => backup::run(command).await,
            Command::Restore(arguments) => restore::run(*arguments).await,
            Command::Audit(command) => audit::run(command).await,
            Command::Config(command) => Box::pin(config::run(*command)).await,
            Command::Extract(arguments) => {
                extraction::child::run(&arguments);
                Ok(())
            }
            Command::OpenApi => {
                openapi::run();
                Ok(())
            }
            Command::ConfigReference => {
                config_reference::run();
                Ok(())
            }
            Command::MetricsReference => {
                metrics_reference::run();
                Ok(())
            }
        }
    }
}
