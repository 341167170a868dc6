//! `colloquy serve`: runs roles until a signal ends the process.

use std::collections::BTreeSet;

use anyhow::Context as _;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Config, secret};
use crate::process::App;
use crate::roles::Role;
use crate::runtime::supervisor::Shutdown;

#[derive(Debug, Args)]
#[command(after_help = secret::help(secret::ALL))]
pub(super) struct Arguments {
    /// Roles to run, separated by commas; default all.
    #[arg(long, value_enum, value_delimiter = ',')]
    role: Vec<Role>,
    /// Do not apply database migrations; wait until another process has applied them.
    #[arg(long)]
    no_migrate: bool,
    #[command(flatten)]
    config: Config,
}

pub(super) async fn run(Arguments { role, no_migrate, config }: Arguments) -> anyhow::Result<()> {
    let roles: BTreeSet<Role> = if role.is_empty() { Role::ALL.into() } else { role.into_iter().collect() };
    let listener = if roles.contains(&Role::Api) {
        let address = config.api.listen;
        Some(
            TcpListener::bind(address)
                .await
                .with_context(|| format!("address {address} is not available"))?,
        )
    } else {
        None
    };
    if !no_migrate {
        store::migrate(&config.database_direct_url).await?;
    }
    let app = App::new(config.app.clone(), roles).await?;
    let shutdown = shutdown_by_signals()?;
    match shutdown.drain.run_until_cancelled(app.wait_for_schema()).await {
        Some(checked) => checked?,
        None => return Ok(()),
    }
    app.check_master_key().await?;
    app.check_time_limits().await?;
    app.run(config, listener, shutdown).await
}

/// The first SIGINT or SIGTERM drains the process, the second aborts it.
fn shutdown_by_signals() -> anyhow::Result<Shutdown> {
    let shutdown = Shutdown::default();
    let Shutdown { drain, abort } = shutdown.clone();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        for token in [drain, abort] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            token.cancel();
        }
    });
    Ok(shutdown)
}
