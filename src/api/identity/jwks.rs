//! Verification of JWTs. The keys are fetched from the account service, kept while it is unavailable, and
//! fetched again for an unknown key id.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use aggregates::UserId;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{Caller, LEEWAY_SECONDS, Role, Unauthenticated};
use crate::api::problem::with_causes;
use crate::config::ApiConfig;

/// Shortest time between two fetches, so that invented key ids are no load on the account service.
const FETCH_INTERVAL: Duration = Duration::from_secs(3);

/// The keys of the account service.
#[derive(Debug)]
pub(super) struct Jwks {
    client: reqwest::Client,
    url: String,
    issuer: String,
    audience: String,
    keys: RwLock<HashMap<String, VerifyingKey>>,
    fetched: Mutex<Option<Instant>>,
}

#[derive(Debug, Clone)]
struct VerifyingKey {
    key: DecodingKey,
    algorithm: Algorithm,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    role: Option<String>,
    sid: Option<uuid::Uuid>,
}

/// Result of a fetch.
#[derive(Debug, PartialEq, Eq)]
enum Fetched {
    Yes,
    TooSoon,
    Failed,
}

impl Jwks {
    pub(super) fn new(client: reqwest::Client, config: &ApiConfig) -> Self {
        Self {
            client,
            url: format!("{}/api/auth/jwks", config.auth_url),
            issuer: config.auth_issuer.clone(),
            audience: config.auth_audience.clone(),
            keys: RwLock::default(),
            fetched: Mutex::default(),
        }
    }

    pub(super) async fn warm_up(&self) {
        self.fetch().await;
    }

    /// The caller with a JWT.
    pub(super) async fn verify(&self, token: &SecretString) -> Result<Caller, Unauthenticated> {
        let header = decode_header(token.expose_secret()).map_err(|_| Unauthenticated::Invalid)?;
        let kid = header.kid.ok_or(Unauthenticated::Invalid)?;
        if let Some(key) = self.key(&kid) {
            return self.verify_with(&key, token);
        }
        let fetched = self.fetch().await;
        match (self.key(&kid), fetched) {
            (Some(key), _) => self.verify_with(&key, token),
            // Without the keys the token cannot be called invalid.
            (None, Fetched::Failed) => Err(Unauthenticated::Unavailable),
            (None, Fetched::Yes | Fetched::TooSoon) if self.knows_none() => Err(Unauthenticated::Unavailable),
            (None, Fetched::Yes | Fetched::TooSoon) => Err(Unauthenticated::Invalid),
        }
    }

    fn verify_with(&self, key: &VerifyingKey, token: &SecretString) -> Result<Caller, Unauthenticated> {
        // From the key, never from the token, which could name a weaker one.
        let mut validation = Validation::new(key.algorithm);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.leeway = LEEWAY_SECONDS;
        let claims = decode::<Claims>(token.expose_secret(), &key.key, &validation).map_err(|error| {
            if !matches!(error.kind(), ErrorKind::ExpiredSignature) {
                tracing::debug!(error = with_causes(error), "token was refused");
            }
            Unauthenticated::Invalid
        })?;
        let user: UserId = claims.claims.sub.parse().map_err(|_| Unauthenticated::Invalid)?;
        if user == UserId::SHARED {
            return Err(Unauthenticated::Invalid);
        }
        let Claims { exp, role, sid, .. } = claims.claims;
        Ok(Caller { user, role: Role::named(role.as_deref()), until: exp, session: sid })
    }

    fn key(&self, kid: &str) -> Option<VerifyingKey> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }

    fn knows_none(&self) -> bool {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Fetches the keys. One caller at a time: a caller that waited for the fetch of another one does not
    /// fetch again.
    async fn fetch(&self) -> Fetched {
        let mut fetched = self.fetched.lock().await;
        if fetched.is_some_and(|last| last.elapsed() < FETCH_INTERVAL) {
            return Fetched::TooSoon;
        }
        *fetched = Some(Instant::now());
        match self.download().await {
            Ok(keys) => {
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
                Fetched::Yes
            }
            Err(error) => {
                tracing::warn!(
                    error = with_causes(error.without_url()),
                    "keys of the account service were not fetched"
                );
                Fetched::Failed
            }
        }
    }

    async fn download(&self) -> Result<HashMap<String, VerifyingKey>, reqwest::Error> {
        let response = self.client.get(&self.url).send().await?.error_for_status()?;
        let document: serde_json::Value = response.json().await?;
        Ok(read_keys(&document))
    }
}

/// The keys of a JWKS document that can verify tokens. Other keys are ignored.
fn read_keys(document: &serde_json::Value) -> HashMap<String, VerifyingKey> {
    let keys = document.get("keys").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
    keys.into_iter()
        .filter_map(|key| {
            let jwk: Jwk = serde_json::from_value(key).ok()?;
            let kid = jwk.common.key_id.clone()?;
            let algorithm = match jwk.common.key_algorithm {
                Some(algorithm) => algorithm.to_string().parse().ok()?,
                None => Algorithm::EdDSA,
            };
            // A symmetric key in a public document is no secret.
            if matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) {
                return None;
            }
            Some((kid, VerifyingKey { key: DecodingKey::from_jwk(&jwk).ok()?, algorithm }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_cannot_verify_tokens_are_ignored() {
        let document = serde_json::json!({"keys": [
            {"kty": "FUTURE", "kid": "x", "alg": "PQ-1"},
            {"kty": "oct", "kid": "y", "alg": "HS256", "k": "c2VjcmV0"},
            {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "ours",
             "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        ]});
        let keys = read_keys(&document);
        assert_eq!(keys.keys().collect::<Vec<_>>(), ["ours"]);
    }
}
