//! `colloquy-dev run`: starts the product with every service that it needs; `make run` calls it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use embedded::{
    DataDir, Environment, Kind, Options, Parts, Program, RateLimit, Readiness, Service, Services, WithModel,
    binary_beside_this, free_port, repository,
};

use crate::arguments::RunArguments;
use crate::end_signals::until_asked_to_end;
use crate::environment::{Variables, configured, for_product, text};
use crate::services::first_failure;
use crate::terminal::{note, tell};
use crate::{command, knowledge, language_model};

/// The product and its services. Fields are dropped in this order, so the product is stopped first.
struct Running {
    product: Service,
    services: Services,
    data: DataDir,
    variables: Variables,
    public_url: String,
}

/// Starts everything, then runs the command to its end. Without a command: waits for a signal to end, or for
/// the failure of a service or the product.
pub(crate) async fn run(arguments: RunArguments) -> Result<ExitCode> {
    let Some(running) = until_asked_to_end(start(&arguments)).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    if !arguments.command.is_empty() {
        let mut variables = running.variables.clone();
        variables.push(("COLLOQUY_URL", running.public_url.clone()));
        variables.push(("COLLOQUY_LOGS", text(&running.data.logs())));
        knowledge::ingest_once(&running.data, &running.variables).await?;
        return command::run(&arguments.command, &variables, &running.services, Some(&running.product)).await;
    }
    tell(format!("\n  Colloquy is at {}\n\n  Ctrl-C ends it.", running.public_url));
    let work = async {
        tokio::select! {
            failure = first_failure(&running.services, Some(&running.product)) => Err::<(), _>(failure.into()),
            problem = teach(&running) => Err(problem),
        }
    };
    until_asked_to_end(work).await?;
    drop(running);
    tell("All services have ended.");
    Ok(ExitCode::SUCCESS)
}

async fn start(arguments: &RunArguments) -> Result<Running> {
    let began = Instant::now();
    let listen = if arguments.fresh { free_port()? } else { arguments.listen };
    must_be_free(listen)?;
    let public_url =
        configured("PUBLIC_URL").unwrap_or_else(|| format!("http://localhost:{}", listen.port()));
    let data = if arguments.fresh { DataDir::temporary()? } else { DataDir::open(&arguments.data)? };
    let model = language_model::choose(arguments.model).await;
    let with_model = if model.is_small() { WithModel::Yes } else { WithModel::No };
    let parts = Parts::locate(with_model).await?;
    let options = options(with_model, &public_url);
    tell(format!("  starting {}", names(&options)));
    let services = Services::start(&options, &parts, &data).await?;
    let mut variables = for_product(&services, &parts);
    variables.extend(model.variables());
    variables.extend(own_settings(&data, listen, &public_url)?);
    tell("  starting colloquy");
    let product = start_product(&data, listen, &variables).await?;
    tell(format!("  ready after {:.1} s", began.elapsed().as_secs_f32()));
    tell(format!("  answers   {}", model.description()));
    tell(format!("  data      {}", data.path().display()));
    tell(format!("  logs      {}", data.logs().display()));
    Ok(Running { product, services, data, variables, public_url })
}

fn options(with_model: WithModel, public_url: &str) -> Options {
    let mut start = Vec::new();
    for (kind, name) in [(Kind::Nats, "NATS_URL"), (Kind::Qdrant, "QDRANT_URL"), (Kind::Auth, "AUTH_URL")] {
        if configured(name).is_none() {
            start.push(kind);
        }
    }
    if with_model == WithModel::Yes {
        start.push(Kind::Llama);
    }
    Options {
        database_url: configured("DATABASE_URL"),
        start,
        public_url: public_url.to_owned(),
        // On loopback all clients share one address.
        rate_limit: match configured("AUTH_RATE_LIMIT").as_deref() {
            Some("on") => RateLimit::On,
            _ => RateLimit::Off,
        },
    }
}

fn names(options: &Options) -> String {
    let mut names = Vec::new();
    if options.database_url.is_none() {
        names.push("PostgreSQL");
    }
    names.extend(options.start.iter().map(|kind| match kind {
        Kind::Nats => "NATS",
        Kind::Qdrant => "the Qdrant engine",
        Kind::Auth => "Better Auth",
        Kind::Llama => "llama.cpp",
    }));
    names.join(", ")
}

/// The settings of the product beyond the addresses of the services, as far as they are not configured.
fn own_settings(data: &DataDir, listen: SocketAddr, public_url: &str) -> Result<Variables> {
    let mut variables = vec![("LISTEN", listen.to_string()), ("PUBLIC_URL", public_url.to_owned())];
    if configured("MASTER_KEY").or_else(|| configured("MASTER_KEY_FILE")).is_none() {
        variables.push(("MASTER_KEY_FILE", text(&data.secret("master_key")?.0)));
    }
    if configured("FILES_URL").is_none() {
        variables.push(("FILES_URL", format!("file://{}", text(&data.path().join("files")))));
    }
    if configured("WEB_DIR").is_none() {
        variables.push(("WEB_DIR", text(&repository()?.join("web").join("dist"))));
    }
    Ok(variables)
}

async fn start_product(data: &DataDir, listen: SocketAddr, variables: &Variables) -> Result<Service> {
    let mut address = listen;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let mut program =
        Program::new("colloquy", binary_beside_this("colloquy")?, address, Readiness::Answers("/livez"))
            .argument("serve")
            .directory(repository()?)
            .environment(Environment::Inherited)
            .start_within(Duration::from_mins(1))
            .stop_within(Duration::from_secs(30));
    for (name, value) in variables {
        program = program.variable(name, value);
    }
    Ok(Service::start_new(data, program).await?)
}

/// Adds the project's own documents to the knowledge at the first start. Reports a failure and never returns.
async fn teach(running: &Running) -> anyhow::Error {
    if let Err(problem) = knowledge::ingest_once(&running.data, &running.variables).await {
        note(format!(
            "  the documents in docs/ are not indexed yet, the next start tries again: {problem:#}"
        ));
    }
    std::future::pending().await
}

fn must_be_free(listen: SocketAddr) -> Result<()> {
    let Err(problem) = TcpListener::bind(listen) else {
        return Ok(());
    };
    if problem.kind() == std::io::ErrorKind::AddrInUse {
        bail!(
            "another program listens on {listen}; choose another port, for example LISTEN={}:{} make run",
            listen.ip(),
            listen.port().wrapping_add(1)
        );
    }
    Err(problem).with_context(|| format!("{listen} cannot be listened on"))
}
