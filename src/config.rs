//! Configuration: read once from the environment, typed, secrets wrapped. `docs/configuration.md` is made from it.

mod worker;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use sealing::MasterKey;

use crate::audit::SigningKey;
pub use worker::{EmbeddingConfig, ModelConfig, WorkerConfig};

/// A value that never shows in a log.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub const fn new(value: String) -> Self {
        Self(value)
    }

    /// The value, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Everything an operator can set.
#[derive(Debug, Clone)]
pub struct Config {
    /// `DATABASE_URL`: Postgres 15 or newer, pooled or direct.
    pub database_url: Secret,
    /// `DATABASE_DIRECT_URL`: a direct connection for migrations; default `DATABASE_URL`.
    pub database_direct_url: Secret,
    /// `DATABASE_CONNECTIONS`: connections of the api's pool; default 16.
    pub database_connections: u32,
    /// `AUTH_DATABASE_URL`: the account service's database, its tables in the schema `auth`; default `DATABASE_URL`.
    pub auth_database_url: Secret,
    /// `NATS_URL`: NATS 2.10 or newer with JetStream.
    pub nats_url: Secret,
    /// `NATS_PREFIX`: the first token of all subjects; default `colloquy`.
    pub nats_prefix: String,
    /// `MASTER_KEY` or `MASTER_KEY_FILE`: 32 bytes, in hexadecimal or base64.
    pub master_key: MasterKey,
    /// `MASTER_KEY_PREVIOUS` or `MASTER_KEY_PREVIOUS_FILE`: the master key before, while `colloquy keys rotate-master` wraps
    /// everything by the new one.
    pub master_key_previous: Option<MasterKey>,
    /// `RETENTION_DAYS`: everything of somebody's own that nobody touched for so many days is erased; default: never.
    pub retention_days: Option<u32>,
    /// The api's settings.
    pub api: ApiConfig,
    /// The worker's settings.
    pub worker: WorkerConfig,
}

/// What the api needs.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// `LISTEN`: address and port; default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// `PUBLIC_URL`: where people reach the page; default `http://localhost:8080`.
    pub public_url: String,
    /// `WEB_DIR`: the folder of the built page; without it no page is served.
    pub web_dir: Option<PathBuf>,
    /// `AUTH_URL`: the account service, without `/api/auth`.
    pub auth_url: String,
    /// `AUTH_ISSUER`: who must have issued a token; default `colloquy`.
    pub auth_issuer: String,
    /// `AUTH_AUDIENCE`: for whom it must have been issued; default `colloquy`.
    pub auth_audience: String,
    /// `CORS_ORIGINS`: other origins whose pages may call the api, separated by commas; default none.
    pub cors_origins: Vec<String>,
    /// `RATE_LIMIT`: commands one user may send in a minute; default 6000, `0` for no limit.
    pub rate_limit: u32,
    /// `AUDIT_SIGNING_KEY` or `AUDIT_SIGNING_KEY_FILE`: Ed25519, as PEM (PKCS#8) or as a seed of 32 bytes in hexadecimal or base64;
    /// default one that is made and kept in Postgres, sealed.
    pub audit_signing_key: Option<Arc<SigningKey>>,
}

impl Config {
    /// Reads the environment. The first thing that is missing or wrong is named.
    pub fn from_env() -> anyhow::Result<Self> {
        let database_url = required("DATABASE_URL")?;
        Ok(Self {
            database_direct_url: optional("DATABASE_DIRECT_URL")
                .map_or_else(|| Secret(database_url.clone()), Secret),
            auth_database_url: optional("AUTH_DATABASE_URL")
                .map_or_else(|| Secret(database_url.clone()), Secret),
            database_url: Secret(database_url),
            database_connections: parsed("DATABASE_CONNECTIONS", 16)?,
            nats_url: Secret(required("NATS_URL")?),
            nats_prefix: or("NATS_PREFIX", "colloquy"),
            master_key: master_key("MASTER_KEY")?
                .context("set MASTER_KEY_FILE to a file with 32 random bytes, in hexadecimal or base64")?,
            master_key_previous: master_key("MASTER_KEY_PREVIOUS")?,
            retention_days: match parsed("RETENTION_DAYS", 0)? {
                0 => None,
                days => Some(days),
            },
            api: ApiConfig::from_env()?,
            worker: WorkerConfig::from_env()?,
        })
    }
}

impl ApiConfig {
    fn from_env() -> anyhow::Result<Self> {
        Ok(Self {
            listen: parsed("LISTEN", SocketAddr::from(([127, 0, 0, 1], 8080)))?,
            public_url: or("PUBLIC_URL", "http://localhost:8080"),
            web_dir: optional("WEB_DIR").map(PathBuf::from),
            auth_url: or("AUTH_URL", "http://127.0.0.1:4000").trim_end_matches('/').to_owned(),
            auth_issuer: or("AUTH_ISSUER", "colloquy"),
            auth_audience: or("AUTH_AUDIENCE", "colloquy"),
            cors_origins: or("CORS_ORIGINS", "")
                .split(',')
                .map(str::trim)
                .filter(|origin| !origin.is_empty())
                .map(str::to_owned)
                .collect(),
            rate_limit: parsed("RATE_LIMIT", 6000)?,
            audit_signing_key: audit_signing_key()?,
        })
    }
}

/// A master key from the variable of this name, or from the file that the variable with `_FILE` after its name names.
fn master_key(name: &str) -> anyhow::Result<Option<MasterKey>> {
    let file = format!("{name}_FILE");
    let text = match (optional(name), optional(&file)) {
        (Some(key), None) => key,
        (None, Some(path)) => {
            std::fs::read_to_string(&path).with_context(|| format!("failed to read {file} {path}"))?
        }
        (Some(_), Some(_)) => bail!("set {name} or {file}, not both"),
        (None, None) => return Ok(None),
    };
    Ok(Some(MasterKey::parse(&text.into()).with_context(|| format!("failed to use {name}"))?))
}

fn audit_signing_key() -> anyhow::Result<Option<Arc<SigningKey>>> {
    let text = match (optional("AUDIT_SIGNING_KEY"), optional("AUDIT_SIGNING_KEY_FILE")) {
        (Some(key), None) => key,
        (None, Some(file)) => std::fs::read_to_string(&file)
            .with_context(|| format!("failed to read AUDIT_SIGNING_KEY_FILE {file}"))?,
        (Some(_), Some(_)) => bail!("set AUDIT_SIGNING_KEY or AUDIT_SIGNING_KEY_FILE, not both"),
        (None, None) => return Ok(None),
    };
    Ok(Some(Arc::new(SigningKey::parse(&text)?)))
}

fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn required(name: &str) -> anyhow::Result<String> {
    optional(name).with_context(|| format!("set {name}"))
}

fn or(name: &str, default: &str) -> String {
    optional(name).unwrap_or_else(|| default.to_owned())
}

fn parsed<T>(name: &str, default: T) -> anyhow::Result<T>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    match optional(name) {
        None => Ok(default),
        Some(value) => value.trim().parse().with_context(|| format!("failed to read {name}")),
    }
}
