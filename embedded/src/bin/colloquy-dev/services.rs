//! `colloquy-dev services`: starts the services without the product, for tests and development.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::ValueEnum as _;
use embedded::{DataDir, Error, Kind, Options, Parts, RateLimit, Service, Services, WithModel};

use crate::arguments::{ServiceChoice, ServicesArguments};
use crate::end_signals::until_asked_to_end;
use crate::terminal::{note, tell};
use crate::{command, environment};

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The public origin in the settings of the account service of the tests.
const PUBLIC_URL: &str = "http://localhost:8080";

/// Starts the services, then runs the command to its end. Without a command: waits for a signal to end.
pub(crate) async fn services(arguments: ServicesArguments) -> Result<ExitCode> {
    let began = Instant::now();
    let kinds = kinds(arguments.only.as_deref());
    let with_model = if kinds.contains(&Kind::Llama) { WithModel::Yes } else { WithModel::No };
    let options = Options {
        database_url: None,
        start: kinds,
        public_url: PUBLIC_URL.to_owned(),
        rate_limit: RateLimit::Off,
    };
    let start = async {
        let parts = Parts::locate(with_model).await?;
        let data = arguments.data.as_deref().map_or_else(DataDir::temporary, DataDir::open)?;
        let services = Services::start(&options, &parts, &data).await?;
        Ok((parts, data, services))
    };
    let Some((parts, data, services)) = until_asked_to_end(start).await? else {
        return Ok(ExitCode::FAILURE);
    };
    note(format!(
        "Services are ready after {:.1} s; logs in {}",
        began.elapsed().as_secs_f32(),
        data.logs().display()
    ));
    let variables = environment::for_tests(&services, &parts, &data, PUBLIC_URL);
    let outcome = if arguments.command.is_empty() {
        for (name, value) in &variables {
            tell(format!("export {name}={value}"));
        }
        wait(&services).await
    } else {
        command::run(&arguments.command, &variables, &services, None).await
    };
    services.stop().await?;
    outcome
}

fn kinds(only: Option<&[ServiceChoice]>) -> Vec<Kind> {
    let kind = |choice: &ServiceChoice| match choice {
        ServiceChoice::Nats => Kind::Nats,
        ServiceChoice::Qdrant => Kind::Qdrant,
        ServiceChoice::Auth => Kind::Auth,
        ServiceChoice::Llama => Kind::Llama,
    };
    only.unwrap_or(ServiceChoice::value_variants()).iter().map(kind).collect()
}

async fn wait(services: &Services) -> Result<ExitCode> {
    let watch = async { Err::<(), _>(first_failure(services, None).await.into()) };
    until_asked_to_end(watch).await?;
    Ok(ExitCode::SUCCESS)
}

/// Waits until one of `services`, or `product`, ends without being stopped, and returns the reason.
pub(crate) async fn first_failure(services: &Services, product: Option<&Service>) -> Error {
    loop {
        // The services first: the failure of a service is the cause of the product's failure.
        let failure = services.failure().or_else(|| product.and_then(Service::failure));
        if let Some(failure) = failure {
            return failure;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
