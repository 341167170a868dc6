//! Introspection of opaque session tokens by the account service, cached for seconds.

use std::time::{Duration, Instant};

use aggregates::UserId;
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{Caller, Role, Unauthenticated, seconds_now, token_hash};

/// Lifetime of a cached answer, and so the longest use of a revoked session.
const CACHED: Duration = Duration::from_secs(5);
/// Answers in the cache.
const ANSWERS: usize = 20_000;

/// Client of the account service.
#[derive(Debug)]
pub(super) struct Introspection {
    client: reqwest::Client,
    url: String,
    answers: Cache<[u8; 32], (Instant, Option<Caller>)>,
}

#[derive(Deserialize)]
struct Answer {
    user: User,
}

#[derive(Deserialize)]
struct User {
    id: UserId,
    role: Option<String>,
}

impl Introspection {
    pub(super) fn new(client: reqwest::Client, auth_url: &str) -> Self {
        Self { client, url: format!("{auth_url}/api/auth/get-session"), answers: Cache::new(ANSWERS) }
    }

    /// The caller with a session token.
    pub(super) async fn introspect(&self, token: &SecretString) -> Result<Caller, Unauthenticated> {
        let hash = token_hash(token);
        if let Some((asked, answer)) = self.answers.get(&hash)
            && asked.elapsed() < CACHED
        {
            return answer.ok_or(Unauthenticated::Invalid);
        }
        self.introspect_uncached(token).await
    }

    /// The caller with a session token, asked of the account service at this moment.
    pub(super) async fn introspect_uncached(&self, token: &SecretString) -> Result<Caller, Unauthenticated> {
        let response = self
            .client
            .get(&self.url)
            .bearer_auth(token.expose_secret())
            .send()
            .await
            .map_err(|_| Unauthenticated::Unavailable)?;
        let status = response.status();
        if status.is_server_error() || status.as_u16() == 429 {
            return Err(Unauthenticated::Unavailable);
        }
        // The account service answers an invalid token with 200 and `null`.
        let answer: Option<Answer> = response.json().await.map_err(|_| Unauthenticated::Unavailable)?;
        let caller = answer.map(|answer| Caller {
            user: answer.user.id,
            role: Role::named(answer.user.role.as_deref()),
            until: seconds_now() + CACHED.as_secs(),
            session: None,
        });
        self.answers.insert(token_hash(token), (Instant::now(), caller));
        caller.ok_or(Unauthenticated::Invalid)
    }
}
