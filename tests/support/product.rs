//! The product as a whole, in this process, on a database and subjects of its own.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use colloquy::admin;
use colloquy::config::{
    ApiConfig, AppConfig, Config, ConnectionLimits, Continuation, EmbeddingConfig, ExtractionConfig,
    FilesConfig, KnowledgeConfig, LimitsConfig, MetricsConfig, ModelConfig, NatsConfig, ProjectionConfig,
    QdrantConfig, WorkerConfig,
};
use colloquy::process::App;
use colloquy::roles::Role;
use colloquy::runtime::supervisor::Shutdown;
use futures::future::LocalBoxFuture;
use serde_json::Value;
use store::{AccountsSchema, PreparedStatements};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::backbone::{master_key, new_database};
use super::model_server::ModelServer;
use super::{files_url, service};

/// A running product.
pub(crate) struct Product {
    pub(crate) url: String,
    /// The operator's port.
    pub(crate) admin: String,
    pub(crate) config: Config,
    pub(crate) shutdown: Shutdown,
    running: JoinHandle<anyhow::Result<()>>,
    /// Closes the operator's port.
    _closed: DropGuard,
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
    pub(crate) fn on(config: Config, roles: &[Role]) -> LocalBoxFuture<'_, Self> {
        // A configuration is large, and tests start several products.
        Box::pin(Self::begin(config, roles))
    }

    async fn begin(config: Config, roles: &[Role]) -> Self {
        store::migrate(&config.database_direct_url).await.unwrap();
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let roles: BTreeSet<Role> = roles.iter().copied().collect();
        let app = App::new(config.app.clone(), roles).await.unwrap();
        let shutdown = Shutdown::default();
        let port = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = port.local_addr().unwrap();
        let health = app.health(&config, address).unwrap();
        let closed = CancellationToken::new();
        tokio::spawn(admin::serve(port, health.clone(), config.api.clone(), closed.clone()));
        let running = tokio::spawn(app.run(config.clone(), Some(listener), health, shutdown.clone()));
        let closed = closed.drop_guard();
        Self { url, admin: format!("http://{address}"), config, shutdown, running, _closed: closed }
    }

    /// The readiness as operators see it: status and body.
    pub(crate) async fn readiness(&self) -> (u16, Value) {
        let response = reqwest::get(format!("{}/readyz", self.admin)).await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// The metrics.
    pub(crate) async fn metrics(&self) -> String {
        reqwest::get(format!("{}/metrics", self.admin)).await.unwrap().text().await.unwrap()
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

/// Whether statements stay prepared. `COLLOQUY_TEST_PREPARED_STATEMENTS=off` runs all tests without.
pub(crate) fn prepared_statements() -> PreparedStatements {
    std::env::var("COLLOQUY_TEST_PREPARED_STATEMENTS")
        .map_or_else(|_| PreparedStatements::default(), |word| word.parse().unwrap())
}

/// A configuration for services of the run, with subjects of its own.
pub(crate) fn configuration(database_url: String) -> Config {
    Config {
        database_direct_url: database_url.clone().into(),
        auth_database_url: service("COLLOQUY_TEST_AUTH_DATABASE_URL").into(),
        auth_schema: AccountsSchema::default(),
        app: AppConfig {
            database_url: database_url.into(),
            database_prepared_statements: prepared_statements(),
            nats_url: service("COLLOQUY_TEST_NATS_URL").into(),
            nats_prefix: format!("t{}", Uuid::now_v7().simple()),
            nats: NatsConfig::default(),
            master_key: master_key(),
            master_key_previous: None,
            audit_signing_key: None,
        },
        api: ApiConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: service("COLLOQUY_TEST_PUBLIC_URL").parse().unwrap(),
            trusted_proxies: vec![],
            web_dir: None,
            cors_origins: vec![],
            connections: ConnectionLimits::default(),
            database_connections: 8,
            auth_url: service("COLLOQUY_TEST_AUTH_URL"),
            auth_issuer: "colloquy".into(),
            auth_audience: "colloquy".into(),
            limits: LimitsConfig::default(),
        },
        admin_listen: None,
        metrics: MetricsConfig::On,
        projection: ProjectionConfig { quarantine_limit: projections::quarantine::DEFAULT_LIMIT },
        knowledge: knowledge_config(),
        worker: worker_config(None),
    }
}

/// The index and the embedding model of the run, and a file store of its own.
pub(crate) fn knowledge_config() -> KnowledgeConfig {
    KnowledgeConfig {
        qdrant: QdrantConfig::new(service("COLLOQUY_TEST_QDRANT_URL"), "passages"),
        embedding: EmbeddingConfig {
            embedding_model_dir: PathBuf::from(service("EMBEDDING_MODEL_DIR")),
            ort_dylib_path: PathBuf::from(service("ORT_DYLIB_PATH")),
            embedding_previous_model_dir: None,
            embedding_query_prefix: None,
            embedding_passage_prefix: None,
            embedding_pooling: None,
            embedding_max_tokens: None,
            embedding_url: None,
            embedding_name: None,
            embedding_api_key: None,
            embedding_batch: 32,
            embedding_dimensions: None,
            embedding_previous_url: None,
            embedding_previous_name: None,
            embedding_previous_api_key: None,
        },
        files: FilesConfig {
            files_url: files_url(),
            aws_region: None,
            aws_endpoint_url: None,
            aws_access_key_id: None,
            aws_secret_access_key: None,
        },
        extraction: ExtractionConfig {
            extraction_memory: 512,
            extraction_seconds: 60,
            indexing_concurrency: 4,
            pdfium_library: PathBuf::from(service("PDFIUM_LIBRARY")),
            extraction_program: Some(env!("CARGO_BIN_EXE_colloquy").into()),
        },
    }
}

/// A worker that answers by a model, or by quotations.
pub(crate) fn worker_config(model: Option<&ModelServer>) -> WorkerConfig {
    WorkerConfig {
        model: ModelConfig {
            model_url: model.map(|server| server.url.clone()),
            model_name: model.map(|_| "scripted".to_owned()),
            model_api_key: None,
            model_context: 4096,
            model_first_token_timeout: 300,
            model_silence_timeout: 60,
            models: None,
            model_titles: false,
            model_prompt_price: 0.0,
            model_completion_price: 0.0,
            model_continuation: Continuation::Off,
        },
        worker_concurrency: 4,
        worker_answers_per_person: 0,
        retention_days: 0,
    }
}
