//! `colloquy serve`: runs roles until a signal ends the process.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::admin;
use crate::cli::signals::EndSignals;
use crate::config::{Config, secret};
use crate::process::App;
use crate::roles::Role;
use crate::roles::account_service::AccountService;
use crate::runtime::supervisor::{Shutdown, Stage, Supervisor};

/// Time that the roles (two thirds of it) and what runs beside them have to end.
const GRACE: Duration = Duration::from_secs(27);

#[derive(Debug, Args)]
#[command(after_help = secret::help(&secret::of_serve()))]
pub(super) struct Arguments {
    /// Roles to run, separated by commas; default all.
    #[arg(long, value_enum, value_delimiter = ',')]
    role: Vec<Role>,
    /// Do not apply database migrations; wait until another process has applied them.
    #[arg(long)]
    no_migrate: bool,
    /// Script of an account service to run beside the roles and to start again when it ends.
    #[arg(long)]
    account_service: Option<PathBuf>,
    /// Node.js, which runs it.
    #[arg(long, default_value = "node")]
    node: PathBuf,
    #[command(flatten)]
    config: Config,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { role, no_migrate, account_service, node, config } = arguments;
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
    // Beside the migrations, so that both are ready at the same time.
    let mut companions = Companions::default();
    if let Some(script) = account_service {
        let service = AccountService::new(node, script, &config);
        companions.run("account_service", |stop| service.run(stop));
    }
    if !no_migrate {
        store::migrate(&config.database_direct_url).await?;
    }
    let app = App::new(config.app.clone(), roles).await?;
    app.check_pooler().await?;
    let shutdown = shutdown_by_signals()?;
    let port = admin::listen(config.admin_listen).await?;
    let health = app.health(&config, port.local_addr()?)?;
    companions.run("admin", |stop| admin::serve(port, health.clone(), config.api.clone(), stop));
    match shutdown.drain.run_until_cancelled(app.wait_for_schema()).await {
        Some(checked) => checked?,
        None => return Ok(()),
    }
    app.check_master_key().await?;
    app.check_time_limits().await?;
    let roles = app.run(config, listener, health, shutdown.clone());
    companions.beside(roles, shutdown).await
}

/// Tasks that run beside the roles, and end after them.
#[derive(Default)]
struct Companions {
    supervisor: Supervisor,
}

impl Companions {
    fn run<F>(&mut self, name: &'static str, companion: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let companion = companion(self.supervisor.token(Stage::Background));
        self.supervisor.spawn(name, Stage::Background, async {
            companion.await;
            Ok(())
        });
    }

    async fn beside(
        mut self,
        roles: impl Future<Output = anyhow::Result<()>> + Send + 'static,
        shutdown: Shutdown,
    ) -> anyhow::Result<()> {
        self.supervisor.spawn("roles", Stage::Intake, roles);
        self.supervisor.run(shutdown, GRACE).await
    }
}

/// The first SIGINT or SIGTERM drains the process, the second aborts it.
fn shutdown_by_signals() -> anyhow::Result<Shutdown> {
    let shutdown = Shutdown::default();
    let Shutdown { drain, abort } = shutdown.clone();
    let mut signals = EndSignals::listen()?;
    tokio::spawn(async move {
        for token in [drain, abort] {
            signals.next().await;
            token.cancel();
        }
    });
    Ok(shutdown)
}
