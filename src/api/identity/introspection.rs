//! Opaque session tokens: the account service is asked, and its answer kept for seconds.

use std::time::{Duration, Instant};

use aggregates::UserId;
use quick_cache::sync::Cache;
use serde::Deserialize;

use super::{Caller, Role, Unauthenticated, seconds_now};

/// How long an answer is kept: as long as a revoked session may go on here.
const KEPT: Duration = Duration::from_secs(5);
const REMEMBERED: usize = 20_000;

/// Asks the account service whose session a token is.
#[derive(Debug)]
pub(crate) struct Introspection {
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
    pub(crate) fn new(client: reqwest::Client, auth_url: &str) -> Self {
        Self { client, url: format!("{auth_url}/api/auth/get-session"), answers: Cache::new(REMEMBERED) }
    }

    pub(crate) async fn ask(&self, token: &str) -> Result<Caller, Unauthenticated> {
        let hash = *blake3::hash(token.as_bytes()).as_bytes();
        if let Some((asked, answer)) = self.answers.get(&hash)
            && asked.elapsed() < KEPT
        {
            return answer.ok_or(Unauthenticated::Invalid);
        }
        self.ask_anew(token).await
    }

    /// Asks, whatever was answered before.
    pub(crate) async fn ask_anew(&self, token: &str) -> Result<Caller, Unauthenticated> {
        let hash = *blake3::hash(token.as_bytes()).as_bytes();
        let response = self
            .client
            .get(&self.url)
            .bearer_auth(token)
            .send()
            .await
            .map_err(|_| Unauthenticated::Unavailable)?;
        let status = response.status();
        if status.is_server_error() || status.as_u16() == 429 {
            return Err(Unauthenticated::Unavailable);
        }
        // A session that is not good is answered with 200 and `null`.
        let answer: Option<Answer> = response.json().await.unwrap_or(None);
        let caller = answer.map(|answer| Caller {
            user: answer.user.id,
            role: Role::named(answer.user.role.as_deref()),
            until: seconds_now() + KEPT.as_secs(),
            session: None,
        });
        self.answers.insert(hash, (Instant::now(), caller));
        caller.ok_or(Unauthenticated::Invalid)
    }
}
