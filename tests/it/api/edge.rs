//! Requests that no client sends, and the headers of all responses.

use std::path::Path;

use crate::support::backbone::new_database;
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::raw::{Received, exchange, request};
use colloquy::roles::Role;

const PROBLEM: &str = "application/problem+json";
const ROLES: [Role; 3] = [Role::Api, Role::Sequencer, Role::Projector];

/// A product with a page of three files, at an address of HTTPS.
async fn product_with_page(folder: &Path) -> Product {
    std::fs::create_dir(folder.join("assets")).unwrap();
    for (file, text) in [
        ("index.html", "<!doctype html><title>page</title>"),
        ("assets/app-1a2b.js", "0"),
        (".hidden", "hidden words"),
        ("assets/.map", "hidden words"),
    ] {
        std::fs::write(folder.join(file), text).unwrap();
    }
    let mut config = configuration(new_database().await);
    config.api.web_dir = Some(folder.to_owned());
    config.api.public_url = "https://chat.example.org".parse().unwrap();
    Product::on(config, &ROLES).await
}

fn assert_no_such_route(received: &Received, what: &str) {
    assert_eq!(received.status(), 404, "{what}: {received:?}");
    assert_eq!(received.header("content-type"), Some(PROBLEM), "{what}");
    assert!(received.body().contains("urn:colloquy:problem:no-such-route"), "{what}: {received:?}");
}

#[tokio::test]
async fn a_request_names_exactly_one_host() {
    let product = Product::start().await;
    for (head, status) in [
        ("GET /livez HTTP/1.1\r\nhost: localhost:8080\r\n", 200),
        ("GET /livez HTTP/1.1\r\nHost: [::1]:8080\r\n", 200),
        ("GET http://localhost/livez HTTP/1.1\r\nhost: localhost\r\n", 200),
        ("GET /livez HTTP/1.0\r\n", 200),
        ("GET /livez HTTP/1.1\r\n", 400),
        ("GET http://localhost/livez HTTP/1.1\r\n", 400),
        ("GET /livez HTTP/1.1\r\nhost:\r\n", 400),
        ("GET /livez HTTP/1.1\r\nhost: a\r\nhost: a\r\n", 400),
        ("GET /livez HTTP/1.1\r\nhost: a\r\nHOST: b\r\n", 400),
        ("GET /livez HTTP/1.0\r\nhost: a\r\nhost: b\r\n", 400),
        ("GET /livez HTTP/1.1\r\nhost: a, b\r\n", 400),
        ("GET /livez HTTP/1.1\r\nhost: a b\r\n", 400),
        ("GET /livez HTTP/1.1\r\nhost: ann@a\r\n", 400),
        ("GET /livez HTTP/1.1\r\nhost: a/v1/me\r\n", 400),
    ] {
        let received = exchange(&product.url, format!("{head}connection: close\r\n\r\n").as_bytes()).await;
        assert_eq!(received.status(), status, "{head}: {received:?}");
    }
}

#[tokio::test]
async fn a_header_has_64_kilobytes_in_all() {
    let product = Product::start().await;
    let with = |name: &str, bytes: usize| {
        let value = "a".repeat(bytes);
        format!("GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{name}: {value}\r\n\r\n")
    };
    assert_eq!(exchange(&product.url, with("x-long", 60_000).as_bytes()).await.status(), 200);
    for bytes in [66_000, 400_000] {
        let received = exchange(&product.url, with("x-long", bytes).as_bytes()).await;
        assert!(matches!(received.status(), 0 | 431), "{bytes}: {}", received.status());
    }
    let many = "x: y\r\n".repeat(101);
    let received = format!("GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{many}\r\n");
    assert_eq!(exchange(&product.url, received.as_bytes()).await.status(), 431);
    let target = format!("/{}", "a".repeat(70_000));
    assert!(matches!(request(&product.url, "GET", &target).await.status(), 0 | 414 | 431));
}

#[tokio::test]
async fn invented_methods_are_refused_and_share_one_label() {
    let product = Product::start().await;
    for number in 0..50 {
        let method = format!("M{number}{}", "A".repeat(1_000 * number));
        let received = request(&product.url, &method, "/v1/me").await;
        assert_eq!(received.status(), 405, "{received:?}");
        assert_eq!(received.header("allow"), Some("GET,HEAD,DELETE"));
        assert_eq!(request(&product.url, &method, "/nowhere").await.status(), 404);
    }
    let metrics = product.metrics().await;
    assert!(!metrics.contains("AAAA"));
    let counted = "http_request_duration_seconds_count{route=\"/v1/me\",method=\"other\",status=\"4xx\"} 50";
    assert!(metrics.contains(counted), "{metrics}");
    assert_eq!(request(&product.url, "TRACE", "/v1/me").await.status(), 405);
    assert!(matches!(request(&product.url, "CONNECT", "localhost:80").await.status(), 404 | 405));
    assert_eq!(request(&product.url, "OPTIONS", "*").await.status(), 200);
}

#[tokio::test]
async fn no_body_hides_a_second_request() {
    let product = Product::start().await;
    let hidden = "GET /v1/hidden HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    for framing in [
        "content-length: 0\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "content-length: 0\r\ncontent-length: 80\r\n",
        "content-length: 0, 80\r\n",
        "content-length: +80\r\n",
        "content-length: -1\r\n",
        "content-length: 0x50\r\n",
        "content-length: 80 80\r\n",
        "content-length : 80\r\n",
        "content-length: 99999999999999999999\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding : chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
        " folded: x\r\n",
        "x: y\r\n\tcontent-length: 80\r\n",
        "x\0y: z\r\n",
    ] {
        let head = "POST /v1/documents HTTP/1.1\r\nhost: localhost\r\n";
        let bytes = format!("{head}{framing}\r\n0\r\n\r\n{hidden}");
        let received = exchange(&product.url, bytes.as_bytes()).await;
        assert!(received.responses() <= 1, "{framing}: {received:?}");
        assert!(!received.body().contains("no-such-route"), "{framing}: {received:?}");
    }
    for chunk in ["ffffffffffffffffff\r\n", "-1\r\n", "5 5\r\n", "g\r\n", "0;x=\"\n\r\n"] {
        let head =
            "POST /api/auth/sign-in/email HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
        let received = exchange(&product.url, format!("{head}{chunk}{hidden}").as_bytes()).await;
        assert!(received.responses() <= 1, "{chunk}: {received:?}");
        assert!(!received.body().contains("no-such-route"), "{chunk}: {received:?}");
    }
}

#[tokio::test]
async fn paths_of_the_api_are_never_the_page_in_whatever_way_they_are_spelled() {
    let folder = tempfile::tempdir().unwrap();
    let product = product_with_page(folder.path()).await;
    for path in [
        "/v1",
        "/v1/",
        "/v1/nowhere",
        "/V1/me",
        "//v1/me",
        "/v1//me",
        "/v1%2fme",
        "/v1%2Fme",
        "/%761/me",
        "/./v1/me",
        "/x/../v1/me",
        "/v1;a=b/me",
        "/v1\\me",
        "/%5cv1/me",
        "/v1%00/me",
        "/v1/me/",
        "/api",
        "/api/",
        "/API/auth/ok",
        "/api%2fauth%2fok",
        "//api/auth/ok",
        "/%2561pi/auth",
        "/api/other",
    ] {
        assert_no_such_route(&request(&product.url, "GET", path).await, path);
    }
    for path in ["/", "/c/0197b3f0-5d5a-7cc2-b6f5-0f0d7f1f2a3b", "/sign-in?to=/v1/me"] {
        let received = request(&product.url, "GET", path).await;
        assert_eq!((received.status(), received.header("content-type")), (200, Some("text/html")), "{path}");
    }
}

#[tokio::test]
async fn hidden_long_and_missing_files_are_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let product = product_with_page(folder.path()).await;
    let (name, path) = (format!("/{}", "a".repeat(8_000)), "/a".repeat(4_000));
    for path in [
        "/.hidden",
        "/%2ehidden",
        "/assets/.map",
        "/assets/missing.js",
        "/.well-known/security.txt",
        "/favicon.ico",
        "/assets/../.hidden",
        "/..%2f..%2fetc%2fpasswd",
        "/../../etc/passwd",
        &name,
        &path,
    ] {
        let received = request(&product.url, "GET", path).await;
        assert_no_such_route(&received, path.get(..60).unwrap_or(path));
        assert!(!received.body().contains("hidden words"));
    }
    let robots = request(&product.url, "GET", "/robots.txt").await;
    assert_eq!((robots.status(), robots.body()), (200, "User-agent: *\nDisallow: /\n"));
}

#[tokio::test]
async fn every_response_forbids_frames_and_demands_https_where_people_use_it() {
    let folder = tempfile::tempdir().unwrap();
    let product = product_with_page(folder.path()).await;
    for (path, status) in [
        ("/", 200),
        ("/assets/app-1a2b.js", 200),
        ("/nowhere.txt", 404),
        ("/docs/", 200),
        ("/docs/index.html", 200),
        ("/openapi.json", 200),
        ("/robots.txt", 200),
        ("/livez", 200),
        ("/v1/me", 401),
        ("/api/auth/error", 302),
        ("/api/auth/ok", 200),
    ] {
        let received = request(&product.url, "GET", path).await;
        assert_eq!(received.status(), status, "{path}: {received:?}");
        assert_eq!(received.header("strict-transport-security"), Some("max-age=31536000"), "{path}");
        assert_eq!(received.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(received.header("x-content-type-options"), Some("nosniff"), "{path}");
        let policy = received.header("content-security-policy").unwrap_or_default();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(received.header("cache-control").is_some(), "{path}");
    }
    let over_http = Product::start().await;
    assert_eq!(request(&over_http.url, "GET", "/livez").await.header("strict-transport-security"), None);
}

#[tokio::test]
async fn no_cache_keeps_what_belongs_to_a_person_and_no_proxy_holds_a_stream_back() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    for path in ["/v1/me", "/v1/usage"] {
        let answered = person.get(path).await;
        assert_eq!((answered.status, answered.headers["cache-control"].as_str()), (200, "private, no-store"));
    }
    assert_eq!(person.get("/v1/conversations").await.headers["cache-control"], "private, no-cache");
    let stream = person.open("/v1/stream", None).await;
    assert_eq!(stream.headers()["cache-control"], "no-cache, no-transform");
    assert_eq!(stream.headers()["x-accel-buffering"], "no");
}

#[tokio::test]
async fn head_is_answered_like_get_without_a_body() {
    let product = Product::start().await;
    for path in ["/livez", "/openapi.json", "/api/auth/ok", "/v1/me", "/nowhere"] {
        let (get, head) =
            (request(&product.url, "GET", path).await, request(&product.url, "HEAD", path).await);
        assert_eq!(head.status(), get.status(), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.body(), "", "{path}");
    }
}

#[tokio::test]
async fn a_process_ends_at_once_though_clients_hold_connections() {
    let product = Product::start().await;
    let address = product.url.trim_start_matches("http://").to_owned();
    let mut silent = Vec::new();
    for beginning in ["", "G", "GET /livez HTTP/1.1\r\nhost: loc"] {
        let mut connection = tokio::net::TcpStream::connect(&address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut connection, beginning.as_bytes()).await.unwrap();
        silent.push(connection);
    }
    assert_eq!(request(&product.url, "GET", "/livez").await.status(), 200);
    let ending = tokio::time::timeout(std::time::Duration::from_secs(10), product.end());
    ending.await.expect("connections without a request hold the process");
}
