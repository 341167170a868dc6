//! Configuration of the HTTP API.

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::http::HeaderValue;
use axum::http::header::InvalidHeaderValue;
use clap::Args;

use super::{LimitsConfig, base_url, trimmed};

/// Configuration of the HTTP API.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "HTTP")]
pub struct ApiConfig {
    /// Address and port of the HTTP server.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8080", value_parser = trimmed::<SocketAddr>)]
    pub listen: SocketAddr,
    /// Address of the page in a browser.
    #[arg(long, env = "PUBLIC_URL", default_value = "http://localhost:8080")]
    pub public_url: String,
    /// Folder of the built page; without it, no page is served.
    #[arg(long, env = "WEB_DIR")]
    pub web_dir: Option<PathBuf>,
    /// Other origins whose pages may call the API, separated by commas.
    #[arg(long, env = "CORS_ORIGINS", value_delimiter = ',', value_parser = origin)]
    pub cors_origins: Vec<HeaderValue>,
    /// Database connections of the HTTP API.
    #[arg(long, env = "DATABASE_CONNECTIONS", help_heading = "Database", default_value_t = 16)]
    #[arg(value_parser = trimmed::<u32>)]
    pub database_connections: u32,
    /// Address of the account service, without `/api/auth`.
    #[arg(long, env = "AUTH_URL", help_heading = "Accounts", default_value = "http://127.0.0.1:4000")]
    #[arg(value_parser = base_url)]
    pub auth_url: String,
    /// Issuer that tokens must name.
    #[arg(long, env = "AUTH_ISSUER", help_heading = "Accounts", default_value = "colloquy")]
    pub auth_issuer: String,
    /// Audience that tokens must name.
    #[arg(long, env = "AUTH_AUDIENCE", help_heading = "Accounts", default_value = "colloquy")]
    pub auth_audience: String,
    /// Limits per person.
    #[command(flatten)]
    pub limits: LimitsConfig,
}

fn origin(text: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    trimmed(text)
}
