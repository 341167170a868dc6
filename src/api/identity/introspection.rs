//! Introspection of opaque session tokens by the account service, cached for seconds.
//!
//! Anybody can send made-up tokens, so the calls are bounded before a token is known to be good: so many at a
//! time, and so many tokens that turn out to be invalid in a minute from one address. A token that was valid
//! before is not counted, so that nobody else can lock its owner out.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aggregates::{SessionId, UserId};
use chrono::{DateTime, Utc};
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::{Caller, Unauthenticated, role_named, seconds_now, token_hash};
use crate::api::client_address::network;
use crate::api::limits::{Exhausted, Limits};

/// Lifetime of a cached answer, and so the longest use of a revoked session.
const CACHED: Duration = Duration::from_secs(5);
/// Lifetime of the answer that a token is invalid. An invalid token never becomes valid.
const INVALID_CACHED: Duration = Duration::from_mins(1);
/// Answers in the cache of valid tokens, in that of invalid ones, and addresses that are refused.
const VALID: usize = 20_000;
const INVALID: usize = 20_000;
const REFUSED_ADDRESSES: usize = 10_000;
/// Calls of the account service at the same time. Others wait within the time limit of a call.
const CALLS: usize = 16;
/// Longest wait for a call to begin.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(3);

/// Client of the account service.
#[derive(Debug)]
pub(super) struct Introspection {
    client: reqwest::Client,
    url: String,
    limits: Arc<Limits>,
    calls: Semaphore,
    valid: Cache<[u8; 32], (Instant, Caller)>,
    invalid: Cache<[u8; 32], Instant>,
    refused: Cache<IpAddr, (Instant, Exhausted)>,
}

#[derive(Deserialize)]
struct Answer {
    user: User,
    session: Session,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    id: SessionId,
    expires_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct User {
    id: UserId,
    role: Option<String>,
}

impl Introspection {
    pub(super) fn new(client: reqwest::Client, auth_url: &str, limits: Arc<Limits>) -> Self {
        Self {
            client,
            url: format!("{auth_url}/api/auth/get-session"),
            limits,
            calls: Semaphore::new(CALLS),
            valid: Cache::new(VALID),
            invalid: Cache::new(INVALID),
            refused: Cache::new(REFUSED_ADDRESSES),
        }
    }

    /// The caller with a session token. `address` is where the request comes from, if that is known; an IPv6
    /// address counts with its whole network.
    pub(super) async fn introspect(
        &self,
        token: &SecretString,
        address: Option<IpAddr>,
    ) -> Result<Caller, Unauthenticated> {
        let hash = token_hash(token);
        let known = self.valid.get(&hash);
        if let Some((asked, caller)) = known
            && asked.elapsed() < CACHED
        {
            return Ok(caller);
        }
        if self.invalid.get(&hash).is_some_and(|asked| asked.elapsed() < INVALID_CACHED) {
            return Err(Unauthenticated::Invalid);
        }
        let counted = address.filter(|_| known.is_none()).map(network);
        if let Some(exhausted) = counted.and_then(|address| self.refusal(address)) {
            return Err(Unauthenticated::TooManyInvalid(exhausted));
        }
        let answer = self.ask(token, hash).await;
        if let (Err(Unauthenticated::Invalid), Some(address)) = (&answer, counted) {
            self.count_invalid(address);
        }
        answer
    }

    async fn ask(&self, token: &SecretString, hash: [u8; 32]) -> Result<Caller, Unauthenticated> {
        let call = tokio::time::timeout(QUEUE_TIMEOUT, self.calls.acquire()).await;
        let Ok(Ok(_call)) = call else { return Err(Unauthenticated::Unavailable) };
        let caller = self.call(token).await?;
        if let Some(caller) = caller {
            self.valid.insert(hash, (Instant::now(), caller));
        } else {
            self.valid.remove(&hash);
            self.invalid.insert(hash, Instant::now());
        }
        caller.ok_or(Unauthenticated::Invalid)
    }

    /// `None` if the account service says that the token is invalid. An answer that breaks off says nothing.
    async fn call(&self, token: &SecretString) -> Result<Option<Caller>, Unauthenticated> {
        let issued = seconds_now();
        let request = self.client.get(&self.url).bearer_auth(token.expose_secret());
        let response = request.send().await.map_err(|_| Unauthenticated::Unavailable)?;
        match response.status().as_u16() {
            200 => {}
            401 | 403 => return Ok(None),
            _ => return Err(Unauthenticated::Unavailable),
        }
        let body = response.bytes().await.map_err(|_| Unauthenticated::Unavailable)?;
        // The account service answers an invalid token with 200 and `null`.
        let answer: Option<Answer> =
            serde_json::from_slice(&body).map_err(|_| Unauthenticated::Unavailable)?;
        Ok(answer.map(|answer| Caller {
            user: answer.user.id,
            role: role_named(answer.user.role.as_deref()),
            until: u64::try_from(answer.session.expires_at.timestamp()).unwrap_or(0),
            session: answer.session.id,
            issued,
        }))
    }

    /// Why an address is refused; `None` if it is not.
    fn refusal(&self, address: IpAddr) -> Option<Exhausted> {
        let (until, exhausted) = self.refused.get(&address)?;
        let left = until.checked_duration_since(Instant::now())?;
        let retry_after = u32::try_from(left.as_secs() + 1).unwrap_or(u32::MAX);
        Some(Exhausted { retry_after, ..exhausted })
    }

    fn count_invalid(&self, address: IpAddr) {
        if let Err(exhausted) = self.limits.invalid_tokens.count(&address) {
            let until = Instant::now() + Duration::from_secs(exhausted.retry_after.into());
            self.refused.insert(address, (until, exhausted));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use aggregates::account::UserRole;
    use axum::Router;
    use axum::http::StatusCode;
    use axum::response::IntoResponse as _;
    use axum::routing::get;
    use serde_json::json;

    use super::*;
    use crate::config::{ConnectionLimits, LimitsConfig};

    static ANSWER: Mutex<(u16, String)> = Mutex::new((200, String::new()));

    /// An account service that answers as it is told.
    async fn introspection() -> Introspection {
        let answer = get(async || {
            let (status, body) = ANSWER.lock().unwrap().clone();
            (StatusCode::from_u16(status).unwrap(), body).into_response()
        });
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = Router::new().route("/api/auth/get-session", answer);
        tokio::spawn(async move { axum::serve(listener, service).await });
        Introspection::new(reqwest::Client::new(), &url, limits())
    }

    fn limits() -> Arc<Limits> {
        Arc::new(Limits::new(&LimitsConfig::default(), &ConnectionLimits::default()))
    }

    #[tokio::test]
    async fn a_caller_with_a_session_token_is_valid_until_the_session_expires_and_an_outage_refuses_nobody() {
        let introspection = introspection().await;
        let (user, session) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
        let whole = json!({
            "user": {"id": user, "role": "auditor"},
            "session": {"id": session, "expiresAt": "2100-01-01T00:00:00.000Z"},
        })
        .to_string();
        let half = whole[..whole.len() / 2].to_owned();
        for (index, (status, body)) in
            [(503, ""), (429, "null"), (200, half.as_str()), (200, "")].iter().enumerate()
        {
            *ANSWER.lock().unwrap() = (*status, (*body).to_owned());
            let token = format!("token-{index}").into();
            assert_eq!(
                introspection.introspect(&token, None).await,
                Err(Unauthenticated::Unavailable),
                "{body}"
            );
        }
        let token = "token-0".into();
        *ANSWER.lock().unwrap() = (200, whole);
        let caller = introspection.introspect(&token, None).await.unwrap();
        assert_eq!((caller.user, caller.session), (UserId::new(user), SessionId::new(session)));
        assert_eq!((caller.role, caller.until), (UserRole::Auditor, 4_102_444_800));
        *ANSWER.lock().unwrap() = (200, "null".to_owned());
        let other = "token-other".into();
        assert_eq!(introspection.introspect(&other, None).await, Err(Unauthenticated::Invalid));
    }
}
