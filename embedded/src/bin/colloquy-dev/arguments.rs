//! The command line of colloquy-dev. Only describes it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Starts the real services that Colloquy runs on during development and tests, and Colloquy itself.
#[derive(Debug, Parser)]
#[command(name = "colloquy-dev", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) mode: Mode,
}

/// The mode of operation.
#[derive(Debug, Subcommand)]
pub(crate) enum Mode {
    /// Start Colloquy with every service that no URL is configured for, until Ctrl-C.
    Run(RunArguments),
    /// Start the services alone, for tests and for development against them.
    Services(ServicesArguments),
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Folder for data, logs and secrets.
    #[arg(long, default_value = ".data")]
    pub(crate) data: PathBuf,
    /// Use a temporary data folder and a free port; remove the data at the end.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Address on which Colloquy listens.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Language model for the answers. Default: `MODEL_URL`, else a model of a local Ollama, else none.
    #[arg(long, env = "MODEL")]
    pub(crate) model: Option<ModelChoice>,
    /// Command to run when Colloquy is ready, with `COLLOQUY_URL` and `COLLOQUY_LOGS` set; ends with it.
    #[arg(last = true)]
    pub(crate) command: Vec<String>,
}

/// A language model for the case that no `MODEL_URL` is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModelChoice {
    /// A small model that set-up fetches: shows the streaming, answers badly.
    Small,
    /// No model: Colloquy quotes the sentences that answer the question.
    Quotes,
}

/// A service beside PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServiceChoice {
    /// nats-server with JetStream.
    Nats,
    /// The Qdrant engine.
    Qdrant,
    /// Better Auth.
    Auth,
    /// llama.cpp with a small model.
    Llama,
}

/// Arguments of `services`.
#[derive(Debug, Args)]
pub(crate) struct ServicesArguments {
    /// Folder in which the data is kept; without it the data is temporary.
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// Start only these services beside PostgreSQL.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Option<Vec<ServiceChoice>>,
    /// Command to run with the services' URLs in its environment; ends with it. Without a command: wait for
    /// Ctrl-C.
    #[arg(last = true)]
    pub(crate) command: Vec<String>,
}
