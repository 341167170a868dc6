//! `colloquy-qdrant`: the Qdrant engine behind Qdrant's gRPC, for development and tests.
//!
//! Reads the command line, prepares the process and hands over to [`server`]. What the calls mean lives in
//! [`collections`] and [`points`]; where the data lies and how it stays whole, in [`catalog`] and [`shard`].

mod catalog;
mod collections;
mod convert;
mod failure;
mod points;
mod server;
mod shard;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::catalog::Catalog;

/// Searches that may run at once, and the writes beside them. Searching is bound by the processor.
const BLOCKING_THREADS: usize = 6;

/// The Qdrant engine behind Qdrant's gRPC, for development and tests.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Where to listen; port 0 takes a free one, which the line on standard output tells.
    #[arg(long, default_value = "127.0.0.1:6334")]
    listen: SocketAddr,
    /// The folder that keeps the collections; created when missing.
    #[arg(long)]
    data: PathBuf,
    /// What to log to standard error, as in `warn,colloquy_qdrant=debug`.
    #[arg(long, env = "LOG", default_value = "warn,qdrant_edge::common=error,colloquy_qdrant=info")]
    log: EnvFilter,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("colloquy-qdrant: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(options.log)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()
        .context("failed to start the runtime")?
        .block_on(serve(options.listen, options.data))
}

async fn serve(listen: SocketAddr, data: PathBuf) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for SIGINT")?;
    let catalog = Arc::new(Catalog::open(&data).await?);
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("failed to listen on {listen}"))?;
    println!("listening on {}", listener.local_addr()?);
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let served = server::run(listener, Arc::clone(&catalog), stop).await;
    catalog.close().await;
    served
}
