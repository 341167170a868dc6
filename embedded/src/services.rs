//! All services together, for `colloquy-dev`: started concurrently, stopped in order.

use crate::{
    Auth, AuthOptions, DataDir, Error, Llama, Nats, Parts, Postgres, Qdrant, RateLimit, Result, Service,
};

/// The database of Colloquy and the account service.
const DATABASE: &str = "colloquy";

/// A service that is started on request, beside PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// nats-server.
    Nats,
    /// The Qdrant engine.
    Qdrant,
    /// The account service.
    Auth,
    /// llama.cpp's server.
    Llama,
}

/// The services to start. Services that run elsewhere are omitted.
#[derive(Debug, Clone)]
pub struct Options {
    /// A database that runs elsewhere; without it, PostgreSQL is started.
    pub database_url: Option<String>,
    /// The services to start beside PostgreSQL.
    pub start: Vec<Kind>,
    /// The origin that browsers see, for the account service.
    pub public_url: String,
    /// Whether sign-ins are limited by client address.
    pub rate_limit: RateLimit,
}

/// The running services. Dropping stops each of them; [`Services::stop`] stops them in order.
#[derive(Debug)]
pub struct Services {
    /// The language model server, if requested.
    pub llama: Option<Llama>,
    /// The account service, unless it runs elsewhere.
    pub auth: Option<Auth>,
    /// The Qdrant engine, unless it runs elsewhere.
    pub qdrant: Option<Qdrant>,
    /// nats-server, unless it runs elsewhere.
    pub nats: Option<Nats>,
    /// PostgreSQL, unless it runs elsewhere.
    pub postgres: Option<Postgres>,
    /// The database's URL for Colloquy.
    pub database_url: String,
}

impl Services {
    /// Starts the services and waits until all are ready. After a failure, all of them are stopped.
    pub async fn start(options: &Options, parts: &Parts, data: &DataDir) -> Result<Self> {
        let wanted = |kind| options.start.contains(&kind);
        let database = async {
            if let Some(url) = &options.database_url {
                return Ok((None, url.clone()));
            }
            let postgres = Postgres::start(parts, data).await?;
            let url = postgres.create_database(DATABASE).await?;
            Ok::<_, Error>((Some(postgres), url))
        };
        let ((postgres, database_url), nats, qdrant, llama) = tokio::try_join!(
            database,
            when(wanted(Kind::Nats), || Nats::start(parts, data)),
            when(wanted(Kind::Qdrant), || Qdrant::start(parts, data)),
            when(wanted(Kind::Llama), || Llama::start(parts, data)),
        )?;
        let auth_options = AuthOptions {
            database_url: database_url.clone(),
            public_url: options.public_url.clone(),
            rate_limit: options.rate_limit,
        };
        let auth = when(wanted(Kind::Auth), || Auth::start(&auth_options, data)).await?;
        Ok(Self { llama, auth, qdrant, nats, postgres, database_url })
    }

    /// The running services, in the order in which they are stopped.
    pub fn all(&self) -> Vec<&Service> {
        [
            self.llama.as_deref(),
            self.auth.as_deref(),
            self.qdrant.as_deref(),
            self.nats.as_deref(),
            self.postgres.as_deref(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The failure of a service that ended without being stopped, if there is one.
    pub fn failure(&self) -> Option<Error> {
        self.all().into_iter().find_map(Service::failure)
    }

    /// Stops all services in order: the database last.
    pub async fn stop(&self) -> Result<()> {
        for service in self.all() {
            service.stop().await?;
        }
        Ok(())
    }
}

async fn when<T, F>(wanted: bool, start: impl FnOnce() -> F) -> Result<Option<T>>
where
    F: Future<Output = Result<T>>,
{
    if wanted { start().await.map(Some) } else { Ok(None) }
}
