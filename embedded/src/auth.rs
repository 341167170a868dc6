//! The account service (`auth/`, Better Auth on Node). It keeps its tables in a schema of its own.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::{DataDir, Program, Readiness, Result, Service, repository};

/// Settings of the account service.
#[derive(Debug, Clone)]
pub struct AuthOptions {
    /// The database that holds accounts and sessions.
    pub database_url: String,
    /// The origin that browsers see, without a slash at the end.
    pub public_url: String,
    /// Whether sign-ins are limited by client address.
    pub rate_limit: RateLimit,
}

/// Whether sign-ins are limited by client address. Tests that sign up many users switch the limit off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimit {
    /// Sign-ins are limited.
    On,
    /// Sign-ins are not limited.
    Off,
}

impl RateLimit {
    fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// Variables of the environment that the service gets.
const PASSED_ON: [&str; 11] = [
    "AUTH_ISSUER",
    "AUTH_AUDIENCE",
    "AUTH_SCHEMA",
    "SMTP_URL",
    "MAIL_FROM",
    "SIGN_UP",
    "ALLOWED_EMAIL_DOMAINS",
    "ADMIN_EMAIL",
    "BREACHED_PASSWORDS_URL",
    "CORS_ORIGINS",
    "TRUSTED_PROXIES",
];

/// A running account service.
#[derive(Debug)]
pub struct Auth {
    service: Service,
}

impl Deref for Auth {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

impl Auth {
    /// Starts the service, with its secret in `data`.
    pub async fn start(options: &AuthOptions, data: &DataDir) -> Result<Self> {
        Self::start_with(options, &[], data).await
    }

    /// The same with more variables in its environment.
    pub async fn start_with(options: &AuthOptions, more: &[(&str, &str)], data: &DataDir) -> Result<Self> {
        let folder = repository()?.join("auth");
        let (secret_file, _) = data.secret("better_auth_secret")?;
        let service = Service::on_free_port(data, |address| {
            let program = server(&folder, options, &secret_file, address);
            more.iter().fold(program, |program, (name, value)| program.variable(name, value))
        })
        .await?;
        Ok(Self { service })
    }

    /// The base URL; the routes are below `/api/auth`.
    pub fn url(&self) -> String {
        format!("http://{}", self.service.address())
    }
}

fn server(folder: &Path, options: &AuthOptions, secret_file: &PathBuf, address: SocketAddr) -> Program {
    let mut program = Program::new("auth", "node", address, Readiness::Answers("/api/auth/ok"))
        .argument("src/main.js")
        .directory(folder)
        .variable("DATABASE_URL", &options.database_url)
        .variable("PUBLIC_URL", &options.public_url)
        .variable("AUTH_LISTEN", address.to_string())
        .variable("AUTH_RATE_LIMIT", options.rate_limit.as_str())
        .variable("BETTER_AUTH_SECRET_FILE", secret_file);
    for name in PASSED_ON {
        if let Some(value) = std::env::var_os(name) {
            program = program.variable(name, value);
        }
    }
    program
}
