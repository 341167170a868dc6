//! `colloquy serve`: runs roles until a signal ends the process.

use std::collections::BTreeSet;

use anyhow::Context as _;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::process::App;
use crate::roles::Role;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Roles to run, separated by commas; default all.
    #[arg(long, value_enum, value_delimiter = ',')]
    role: Vec<Role>,
    /// Do not apply database migrations.
    #[arg(long)]
    no_migrate: bool,
}

pub(super) async fn run(Arguments { role, no_migrate }: Arguments) -> anyhow::Result<()> {
    let config = Config::from_env()?;
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
        store::migrate(config.database_direct_url.expose()).await?;
    }
    let app = App::new(config, roles).await?;
    app.check_master_key().await?;
    app.run(listener, cancelled_by_signal()?).await
}

/// A token that SIGINT or SIGTERM cancels.
fn cancelled_by_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let cancel = stop.clone();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        cancel.cancel();
    });
    Ok(stop)
}
