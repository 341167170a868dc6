//! Starts what the command line asks for.

use std::collections::BTreeSet;
use std::process::ExitCode;

use aggregates::Position;
use anyhow::{Context as _, bail};
use clap::Parser as _;
use colloquy::app::App;
use colloquy::audit::command_line::{self, AuditCommand};
use colloquy::cli::{Cli, Command, GrantedRole, KeysCommand, Role};
use colloquy::config::Config;
use colloquy::store::MasterKeyError;
use colloquy::{http, ingest, rebuild, reindex, restore, store, telemetry};
use indicatif::{ProgressBar, ProgressStyle};
use projections::{Difference, ReadModel};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// One for each read model, and some to read by.
const REBUILD_CONNECTIONS: u32 = 8;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    telemetry::start();
    match run(cli.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("colloquy: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve { role, no_migrate } => serve(role, no_migrate).await,
        Command::Migrate => store::migrate(Config::from_env()?.database_direct_url.expose()).await,
        Command::Grant { email, role } => grant(&email, role).await,
        Command::Ingest { paths } => {
            let config = Config::from_env()?;
            let app = App::new(config.clone(), BTreeSet::new()).await?;
            let report = ingest::run(&config.worker, app.store(4)?, app.wake(), &paths).await?;
            match report.rejected.len() {
                0 => Ok(()),
                1 => bail!("1 file was rejected"),
                rejected => bail!("{rejected} files were rejected"),
            }
        }
        Command::Reindex => reindex_all().await,
        Command::Rebuild { read_model, check, .. } => rebuild_models(read_model.as_deref(), check).await,
        Command::Keys { command: KeysCommand::RotateMaster } => rotate_master_key().await,
        Command::Restore => restore_all().await,
        Command::Audit { command } => audit(command).await,
        Command::Openapi => {
            println!("{}", http::openapi());
            Ok(())
        }
    }
}

async fn serve(roles: Vec<Role>, no_migrate: bool) -> anyhow::Result<()> {
    let config = Config::from_env()?;
    let roles: BTreeSet<Role> = if roles.is_empty() { Role::ALL.into() } else { roles.into_iter().collect() };
    let listener = if roles.contains(&Role::Api) {
        let address = config.api.listen;
        Some(TcpListener::bind(address).await.with_context(|| format!("failed to listen on {address}"))?)
    } else {
        None
    };
    if !no_migrate {
        store::migrate(config.database_direct_url.expose()).await?;
    }
    let app = App::new(config, roles).await?;
    check_master_key(&app).await?;
    let stop = CancellationToken::new();
    let asked = stop.clone();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        asked.cancel();
    });
    app.run(listener, stop).await
}

/// With the wrong master key nothing is served. A database that is away is waited for by who needs it.
async fn check_master_key(app: &App) -> anyhow::Result<()> {
    match app.keyring().check_master_key().await {
        Err(MasterKeyError::Store(error)) if error.is_away() => {
            tracing::warn!(%error, "the master key could not be checked");
            Ok(())
        }
        checked => Ok(checked?),
    }
}

async fn rotate_master_key() -> anyhow::Result<()> {
    let app = App::new(Config::from_env()?, BTreeSet::new()).await?;
    let bar = ProgressBar::new_spinner().with_message("keys wrapped anew");
    let rotated = app.keyring().rotate_master_key(|rotated| bar.set_position(rotated)).await?;
    bar.finish_and_clear();
    println!(
        "{rotated} keys were wrapped anew. The previous master key is needed no more, but by older backups."
    );
    Ok(())
}

async fn grant(email: &str, role: GrantedRole) -> anyhow::Result<()> {
    let config = Config::from_env()?;
    let name = match role {
        GrantedRole::User => "user",
        GrantedRole::Auditor => "auditor",
        GrantedRole::Admin => "admin",
    };
    let pool = store::connect(config.auth_database_url.expose(), 1)?;
    if !store::grant(&pool, email, name).await? {
        bail!("there is no account with this e-mail address");
    }
    println!("Done. It counts from the account's next token on, in 15 minutes at most.");
    Ok(())
}

async fn restore_all() -> anyhow::Result<()> {
    let config = Config::from_env()?;
    let app = App::new(config.clone(), BTreeSet::new()).await?;
    check_master_key(&app).await?;
    let progress = |position: Position, goal: Position| eprintln!("{position} of {goal}");
    let store = app.store(REBUILD_CONNECTIONS)?;
    let position = restore::restore(&store, app.nats(), app.subjects(), progress).await?;
    app.wake().notify();
    println!("Streams and read models are as of position {position}.");
    let done = reindex::run(&config.worker, store, app.wake()).await?;
    println!("Done: {} documents were indexed again.", done.documents);
    Ok(())
}

async fn reindex_all() -> anyhow::Result<()> {
    let config = Config::from_env()?;
    let app = App::new(config.clone(), BTreeSet::new()).await?;
    let done = reindex::run(&config.worker, app.store(4)?, app.wake()).await?;
    println!("Answers come from {}; {} documents were written to it.", done.collection, done.documents);
    if let Some(replaced) = done.replaced {
        println!("{replaced} was deleted.");
    }
    Ok(())
}

/// An export is checked without any configuration.
async fn audit(command: AuditCommand) -> anyhow::Result<()> {
    if let AuditCommand::Verify { export: Some(path), after, public_key, .. } = &command {
        return command_line::verify_export(path, *after, public_key.as_deref());
    }
    let app = App::new(Config::from_env()?, BTreeSet::new()).await?;
    command_line::run(&app, command).await
}

async fn rebuild_models(name: Option<&str>, check: bool) -> anyhow::Result<()> {
    let models = match name {
        None => ReadModel::ALL.to_vec(),
        Some(name) => vec![ReadModel::named(name).with_context(|| {
            let names: Vec<_> = ReadModel::ALL.iter().map(|model| model.name()).collect();
            format!("there is no read model {name}; there are {}", names.join(", "))
        })?],
    };
    let app = App::new(Config::from_env()?, BTreeSet::new()).await?;
    let store = app.store(REBUILD_CONNECTIONS)?;
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
        "{bar:40} {human_pos} of {human_len} events, {per_sec}, {eta} left",
    )?);
    let progress = |position: Position, goal: Position| {
        bar.set_length(goal.0);
        bar.set_position(position.0);
    };
    if !check {
        rebuild::rebuild(&store, &models, progress).await?;
        bar.finish();
        return Ok(());
    }
    let checked = rebuild::check(&store, &models, progress).await?;
    bar.finish();
    report_differences(&checked)
}

fn report_differences(checked: &[(ReadModel, Vec<Difference>)]) -> anyhow::Result<()> {
    for (model, differences) in checked {
        match differences.len() {
            0 => println!("{}: equal, row by row", model.name()),
            _ => println!("{}: differs", model.name()),
        }
        for difference in differences {
            let side = if difference.live { "only live:   " } else { "only rebuilt:" };
            println!("  {side} {}", difference.row);
        }
    }
    if checked.iter().any(|(_, differences)| !differences.is_empty()) {
        bail!("read models differ from their ledger; `colloquy rebuild` puts them right");
    }
    Ok(())
}
