//! Who is asking: a token of the account service, checked here.
//!
//! Two kinds of token are taken: JWTs, checked against the account service's keys, and opaque session tokens, checked by
//! asking it. Neither is ever logged; both are remembered by their hash alone.

mod introspection;
mod jwks;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aggregates::UserId;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use quick_cache::sync::Cache;
use uuid::Uuid;

use crate::config::ApiConfig;
use introspection::Introspection;
use jwks::Jwks;

/// Tokens remembered.
const REMEMBERED: usize = 50_000;
/// How long a call of the account service may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);
/// How far our clock may be from the account service's, in seconds.
const LEEWAY: u64 = 5;

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Ask questions.
    User,
    /// Replay everybody's history, too.
    Auditor,
    /// Everything.
    Admin,
}

impl Role {
    /// The role of a name; a name nobody knows allows the least.
    pub(crate) fn named(name: Option<&str>) -> Self {
        match name {
            Some("admin") => Self::Admin,
            Some("auditor") => Self::Auditor,
            _ => Self::User,
        }
    }

    /// The role's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }
}

/// Somebody who has shown who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub user: UserId,
    /// What they may do.
    pub role: Role,
    /// Until when the token is good, in seconds since 1970.
    pub until: u64,
    /// The session behind a JWT; `None` where the token is the session's own.
    pub session: Option<Uuid>,
}

/// Why nobody knows who is asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// There is no bearer token.
    #[error("find a bearer token")]
    Missing,
    /// The token is not good, or not any more.
    #[error("accept the token")]
    Invalid,
    /// The account service is away, and without it the token cannot be checked.
    #[error("reach the account service")]
    Unavailable,
}

/// Checks tokens.
#[derive(Debug)]
pub struct Identity {
    jwks: Jwks,
    introspection: Introspection,
    verified: Cache<[u8; 32], Caller>,
}

impl Identity {
    /// Checks tokens against the account service of the configuration.
    pub fn new(config: &ApiConfig) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().timeout(CALL_TIMEOUT).build()?;
        Ok(Self {
            jwks: Jwks::new(client.clone(), config),
            introspection: Introspection::new(client, &config.auth_url),
            verified: Cache::new(REMEMBERED),
        })
    }

    /// Who is asking.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Unauthenticated> {
        let header = headers.get(AUTHORIZATION).ok_or(Unauthenticated::Missing)?;
        let header = header.to_str().map_err(|_| Unauthenticated::Invalid)?;
        let (scheme, token) = header.split_once(' ').ok_or(Unauthenticated::Invalid)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Unauthenticated::Missing);
        }
        let token = token.trim();
        if token.bytes().filter(|byte| *byte == b'.').count() == 2 {
            self.authenticate_jwt(token).await
        } else {
            self.introspection.ask(token).await
        }
    }

    /// Asks the account service anew whose session an opaque token is, whatever it said seconds ago.
    pub async fn ask_anew(&self, headers: &HeaderMap) -> Result<Caller, Unauthenticated> {
        let header = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        let (_, token) = header.and_then(|header| header.split_once(' ')).ok_or(Unauthenticated::Missing)?;
        self.introspection.ask_anew(token.trim()).await
    }

    /// A JWT that was good is good until it expires.
    pub async fn authenticate_jwt(&self, token: &str) -> Result<Caller, Unauthenticated> {
        let hash = *blake3::hash(token.as_bytes()).as_bytes();
        if let Some(caller) = self.verified.get(&hash) {
            if seconds_now() < caller.until + LEEWAY {
                return Ok(caller);
            }
            self.verified.remove(&hash);
            return Err(Unauthenticated::Invalid);
        }
        let caller = self.jwks.verify(token).await?;
        self.verified.insert(hash, caller);
        Ok(caller)
    }

    /// Fetches the account service's keys ahead of the first token.
    pub async fn warm_up(&self) {
        self.jwks.warm_up().await;
    }
}

/// The system's clock, in seconds since 1970.
pub(crate) fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs())
}
