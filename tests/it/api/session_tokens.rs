//! Opaque session tokens before the account service has answered: bounded, and never called
//! invalid by mistake.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use colloquy::config::LimitsConfig;
use colloquy::roles::Role;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use crate::support::backbone::new_database;
use crate::support::product::{Product, configuration};

const INVALID: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\nnull";
const BROKEN_OFF: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 400\r\n\r\n{\"user\":";

/// An account service that calls every token invalid, or breaks off for a token with the word "broken".
async fn account_service() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer(connection, Arc::clone(&counted)));
        }
    });
    (url, calls)
}

async fn answer(mut connection: TcpStream, calls: Arc<AtomicUsize>) {
    let mut request = vec![0; 4_096];
    let length = connection.read(&mut request).await.unwrap_or_default();
    let request = String::from_utf8_lossy(&request[..length]).into_owned();
    if request.contains("get-session") {
        calls.fetch_add(1, Ordering::Relaxed);
    }
    let response = if request.contains("broken") { BROKEN_OFF } else { INVALID };
    let _ = connection.write_all(response).await;
}

async fn product(auth_url: String) -> Product {
    let mut config = configuration(new_database().await);
    config.api.auth_url = auth_url;
    config.api.limits = LimitsConfig { limit_invalid_tokens: 10, ..LimitsConfig::default() };
    Product::on(config, &[Role::Api]).await
}

async fn get(product: &Product, token: &str) -> (u16, Value) {
    let request = reqwest::Client::new().get(format!("{}/v1/me", product.url)).bearer_auth(token);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn an_address_that_sends_made_up_tokens_is_refused_before_the_account_service_is_asked() {
    let (url, calls) = account_service().await;
    let product = product(url).await;
    assert_eq!(get(&product, "the-same").await.0, 401);
    assert_eq!(get(&product, "the-same").await.0, 401);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    let mut refused = Vec::new();
    for _ in 0..50 {
        let (status, body) = get(&product, &Uuid::new_v4().to_string()).await;
        if status == 429 {
            refused.push(body);
        }
    }
    assert!(calls.load(Ordering::Relaxed) < 20, "{calls:?}");
    assert_eq!(refused.last().unwrap()["limit"], json!("invalid_tokens"));
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_sign_anybody_out() {
    let (url, _) = account_service().await;
    let product = product(url).await;
    assert_eq!(get(&product, "broken").await.0, 503);
    assert_eq!(get(&product, "broken").await.0, 503);
}

#[tokio::test]
async fn an_unknown_path_of_the_account_service_does_not_reach_it() {
    let product = Product::start().await;
    for path in ["made-up", "sign-in", "token/x", "sign-in/email/"] {
        let response = reqwest::get(format!("{}/api/auth/{path}", product.url)).await.unwrap();
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
    }
    let response = reqwest::get(format!("{}/api/auth/ok", product.url)).await.unwrap();
    assert_eq!(response.status(), 200);
}
