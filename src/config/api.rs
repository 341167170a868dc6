//! Configuration of the HTTP API.

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::http::HeaderValue;
use clap::Args;
use ipnet::IpNet;

use super::LimitsConfig;
use super::public_url::PublicUrl;
use super::values::{base_url, filled, folder, network, origin, trimmed, within};

/// Configuration of the HTTP API.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "HTTP")]
pub struct ApiConfig {
    /// Address and port of the HTTP server.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8080", value_parser = trimmed::<SocketAddr>)]
    pub listen: SocketAddr,
    /// Address of the page in a browser. Its path, if it has one, is in front of all paths of page and API.
    #[arg(long, env = "PUBLIC_URL", default_value = "http://localhost:8080")]
    pub public_url: PublicUrl,
    /// Networks of the proxies whose `X-Forwarded-For`, `Forwarded` and `X-Forwarded-Proto` count, separated
    /// by commas; without any, the peer of a connection is the client.
    #[arg(long, env = "TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,
    /// Folder of the built page; without it, no page is served.
    #[arg(long, env = "WEB_DIR", value_parser = folder)]
    pub web_dir: Option<PathBuf>,
    /// Other origins whose pages may call the API and sign in, separated by commas.
    #[arg(long, env = "CORS_ORIGINS", value_delimiter = ',', value_parser = origin)]
    pub cors_origins: Vec<HeaderValue>,
    /// Limits of connections.
    #[command(flatten)]
    pub connections: ConnectionLimits,
    /// Database connections of the HTTP API.
    #[arg(long, env = "DATABASE_CONNECTIONS", help_heading = "Database", default_value_t = 16)]
    #[arg(value_parser = within(1..=1_000_u32))]
    pub database_connections: u32,
    /// Address of the account service, without `/api/auth`.
    #[arg(long, env = "AUTH_URL", help_heading = "Accounts", default_value = "http://127.0.0.1:4000")]
    #[arg(value_parser = base_url)]
    pub auth_url: String,
    /// Issuer that tokens must name.
    #[arg(long, env = "AUTH_ISSUER", help_heading = "Accounts", default_value = "colloquy")]
    #[arg(value_parser = filled)]
    pub auth_issuer: String,
    /// Audience that tokens must name.
    #[arg(long, env = "AUTH_AUDIENCE", help_heading = "Accounts", default_value = "colloquy")]
    #[arg(value_parser = filled)]
    pub auth_audience: String,
    /// Limits per person.
    #[command(flatten)]
    pub limits: LimitsConfig,
}

/// Limits of the connections of one process. A connection is anonymous until a request on it has
/// a valid token.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "HTTP")]
pub struct ConnectionLimits {
    /// Open connections.
    #[arg(long, env = "MAX_CONNECTIONS", default_value_t = 4096)]
    #[arg(value_parser = within(1..=1_000_000_usize))]
    pub max_connections: usize,
    /// Open connections without a request that had a valid token; beyond it, idle ones are closed.
    #[arg(long, env = "MAX_ANONYMOUS_CONNECTIONS", default_value_t = 1024)]
    #[arg(value_parser = within(1..=1_000_000_usize))]
    pub max_anonymous_connections: usize,
    /// Such connections from one address. Of a client behind a trusted proxy: such requests at the same time.
    #[arg(long, env = "MAX_ANONYMOUS_CONNECTIONS_PER_ADDRESS", default_value_t = 256)]
    #[arg(value_parser = within(1..=1_000_000_usize))]
    pub max_anonymous_connections_per_address: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max_connections: 4_096,
            max_anonymous_connections: 1_024,
            max_anonymous_connections_per_address: 256,
        }
    }
}
