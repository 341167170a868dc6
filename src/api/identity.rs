//! Authentication: tokens of the account service.
//!
//! There are two kinds of token: JWTs, verified with the keys of the account service, and opaque session
//! tokens, sent to the account service for introspection. Tokens are never logged, and are cached by their
//! hash alone.

mod claims;
mod introspection;
mod jwks;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aggregates::UserId;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::config::ApiConfig;
use introspection::Introspection;
use jwks::{Intervals, Jwks, Verified};

/// Verified JWTs in the cache.
const VERIFIED: usize = 50_000;
/// Longest wait for the account service.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// Role of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = UserRole)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum Role {
    /// Access to the user's own data.
    User,
    /// Also access to the ledger of all users.
    Auditor,
    /// All of the above, and changes of shared documents.
    Admin,
}

impl Role {
    /// The role with a name. An unknown name has the fewest permissions.
    fn named(name: Option<&str>) -> Self {
        match name {
            Some("admin") => Self::Admin,
            Some("auditor") => Self::Auditor,
            _ => Self::User,
        }
    }
}

/// An authenticated user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct Caller {
    /// Id of the user.
    pub(in crate::api) user: UserId,
    /// Role of the user, as in the token.
    pub(in crate::api) role: Role,
    /// Expiry of the token, in seconds since 1970.
    pub(in crate::api) until: u64,
    /// The session of a JWT; `None` for a session token.
    pub(in crate::api) session: Option<Uuid>,
}

/// Why a request is not authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::api) enum Unauthenticated {
    /// The request has no bearer token.
    #[error("bearer token is missing")]
    Missing,
    /// The token is not valid, or not valid any more.
    #[error("token is not valid")]
    Invalid,
    /// The account service, without which the token cannot be checked, does not answer.
    #[error("account service did not answer")]
    Unavailable,
}

/// Authenticates requests.
#[derive(Debug)]
pub(in crate::api) struct Identity {
    jwks: Jwks,
    introspection: Introspection,
    verified: Cache<[u8; 32], Verified>,
}

impl Identity {
    pub(in crate::api) fn new(config: &ApiConfig) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().timeout(CALL_TIMEOUT).build()?;
        Ok(Self {
            jwks: Jwks::new(client.clone(), config, Intervals::DEFAULT),
            introspection: Introspection::new(client, &config.auth_url),
            verified: Cache::new(VERIFIED),
        })
    }

    /// Authenticates the caller of a request.
    pub(in crate::api) async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Unauthenticated> {
        let token = bearer_token(headers)?;
        if is_jwt(&token) {
            self.authenticate_jwt(&token).await
        } else {
            self.introspection.introspect(&token).await
        }
    }

    /// Introspects a session token without the cache.
    pub(in crate::api) async fn introspect_uncached(
        &self,
        headers: &HeaderMap,
    ) -> Result<Caller, Unauthenticated> {
        self.introspection.introspect_uncached(&bearer_token(headers)?).await
    }

    /// A verified JWT is valid until it expires, and while the account service publishes its key.
    async fn authenticate_jwt(&self, token: &SecretString) -> Result<Caller, Unauthenticated> {
        self.jwks.refresh().await?;
        let hash = token_hash(token);
        let known = self.verified.get(&hash).filter(|known| self.jwks.has(&known.key));
        let verified = match known {
            Some(known) => known,
            None => self.jwks.verify(token).await?,
        };
        if !verified.validity.holds(seconds_now()) {
            self.verified.remove(&hash);
            return Err(Unauthenticated::Invalid);
        }
        if known.is_none() {
            self.verified.insert(hash, verified);
        }
        Ok(verified.caller)
    }

    /// Fetches the keys of the account service before the first token arrives.
    pub(in crate::api) async fn warm_up(&self) {
        // A failure is logged, and the first token tries again.
        let _ = self.jwks.refresh().await;
    }
}

fn bearer_token(headers: &HeaderMap) -> Result<SecretString, Unauthenticated> {
    let header = headers.get(AUTHORIZATION).ok_or(Unauthenticated::Missing)?;
    let header = header.to_str().map_err(|_| Unauthenticated::Invalid)?;
    let (scheme, token) = header.split_once(' ').ok_or(Unauthenticated::Invalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Unauthenticated::Missing);
    }
    Ok(token.trim().into())
}

fn is_jwt(token: &SecretString) -> bool {
    token.expose_secret().bytes().filter(|byte| *byte == b'.').count() == 2
}

/// Key of a token in a cache.
fn token_hash(token: &SecretString) -> [u8; 32] {
    *blake3::hash(token.expose_secret().as_bytes()).as_bytes()
}

/// Checks JWTs without a server, so that a benchmark can measure the cost of one check.
#[derive(Debug)]
pub struct TokenCheck(Identity);

impl TokenCheck {
    /// Fetches the keys of the account service.
    pub async fn connect(config: &ApiConfig) -> anyhow::Result<Self> {
        let identity = Identity::new(config)?;
        identity.warm_up().await;
        Ok(Self(identity))
    }

    /// Whether the token is valid now.
    pub async fn accepts(&self, token: &SecretString) -> bool {
        self.0.authenticate_jwt(token).await.is_ok()
    }
}

/// Time of the system clock, in seconds since 1970.
pub(in crate::api) fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs())
}
