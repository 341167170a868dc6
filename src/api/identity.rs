//! Authentication: tokens of the account service.
//!
//! There are two kinds of token: JWTs, verified with the keys of the account service, and opaque session
//! tokens, sent to the account service for introspection. Tokens are never logged, and are cached by their
//! hash alone.

mod claims;
mod introspection;
mod jwks;
mod revocations;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aggregates::{SessionId, UserId};
use async_nats::Client;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret as _, SecretString};

use crate::api::limits::{Exhausted, Limits};
use crate::config::ApiConfig;
use introspection::Introspection;
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::api) use jwks::read_token;
use jwks::{Intervals, Jwks, Verified};
pub(in crate::api) use revocations::Revocations;
use store::AccountsDatabase;

/// Verified JWTs in the cache.
const VERIFIED: usize = 50_000;
/// Longest wait for the account service.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// Role of a user. The names are those of the account service.
pub(in crate::api) use aggregates::account::UserRole as Role;

/// The role with a name. An unknown name has the fewest permissions.
fn role_named(name: Option<&str>) -> Role {
    name.and_then(|name| name.parse().ok()).unwrap_or(Role::User)
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
    /// The session to which the token belongs.
    pub(in crate::api) session: SessionId,
    /// The time at which the account service said so, in seconds since 1970.
    pub(in crate::api) issued: u64,
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
    /// Too many invalid tokens came from the address.
    #[error("too many invalid tokens came from the address")]
    TooManyInvalid(Exhausted),
    /// The account service, without which the token cannot be checked, does not answer.
    #[error("account service did not answer")]
    Unavailable,
}

/// Authenticates requests.
#[derive(Debug)]
pub(in crate::api) struct Identity {
    jwts: Jwts,
    introspection: Introspection,
    revocations: Arc<Revocations>,
}

impl Identity {
    pub(in crate::api) fn new(
        config: &ApiConfig,
        accounts: AccountsDatabase,
        limits: Arc<Limits>,
    ) -> anyhow::Result<Self> {
        let client = client()?;
        Ok(Self {
            jwts: Jwts::new(client.clone(), config),
            introspection: Introspection::new(client, &config.auth_url, limits),
            revocations: Arc::new(Revocations::new(accounts)),
        })
    }

    /// Authenticates the caller of a request from an address.
    pub(in crate::api) async fn authenticate(
        &self,
        headers: &HeaderMap,
        address: Option<IpAddr>,
    ) -> Result<Caller, Unauthenticated> {
        let token = bearer_token(headers)?;
        let caller = if is_jwt(&token) {
            self.jwts.authenticate(&token).await?
        } else {
            self.introspection.introspect(&token, address).await?
        };
        self.revocations.check(caller).await
    }

    /// Tokens that lose their validity before they expire.
    pub(in crate::api) const fn revocations(&self) -> &Arc<Revocations> {
        &self.revocations
    }

    /// Keeps the list of revocations current, for ever. `subject` has the hints of changes.
    pub(in crate::api) async fn follow_revocations(&self, nats: Client, subject: String) {
        self.revocations.follow(nats, subject).await;
    }

    /// Fetches the keys of the account service before the first token arrives.
    pub(in crate::api) async fn warm_up(&self) {
        self.jwts.warm_up().await;
    }
}

fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().timeout(CALL_TIMEOUT).build()
}

/// Verifies JWTs, and remembers those that it has verified.
#[derive(Debug)]
struct Jwts {
    jwks: Jwks,
    verified: Cache<[u8; 32], Verified>,
}

impl Jwts {
    fn new(client: reqwest::Client, config: &ApiConfig) -> Self {
        Self { jwks: Jwks::new(client, config, Intervals::DEFAULT), verified: Cache::new(VERIFIED) }
    }

    /// A verified JWT is valid until it expires, and while the account service publishes its key.
    async fn authenticate(&self, token: &SecretString) -> Result<Caller, Unauthenticated> {
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

    async fn warm_up(&self) {
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
pub struct TokenCheck(Jwts);

impl TokenCheck {
    /// Fetches the keys of the account service.
    pub async fn connect(config: &ApiConfig) -> anyhow::Result<Self> {
        let jwts = Jwts::new(client()?, config);
        jwts.warm_up().await;
        Ok(Self(jwts))
    }

    /// Whether the token is valid now.
    pub async fn accepts(&self, token: &SecretString) -> bool {
        self.0.authenticate(token).await.is_ok()
    }
}

/// Time of the system clock, in seconds since 1970.
pub(in crate::api) fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs())
}
