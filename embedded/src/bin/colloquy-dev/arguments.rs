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

/// What to start.
#[derive(Debug, Subcommand)]
pub(crate) enum Mode {
    /// Colloquy with everything it needs that is not configured by a URL, until Ctrl-C.
    Run(RunArguments),
    /// The services alone, for tests and for developing against them.
    Services(ServicesArguments),
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Where data, logs and secrets are kept.
    #[arg(long, default_value = ".data")]
    pub(crate) data: PathBuf,
    /// Use temporary data and a free port, and forget both at the end.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Where the product listens.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Which language model writes the answers; an Ollama with a model, or none, unless said or `MODEL_URL` is set.
    #[arg(long, env = "MODEL")]
    pub(crate) model: Option<ModelChoice>,
    /// Run this once the product is up, with `COLLOQUY_URL` and `COLLOQUY_LOGS` set, and end with it.
    #[arg(last = true)]
    pub(crate) command: Vec<String>,
}

/// What writes the answers when no `MODEL_URL` is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModelChoice {
    /// A small model of our own: shows the streaming, answers badly.
    Small,
    /// No model: the sentences that answer the question are quoted.
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
    /// Keep the data here instead of forgetting it at the end.
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// Besides PostgreSQL start only these, in place of all.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Option<Vec<ServiceChoice>>,
    /// Run this with the services' URLs in its environment, and end with it; without, wait for Ctrl-C.
    #[arg(last = true)]
    pub(crate) command: Vec<String>,
}
