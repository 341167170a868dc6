//! Introspection of opaque session tokens by the account service, cached for seconds.

use std::time::{Duration, Instant};

use aggregates::{SessionId, UserId};
use chrono::{DateTime, Utc};
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{Caller, Unauthenticated, role_named, seconds_now, token_hash};

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
        self.ask(token, hash).await
    }

    async fn ask(&self, token: &SecretString, hash: [u8; 32]) -> Result<Caller, Unauthenticated> {
        let issued = seconds_now();
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
            role: role_named(answer.user.role.as_deref()),
            until: u64::try_from(answer.session.expires_at.timestamp()).unwrap_or(0),
            session: answer.session.id,
            issued,
        });
        self.answers.insert(hash, (Instant::now(), caller));
        caller.ok_or(Unauthenticated::Invalid)
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
        Introspection::new(reqwest::Client::new(), &url)
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
            assert_eq!(introspection.introspect(&token).await, Err(Unauthenticated::Unavailable), "{body}");
        }
        let token = "token-0".into();
        *ANSWER.lock().unwrap() = (200, whole);
        let caller = introspection.introspect(&token).await.unwrap();
        assert_eq!((caller.user, caller.session), (UserId::new(user), SessionId::new(session)));
        assert_eq!((caller.role, caller.until), (UserRole::Auditor, 4_102_444_800));
        *ANSWER.lock().unwrap() = (200, "null".to_owned());
        let other = "token-other".into();
        assert_eq!(introspection.introspect(&other).await, Err(Unauthenticated::Invalid));
    }
}
