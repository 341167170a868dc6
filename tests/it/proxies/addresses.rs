//! Which address counts for the limits: that of the connection, or the one that a trusted proxy names.

use colloquy::config::LimitsConfig;
use colloquy::roles::Role;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::support::backbone::new_database;
use crate::support::product::{Product, configuration};
use crate::support::raw::{Received, exchange};
use crate::support::served::{MASTER_KEY, command, failing};
use crate::support::waiting::until;

/// Invalid tokens that an address may send in a minute.
const INVALID_TOKENS: u32 = 3;
/// Requests without a valid token that an address may have in progress.
const ANONYMOUS_REQUESTS: usize = 2;

/// A product that trusts proxies in networks. Tests are its proxies.
async fn product(trusted: &[&str]) -> Product {
    let mut config = configuration(new_database().await);
    config.api.trusted_proxies = trusted.iter().map(|network| network.parse().unwrap()).collect();
    config.api.limits = LimitsConfig { limit_invalid_tokens: INVALID_TOKENS, ..LimitsConfig::default() };
    config.api.connections.max_anonymous_connections_per_address = ANONYMOUS_REQUESTS;
    Product::on(config, &[Role::Api]).await
}

/// Sends a made-up token with header lines of a proxy.
async fn made_up_token(product: &Product, lines: &str) -> Received {
    let token = Uuid::new_v4();
    let request = format!(
        "GET /v1/me HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {token}\r\n{lines}\r\n"
    );
    exchange(&product.url, request.as_bytes()).await
}

/// Sends made-up tokens until the address may send no more.
async fn use_up(product: &Product, lines: &str) {
    for _ in 0..=INVALID_TOKENS {
        made_up_token(product, lines).await;
    }
    assert_refused(&made_up_token(product, lines).await, "invalid_tokens", lines);
}

fn assert_refused(received: &Received, limit: &str, what: &str) {
    let what = what.get(..80).unwrap_or(what);
    assert_eq!(received.status(), 429, "{what}: {received:?}");
    assert!(received.body().contains(&format!("\"limit\":\"{limit}\"")), "{what}: {received:?}");
    assert!(received.header("retry-after").is_some(), "{what}");
}

#[tokio::test]
async fn by_default_no_header_changes_the_address_of_a_client() {
    let product = product(&[]).await;
    for number in 0..=INVALID_TOKENS {
        let lines = format!(
            "x-forwarded-for: 192.0.2.{number}\r\nforwarded: for=192.0.2.{number}\r\nx-real-ip: 192.0.2.{number}\r\n"
        );
        made_up_token(&product, &lines).await;
    }
    let refused = made_up_token(&product, "x-forwarded-for: 198.51.100.1\r\n").await;
    assert_refused(&refused, "invalid_tokens", "another address");
}

#[tokio::test]
async fn a_client_cannot_leave_its_address_behind_a_trusted_proxy() {
    let product = product(&["127.0.0.0/8", "10.0.0.0/8"]).await;
    use_up(&product, "x-forwarded-for: 192.0.2.1\r\n").await;
    let long = vec!["::9"; 10_000].join(",");
    for lines in [
        "x-forwarded-for: 203.0.113.7, 192.0.2.1\r\n",
        "x-forwarded-for: 203.0.113.7\r\nx-forwarded-for: 192.0.2.1\r\n",
        "x-forwarded-for: 203.0.113.7, 192.0.2.1:4711, 10.0.0.7\r\n",
        "x-forwarded-for: unknown, 192.0.2.1\r\n",
        "forwarded: for=203.0.113.7, for=192.0.2.1;proto=https\r\n",
        "forwarded: for=\"192.0.2.1:4711\"\r\n",
        &format!("x-forwarded-for: {long}, 192.0.2.1\r\n"),
    ] {
        assert_refused(&made_up_token(&product, lines).await, "invalid_tokens", lines);
    }
    for lines in ["x-forwarded-for: 192.0.2.2\r\n", "forwarded: for=192.0.2.3, for=10.0.0.7\r\n"] {
        assert_eq!(made_up_token(&product, lines).await.status(), 401, "{lines}");
    }
}

#[tokio::test]
async fn an_ipv6_network_of_64_bits_is_one_address() {
    let product = product(&["127.0.0.1/32"]).await;
    use_up(&product, "x-forwarded-for: 2001:db8:0:1::1\r\n").await;
    let neighbour = made_up_token(&product, "forwarded: for=\"[2001:db8:0:1:ffff::2]:4711\"\r\n").await;
    assert_refused(&neighbour, "invalid_tokens", "the same network");
    assert_eq!(made_up_token(&product, "x-forwarded-for: 2001:db8:0:2::1\r\n").await.status(), 401);
}

/// Sends the beginning of a sign-in through a proxy, whose end is missing.
async fn hold(product: &Product, address: &str) -> TcpStream {
    let mut connection = TcpStream::connect(product.url.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST /api/auth/sign-in/email HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         x-forwarded-for: {address}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{"
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection
}

#[tokio::test]
async fn a_client_with_many_requests_in_progress_keeps_out_neither_the_proxy_nor_its_other_clients() {
    let product = product(&["127.0.0.1/32"]).await;
    let livez = async |address: &str| {
        let request = format!(
            "GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-forwarded-for: {address}\r\n\r\n"
        );
        exchange(&product.url, request.as_bytes()).await
    };
    let mut held = Vec::new();
    for _ in 0..ANONYMOUS_REQUESTS {
        held.push(hold(&product, "192.0.2.1").await);
    }
    let refused = until("the requests have begun", async || {
        let received = livez("192.0.2.1").await;
        (received.status() == 429).then_some(received)
    });
    assert_refused(&refused.await, "anonymous_requests", "one more");
    for address in ["192.0.2.2", "2001:db8::1", "unknown"] {
        assert_eq!(livez(address).await.status(), 200, "{address}");
    }
    for connection in &mut held {
        connection.write_all(b"}").await.unwrap();
        connection.read_to_end(&mut Vec::new()).await.unwrap();
    }
    assert_eq!(livez("192.0.2.1").await.status(), 200);
}

#[tokio::test]
async fn browsers_that_a_trusted_proxy_reached_by_http_are_not_told_to_use_https() {
    let mut config = configuration(new_database().await);
    config.api.public_url = "https://chat.example.org".parse().unwrap();
    config.api.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    let product = Product::on(config, &[Role::Api]).await;
    for (line, is_told) in [
        ("", true),
        ("x-forwarded-proto: https\r\n", true),
        ("x-forwarded-proto: nonsense\r\n", true),
        ("x-forwarded-proto: http\r\n", false),
        ("forwarded: for=192.0.2.1;proto=http\r\n", false),
    ] {
        let request = format!("GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{line}\r\n");
        let received = exchange(&product.url, request.as_bytes()).await;
        assert_eq!(received.header("strict-transport-security").is_some(), is_told, "{line}");
    }
}

#[tokio::test]
async fn a_process_with_a_wrong_network_or_base_path_says_so_at_its_start() {
    let config = configuration("postgres://127.0.0.1:1/none".to_owned());
    for (name, value, reason) in [
        ("TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/33", "neither a network such as 10.0.0.0/8"),
        ("TRUSTED_PROXIES", "proxy.example.org", "neither a network such as 10.0.0.0/8"),
        ("PUBLIC_URL", "https://example.org/v1/chat", "begins like a path of the page or of the API"),
        ("PUBLIC_URL", "https://example.org/my%20chat", "letters, digits"),
    ] {
        let mut process = command(&config, MASTER_KEY);
        process.arg("serve").env(name, value);
        let error = failing(process).await;
        let wrong = value.rsplit(',').next().unwrap();
        assert!(error.contains(name) && error.contains(wrong) && error.contains(reason), "{error}");
    }
}
