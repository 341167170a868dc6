//! The product in eight processes on services of its own: PostgreSQL, NATS, the Qdrant engine, the account
//! service, `PgBouncer` in transaction mode, and a scripted model.

use std::process::Command;

use embedded::{Auth, AuthOptions, DataDir, Nats, Parts, Pooler, Postgres, Qdrant, RateLimit, WithModel};
use sqlx::PgPool;

use super::model::Model;
use super::process::{PROCESSES, Process, Shared, with_address};
use crate::support::backbone::connect;
use crate::support::pooler::prepared_statements;
use crate::support::served::MASTER_KEY;
use crate::support::service;

/// Settings of the pooler for eight processes, which are killed and come back.
const POOLER: &str =
    "pool_mode = transaction\nmax_client_conn = 1000\ndefault_pool_size = 60\nserver_login_retry = 1\n";

/// The running system. Dropping it ends everything and removes the data.
pub(super) struct System {
    pub(super) processes: Vec<Process>,
    pub(super) pooler: Pooler,
    pub(super) auth: Auth,
    pub(super) qdrant: Qdrant,
    pub(super) nats: Nats,
    pub(super) postgres: Postgres,
    /// A connection of the campaign's own, past links and pooler.
    pub(super) pool: PgPool,
    shared: Shared,
    _model: Model,
}

impl System {
    pub(super) async fn start() -> Self {
        let data = DataDir::temporary().unwrap();
        let parts = Parts::locate(WithModel::No).await.unwrap();
        let started = tokio::join!(
            Postgres::start(&parts, &data),
            Nats::start(&parts, &data),
            Qdrant::start(&parts, &data)
        );
        let (postgres, nats, qdrant) = (started.0.unwrap(), started.1.unwrap(), started.2.unwrap());
        let database_url = postgres.create_database("campaign").await.unwrap();
        store::migrate(&database_url.as_str().into()).await.unwrap();
        let (prepared, keeping) = prepared_statements();
        let pooler = Pooler::start(&data, &database_url, &format!("{POOLER}{keeping}")).await.unwrap();
        let accounts = AuthOptions {
            database_url: database_url.clone(),
            public_url: service("COLLOQUY_TEST_PUBLIC_URL"),
            rate_limit: RateLimit::Off,
        };
        let auth = Auth::start(&accounts, &data).await.unwrap();
        let model = Model::start().await;
        let variables = vec![
            ("DATABASE_DIRECT_URL", database_url.clone()),
            ("DATABASE_PREPARED_STATEMENTS", prepared.to_string()),
            ("AUTH_DATABASE_URL", database_url.clone()),
            ("MASTER_KEY", MASTER_KEY.to_owned()),
            ("AUTH_URL", auth.url()),
            ("PUBLIC_URL", service("COLLOQUY_TEST_PUBLIC_URL")),
            ("QDRANT_URL", qdrant.url()),
            ("FILES_URL", format!("file://{}", data.path().join("files").display())),
            ("EMBEDDING_MODEL_DIR", service("EMBEDDING_MODEL_DIR")),
            ("ORT_DYLIB_PATH", service("ORT_DYLIB_PATH")),
            ("MODEL_URL", model.url.clone()),
            ("MODEL_NAME", "scripted".to_owned()),
            ("LOG", std::env::var("CHAOS_LOG").unwrap_or_else(|_| "info".to_owned())),
        ];
        let database = pooler.address();
        let pool = connect(&database_url, 2);
        let shared = Shared { data, database_url, database, nats: nats.address(), variables };
        let mut processes = Vec::new();
        for (name, role) in PROCESSES {
            processes.push(Process::start(&shared, name, role).await);
        }
        Self { processes, pooler, auth, qdrant, nats, postgres, pool, shared, _model: model }
    }

    /// Base URLs of the api processes.
    pub(super) fn apis(&self) -> Vec<String> {
        self.processes.iter().filter_map(Process::url).collect()
    }

    /// The folder with the data of all services, and their logs.
    pub(super) const fn data(&self) -> &DataDir {
        &self.shared.data
    }

    /// A command line of the product, past links and pooler.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_colloquy"));
        command
            .envs(self.shared.variables.iter().map(|(name, value)| (name, value)))
            .env("DATABASE_URL", with_address(&self.shared.database_url, self.postgres.address()))
            .env("NATS_URL", self.nats.url())
            .args(arguments)
            .stdin(std::process::Stdio::null());
        command
    }

    /// Peak memory of each running process, in words.
    pub(super) fn memory(&self) -> String {
        let processes = self.processes.iter();
        let used = processes.filter_map(|process| {
            Some(format!("{} {} MiB", process.service.name(), process.peak_bytes()? >> 20))
        });
        used.collect::<Vec<_>>().join(", ")
    }

    /// Ends everything in order, so that every byte is on disk. Returns what did not end well.
    pub(super) async fn stop(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for process in &self.processes {
            if let Err(error) = process.service.stop().await {
                complaints.push(format!("{} was not stopped: {error}", process.service.name()));
            }
        }
        let services = [&*self.pooler, &*self.auth, &*self.qdrant, &*self.nats];
        for service in services {
            service.stop().await.unwrap();
        }
        self.pool.close().await;
        self.postgres.stop().await.unwrap();
        complaints
    }
}
