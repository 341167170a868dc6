//! The product as a whole, in this process, on a database and subjects of its own.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use colloquy::config::{ApiConfig, Config, Secret, WorkerConfig};
use colloquy::process::App;
use colloquy::roles::Role;
use colloquy::runtime::supervisor::Shutdown;
use store;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::backbone::{master_key, new_database};
use super::{files_url, service};

/// A running product.
pub(crate) struct Product {
    pub(crate) url: String,
    pub(crate) config: Config,
    pub(crate) shutdown: Shutdown,
    running: JoinHandle<anyhow::Result<()>>,
}

impl Product {
    /// All roles but the worker.
    pub(crate) async fn start() -> Self {
        Self::with(&[Role::Api, Role::Sequencer, Role::Projector]).await
    }

    /// The roles given, on services of the run.
    pub(crate) async fn with(roles: &[Role]) -> Self {
        Self::on(configuration(new_database().await), roles).await
    }

    /// The roles given, on any services.
    pub(crate) async fn on(config: Config, roles: &[Role]) -> Self {
        store::migrate(&config.database_direct_url.expose().into()).await.unwrap();
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let roles: BTreeSet<Role> = roles.iter().copied().collect();
        let app = App::new(config.clone(), roles).await.unwrap();
        let shutdown = Shutdown::default();
        let running = tokio::spawn(app.run(Some(listener), shutdown.clone()));
        Self { url, config, shutdown, running }
    }

    /// Ends it as an operator would, and waits until it has ended.
    pub(crate) async fn end(mut self) {
        self.shutdown.drain.cancel();
        (&mut self.running).await.unwrap().unwrap();
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        self.shutdown.drain.cancel();
    }
}

/// A configuration for services of the run, with subjects of its own.
pub(crate) fn configuration(database_url: String) -> Config {
    Config {
        database_direct_url: Secret::new(database_url.clone()),
        database_url: Secret::new(database_url),
        database_connections: 8,
        auth_database_url: Secret::new(service("COLLOQUY_TEST_AUTH_DATABASE_URL")),
        nats_url: Secret::new(service("COLLOQUY_TEST_NATS_URL")),
        nats_prefix: format!("t{}", Uuid::now_v7().simple()),
        master_key: master_key(),
        master_key_previous: None,
        retention_days: None,
        api: ApiConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: service("COLLOQUY_TEST_PUBLIC_URL"),
            web_dir: None,
            auth_url: service("COLLOQUY_TEST_AUTH_URL"),
            auth_issuer: "colloquy".into(),
            auth_audience: "colloquy".into(),
            cors_origins: vec![],
            rate_limit: 0,
            audit_signing_key: None,
        },
        worker: WorkerConfig {
            qdrant_url: service("COLLOQUY_TEST_QDRANT_URL"),
            qdrant_api_key: None,
            qdrant_prefix: "passages".to_owned(),
            embedding: None,
            embedding_previous: None,
            files_url: files_url(),
            embedding_model_dir: PathBuf::from(service("EMBEDDING_MODEL_DIR")),
            ort_dylib_path: PathBuf::from(service("ORT_DYLIB_PATH")),
            model: None,
            concurrency: 4,
        },
    }
}
