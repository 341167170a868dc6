//! Verification of JWTs. The keys are fetched from the account service: again when they are a minute old,
//! and for an unknown key id. While the account service is away they are kept for half an hour, longer than
//! any token lives.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use super::claims::{Claims, Expected, Header, Validity};
use super::{Caller, Unauthenticated};
use crate::api::problem::with_causes;
use crate::config::ApiConfig;

/// Largest JWKS document.
const DOCUMENT_BYTES: usize = 256 << 10;
/// Shortest time between two fetches before the first one has succeeded.
const FIRST_RETRY: Duration = Duration::from_millis(250);

/// Intervals of fetching keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct Intervals {
    /// Age at which keys are fetched again.
    refresh: Duration,
    /// Shortest time between two fetches, so that invented key ids are no load on the account service.
    retry: Duration,
    /// Age at which keys are not used any more.
    give_up: Duration,
}

impl Intervals {
    pub(super) const DEFAULT: Self = Self {
        refresh: Duration::from_mins(1),
        retry: Duration::from_secs(3),
        give_up: Duration::from_mins(30),
    };
}

/// The keys of the account service.
#[derive(Debug)]
pub(super) struct Jwks {
    client: reqwest::Client,
    url: String,
    expected: Expected,
    intervals: Intervals,
    keys: RwLock<Keys>,
    attempted: Mutex<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Keys {
    by_id: HashMap<String, Arc<VerifyingKey>>,
    fetched: Option<Instant>,
}

/// Identifies a key by all that it says.
pub(super) type Fingerprint = [u8; 32];

#[derive(Debug)]
struct VerifyingKey {
    key: DecodingKey,
    algorithm: Algorithm,
    fingerprint: Fingerprint,
}

/// A JWT whose signature and claims are right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verified {
    pub(super) caller: Caller,
    pub(super) validity: Validity,
    /// The key that signed it.
    pub(super) key: Fingerprint,
}

/// Why the keys were not fetched.
#[derive(Debug, thiserror::Error)]
enum NotFetched {
    #[error("account service did not answer")]
    Http(#[from] reqwest::Error),
    #[error("the document of keys exceeds {DOCUMENT_BYTES} bytes")]
    TooLarge,
    #[error("the document of keys is not JSON")]
    Malformed(#[from] serde_json::Error),
    #[error("the document of keys has none that verifies tokens")]
    Empty,
}

/// Result of a fetch.
#[derive(Debug, PartialEq, Eq)]
enum Fetched {
    Yes,
    TooSoon,
    Failed,
}

impl Jwks {
    pub(super) fn new(client: reqwest::Client, config: &ApiConfig, intervals: Intervals) -> Self {
        let (issuer, audience) = (config.auth_issuer.clone(), config.auth_audience.clone());
        Self {
            client,
            url: format!("{}/api/auth/jwks", config.auth_url),
            expected: Expected { issuer, audience },
            intervals,
            keys: RwLock::default(),
            attempted: Mutex::default(),
        }
    }

    /// Fetches the keys if they are older than the refresh interval. Does not wait for a fetch that another
    /// caller has begun. Fails when the keys are too old to be used.
    pub(super) async fn refresh(&self) -> Result<(), Unauthenticated> {
        let age = self.age();
        if age.is_some_and(|age| age < self.intervals.refresh) {
            return Ok(());
        }
        if age.is_none_or(|age| age >= self.intervals.give_up) {
            self.fetch().await;
        } else if let Ok(attempted) = self.attempted.try_lock() {
            self.fetch_after(attempted).await;
        }
        let is_usable = self.age().is_some_and(|age| age < self.intervals.give_up);
        if is_usable { Ok(()) } else { Err(Unauthenticated::Unavailable) }
    }

    /// Whether a key is among the current ones.
    pub(super) fn has(&self, fingerprint: &Fingerprint) -> bool {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.by_id.values().any(|key| key.fingerprint == *fingerprint)
    }

    /// Verifies a JWT, except for the time of its validity. Expects fresh keys ([`Self::refresh`]).
    pub(super) async fn verify(&self, token: &SecretString) -> Result<Verified, Unauthenticated> {
        let header = read_header(token.expose_secret()).ok_or(Unauthenticated::Invalid)?;
        if let Some(key) = self.key(&header.kid) {
            return self.verify_with(&key, token);
        }
        let fetched = self.fetch().await;
        match (self.key(&header.kid), fetched) {
            (Some(key), _) => self.verify_with(&key, token),
            // Without the keys the token cannot be called invalid.
            (None, Fetched::Failed) => Err(Unauthenticated::Unavailable),
            (None, Fetched::Yes | Fetched::TooSoon) => Err(Unauthenticated::Invalid),
        }
    }

    fn verify_with(&self, key: &VerifyingKey, token: &SecretString) -> Result<Verified, Unauthenticated> {
        // From the key, never from the token, which could name a weaker one.
        let mut validation = Validation::new(key.algorithm);
        // Only the signature: `Claims` checks what the token says.
        validation.required_spec_claims.clear();
        (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
        let claims = decode::<Claims>(token.expose_secret(), &key.key, &validation).map_err(|error| {
            tracing::debug!(error = with_causes(error), "token was refused");
            Unauthenticated::Invalid
        })?;
        let (caller, validity) = claims.claims.caller(&self.expected).ok_or(Unauthenticated::Invalid)?;
        Ok(Verified { caller, validity, key: key.fingerprint })
    }

    fn key(&self, id: &str) -> Option<Arc<VerifyingKey>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).by_id.get(id).cloned()
    }

    /// Time since the keys were fetched; `None` before that.
    fn age(&self) -> Option<Duration> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).fetched.map(|fetched| fetched.elapsed())
    }

    /// Fetches the keys. One caller at a time: a caller that waited for the fetch of another one does not
    /// fetch again.
    async fn fetch(&self) -> Fetched {
        self.fetch_after(self.attempted.lock().await).await
    }

    async fn fetch_after(&self, mut attempted: tokio::sync::MutexGuard<'_, Option<Instant>>) -> Fetched {
        // At the start the account service may be a moment later than this process.
        let retry =
            if self.age().is_none() { self.intervals.retry.min(FIRST_RETRY) } else { self.intervals.retry };
        if attempted.is_some_and(|last| last.elapsed() < retry) {
            return Fetched::TooSoon;
        }
        *attempted = Some(Instant::now());
        match self.download().await {
            Ok(by_id) => {
                let keys = Keys { by_id, fetched: Some(Instant::now()) };
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
                Fetched::Yes
            }
            Err(error) => {
                tracing::warn!(error = with_causes(error), "keys of the account service were not fetched");
                Fetched::Failed
            }
        }
    }

    async fn download(&self) -> Result<HashMap<String, Arc<VerifyingKey>>, NotFetched> {
        let response = self.client.get(&self.url).send().await.and_then(reqwest::Response::error_for_status);
        let mut response = response.map_err(reqwest::Error::without_url)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
            if body.len() + chunk.len() > DOCUMENT_BYTES {
                return Err(NotFetched::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let keys = read_keys(&serde_json::from_slice(&body)?);
        if keys.is_empty() { Err(NotFetched::Empty) } else { Ok(keys) }
    }
}

/// Reads a JWT without verifying it, and a document of keys.
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::api) fn read_token(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = read_header(&text);
    if let Some(Ok(json)) = text.split('.').nth(1).map(|encoded| URL_SAFE_NO_PAD.decode(encoded)) {
        let _ = serde_json::from_slice::<Claims>(&json);
    }
    if let Ok(claims) = serde_json::from_slice::<Claims>(bytes) {
        let expected = Expected { issuer: "i".to_owned(), audience: "a".to_owned() };
        let _ = claims.caller(&expected);
    }
    if let Ok(document) = serde_json::from_slice(bytes) {
        let _ = read_keys(&document);
    }
}

/// The header of a JWT that is an access token.
fn read_header(token: &str) -> Option<Header> {
    let (encoded, _) = token.split_once('.')?;
    let json = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    serde_json::from_slice(&json).ok().filter(Header::is_access_token)
}

/// The keys of a JWKS document that can verify tokens. Other keys are ignored.
fn read_keys(document: &serde_json::Value) -> HashMap<String, Arc<VerifyingKey>> {
    let keys = document.get("keys").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
    keys.into_iter().filter_map(read_key).collect()
}

fn read_key(key: serde_json::Value) -> Option<(String, Arc<VerifyingKey>)> {
    let fingerprint = *blake3::hash(key.to_string().as_bytes()).as_bytes();
    let jwk: Jwk = serde_json::from_value(key).ok()?;
    let common = &jwk.common;
    let signs = common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
    let verifies = common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    if !signs || !verifies {
        return None;
    }
    let id = common.key_id.clone()?;
    let algorithm = match common.key_algorithm {
        Some(algorithm) => algorithm.to_string().parse().ok()?,
        None => Algorithm::EdDSA,
    };
    // A symmetric key in a public document is no secret.
    if matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) {
        return None;
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    Some((id, Arc::new(VerifyingKey { key, algorithm, fingerprint })))
}

#[cfg(test)]
mod tests;
