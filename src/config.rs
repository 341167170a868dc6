//! Configuration: typed, parsed once from the command line, the environment and the configuration file
//! (`source`).
//!
//! Plain settings are arguments of `clap`, each with an environment variable. Secrets are not: `skip` keeps a
//! field off the command line, and its expression reads the other sources (`secret`). A field is named like
//! its variable. `docs/configuration.md` is generated from the definitions here (`reference`).

mod api;
mod backup;
mod broker;
pub(crate) mod command_line;
mod contradictions;
mod file;
pub(crate) mod in_force;
mod installation;
mod knowledge;
mod limits;
mod models;
mod public_url;
pub(crate) mod reference;
pub(crate) mod secret;
mod source;
mod values;
mod worker;

use std::net::SocketAddr;
use std::sync::Arc;

use clap::builder::Resettable;
use clap::{Args, Command, ValueEnum};
use sealing::MasterKey;
use secrecy::SecretString;
use store::{AccountsSchema, PreparedStatements};

use crate::audit::SigningKey;
pub use api::{ApiConfig, ConnectionLimits};
pub use backup::BackupConfig;
pub use broker::{LiveStorage, NatsConfig};
pub use installation::Installation;
pub use knowledge::{
    EmbeddingConfig, EmbeddingEndpoint, ExtractionConfig, FilesConfig, KnowledgeConfig, QdrantConfig,
};
pub use limits::LimitsConfig;
pub use models::{ModelsFile, OfferedModel};
pub use public_url::PublicUrl;
use secret::{
    AUDIT_SIGNING_KEY, AUTH_DATABASE_URL, DATABASE_DIRECT_URL, DATABASE_URL, MASTER_KEY, MASTER_KEY_PREVIOUS,
    NATS_URL, SecretVariable,
};
pub use source::{ConfigFileArguments, is_set};
pub use worker::{Continuation, ModelConfig, WorkerConfig};

/// Configuration of `colloquy serve`: all of it.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Database, NATS and keys.
    #[command(flatten)]
    pub app: AppConfig,
    /// Database for migrations.
    #[arg(skip = DATABASE_DIRECT_URL.or(&DATABASE_URL)?)]
    pub database_direct_url: SecretString,
    /// Database of the account service.
    #[arg(skip = AUTH_DATABASE_URL.or(&DATABASE_URL)?)]
    pub auth_database_url: SecretString,
    /// Schema of that database that holds the tables of the account service.
    #[arg(long, env = "AUTH_SCHEMA", help_heading = "Accounts", default_value_t)]
    pub auth_schema: AccountsSchema,
    /// HTTP API.
    #[command(flatten)]
    pub api: ApiConfig,
    /// Address and port of the operator's port, which every process has; without it, port 9090 of loopback,
    /// or a free one if another process has that.
    #[arg(long, env = "ADMIN_LISTEN", help_heading = "HTTP", value_parser = values::trimmed::<SocketAddr>)]
    pub admin_listen: Option<SocketAddr>,
    /// Whether the process records metrics. With `off`, `/metrics` answers 404, and alerts on them fire.
    #[arg(long, env = "METRICS", help_heading = "HTTP", value_enum, default_value_t = MetricsConfig::On)]
    pub metrics: MetricsConfig,
    /// Read models.
    #[command(flatten)]
    pub projection: ProjectionConfig,
    /// Document index, embedding models and files.
    #[command(flatten)]
    pub knowledge: KnowledgeConfig,
    /// Worker.
    #[command(flatten)]
    pub worker: WorkerConfig,
}

/// Recording of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MetricsConfig {
    /// Recorded.
    #[value(help = Resettable::Reset)]
    On,
    /// Not recorded.
    #[value(help = Resettable::Reset)]
    Off,
}

/// Configuration of the projector, and of the commands that rebuild read models.
#[derive(Debug, Clone, Copy, Args)]
pub struct ProjectionConfig {
    /// Aggregates that the projector or a rebuild quarantines within an hour for one cause; 0 for no limit. Where
    /// more fail, the cause is the database or the release, and the read models wait until it is gone.
    #[arg(
        long, env = "QUARANTINE_LIMIT", help_heading = "Projector",
        default_value_t = projections::quarantine::DEFAULT_LIMIT, value_parser = values::within(0..=1_000_000_000_u32)
    )]
    pub quarantine_limit: u32,
}

/// Configuration of every command that works with the ledger.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "NATS")]
pub struct AppConfig {
    /// Database.
    #[arg(skip = DATABASE_URL.required()?)]
    pub database_url: SecretString,
    /// Whether statements stay prepared in the server: `on`, or `off` for a transaction pooler that does not
    /// keep them, which takes more round trips.
    #[arg(
        long, env = "DATABASE_PREPARED_STATEMENTS", help_heading = "Database", default_value_t,
        value_parser = values::trimmed::<PreparedStatements>
    )]
    pub database_prepared_statements: PreparedStatements,
    /// NATS servers.
    #[arg(skip = NATS_URL.required()?)]
    pub nats_url: SecretString,
    /// First token of all subjects and streams.
    #[arg(long, env = "NATS_PREFIX", default_value = "colloquy", value_parser = values::prefix)]
    pub nats_prefix: String,
    /// Login, TLS and streams at NATS.
    #[command(flatten)]
    pub nats: NatsConfig,
    /// Master key.
    #[arg(skip = master_key(&MASTER_KEY, &MASTER_KEY.required()?)?)]
    pub master_key: MasterKey,
    /// Previous master key, while keys are wrapped with the new one.
    #[arg(skip = previous_master_key()?)]
    pub master_key_previous: Option<MasterKey>,
    /// Key that signs checkpoints; `None` for one that is generated and kept in the database.
    #[arg(skip = audit_signing_key()?)]
    pub audit_signing_key: Option<Arc<SigningKey>>,
}

/// Reads a text as a configuration file, and as a file of models.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn read_files(text: &str) {
    let known = ["LISTEN", "CORS_ORIGINS", "RETENTION_DAYS"].map(str::to_owned).into();
    let _ = file::ConfigFile::parse(std::path::Path::new("colloquy.toml"), text, &known);
    // A file of keys is not read: the text would choose it.
    if !text.contains("key_file") {
        let _ = models::parse(text);
    }
}

impl AppConfig {
    /// Secrets of this part.
    pub(crate) const SECRETS: &[&SecretVariable] =
        &[&DATABASE_URL, &NATS_URL, &MASTER_KEY, &MASTER_KEY_PREVIOUS, &AUDIT_SIGNING_KEY];

    /// Reads this part without a command line, for commands that need it only with some arguments.
    pub fn from_environment() -> Result<Self, clap::Error> {
        let matches = command_line::parse_nothing(Self::augment_args(Command::new("colloquy")))?;
        <Self as clap::FromArgMatches>::from_arg_matches(&matches)
    }
}

fn master_key(variable: &SecretVariable, key: &SecretString) -> Result<MasterKey, clap::Error> {
    MasterKey::parse(key).map_err(|error| variable.invalid(error))
}

fn previous_master_key() -> Result<Option<MasterKey>, clap::Error> {
    MASTER_KEY_PREVIOUS.optional()?.map(|key| master_key(&MASTER_KEY_PREVIOUS, &key)).transpose()
}

fn audit_signing_key() -> Result<Option<Arc<SigningKey>>, clap::Error> {
    let Some(key) = AUDIT_SIGNING_KEY.optional()? else { return Ok(None) };
    let key = SigningKey::parse(&key).map_err(|error| AUDIT_SIGNING_KEY.invalid(error))?;
    Ok(Some(Arc::new(key)))
}
