//! Keys that change, and an account service that answers otherwise than it should.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};

use super::*;

const OURS: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn key(id: &str, more: &Value) -> Value {
    let mut key = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": id, "x": OURS});
    for (name, value) in more.as_object().unwrap() {
        key[name] = value.clone();
    }
    key
}

/// An account service that has only keys, and an address to reach it.
async fn serving(document: Arc<Mutex<String>>) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = get(async move || document.lock().unwrap().clone());
    let service = Router::new().route("/api/auth/jwks", answer);
    tokio::spawn(async move { axum::serve(listener, service).await });
    url
}

fn jwks(url: &str, intervals: Intervals) -> Jwks {
    Jwks {
        client: reqwest::Client::new(),
        url: format!("{url}/api/auth/jwks"),
        expected: Expected { issuer: "colloquy".to_owned(), audience: "colloquy".to_owned() },
        intervals,
        keys: RwLock::default(),
        attempted: tokio::sync::Mutex::default(),
    }
}

const AT_ONCE: Intervals =
    Intervals { refresh: Duration::ZERO, retry: Duration::ZERO, give_up: Duration::from_mins(30) };

#[test]
fn keys_that_cannot_verify_tokens_are_ignored() {
    let document = json!({"keys": [
        {"kty": "FUTURE", "kid": "future", "alg": "PQ-1"},
        {"kty": "oct", "kid": "symmetric", "alg": "HS256", "k": "c2VjcmV0"},
        key("for encryption", &json!({"use": "enc"})),
        key("for anything else", &json!({"use": "tls"})),
        key("to sign alone", &json!({"key_ops": ["sign"]})),
        key("to derive", &json!({"use": "sig", "key_ops": ["deriveKey", "deriveBits"]})),
        key("of another algorithm", &json!({"alg": "none"})),
        key("ours", &json!({})),
        key("ours, marked", &json!({"use": "sig", "key_ops": ["verify"]})),
    ]});
    let mut ids: Vec<_> = read_keys(&document).into_keys().collect();
    ids.sort();
    assert_eq!(ids, ["ours", "ours, marked"]);
}

#[tokio::test]
async fn a_key_that_the_account_service_took_back_is_gone_after_the_refresh() {
    let document = |ids: &[&str]| {
        let keys: Vec<Value> = ids.iter().map(|id| key(id, &json!({"of": id}))).collect();
        json!({ "keys": keys }).to_string()
    };
    let served = Arc::new(Mutex::new(document(&["leaked", "kept"])));
    let jwks = jwks(&serving(Arc::clone(&served)).await, AT_ONCE);
    jwks.refresh().await.unwrap();
    let (leaked, kept) = (jwks.key("leaked").unwrap().fingerprint, jwks.key("kept").unwrap().fingerprint);
    assert!(jwks.has(&leaked) && jwks.has(&kept));
    *served.lock().unwrap() = document(&["kept"]);
    jwks.refresh().await.unwrap();
    assert!(!jwks.has(&leaked) && jwks.has(&kept));
}

#[tokio::test]
async fn keys_are_kept_while_the_document_is_unusable_and_given_up_at_their_age() {
    let served = Arc::new(Mutex::new(json!({"keys": [key("ours", &json!({}))]}).to_string()));
    let mut jwks = jwks(&serving(Arc::clone(&served)).await, AT_ONCE);
    jwks.refresh().await.unwrap();
    let endless = format!("{{\"keys\":[],\"padding\":\"{}\"}}", "x".repeat(DOCUMENT_BYTES));
    for document in ["", "[]", "{\"keys\": []}", "<html>", &endless] {
        document.clone_into(&mut served.lock().unwrap());
        jwks.refresh().await.unwrap();
        assert!(jwks.key("ours").is_some(), "{document:.20}");
    }
    jwks.intervals.give_up = Duration::ZERO;
    assert_eq!(jwks.refresh().await, Err(Unauthenticated::Unavailable));
}
