//! Page and API below a path of their host, whether the proxy passes the path on or removes it.

use std::path::Path;

use colloquy::roles::Role;
use serde_json::Value;

use crate::support::backbone::new_database;
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::raw::{exchange, request};

const BASE: &str = "/apps/colloquy";

/// What the build of the page writes: addresses relative to the base path.
const INDEX: &str = "<!doctype html><meta name=\"base-path\" content=\"./\" />\
    <script type=\"module\" src=\"./assets/app-1a2b.js\"></script>";

async fn product(folder: &Path) -> Product {
    std::fs::create_dir(folder.join("assets")).unwrap();
    std::fs::write(folder.join("index.html"), INDEX).unwrap();
    std::fs::write(folder.join("assets/app-1a2b.js"), "0").unwrap();
    let mut config = configuration(new_database().await);
    config.api.web_dir = Some(folder.to_owned());
    config.api.public_url = format!("https://example.org{BASE}").parse().unwrap();
    Product::on(config, &[Role::Api, Role::Sequencer, Role::Projector]).await
}

#[tokio::test]
async fn paths_are_served_with_the_base_path_and_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let product = product(folder.path()).await;
    for (path, status) in [
        ("/livez", 200),
        ("/v1/me", 401),
        ("/api/auth/ok", 200),
        ("/", 200),
        ("/c/0197b3f0-5d5a-7cc2-b6f5-0f0d7f1f2a3b", 200),
        ("/assets/app-1a2b.js", 200),
        ("/assets/missing.js", 404),
        ("/v1/nowhere", 404),
        ("//v1/me", 404),
        ("/docs/", 200),
    ] {
        for path in [path.to_owned(), format!("{BASE}{path}")] {
            let received = request(&product.url, "GET", &path).await;
            assert_eq!(received.status(), status, "{path}: {received:?}");
        }
    }
    assert_eq!(request(&product.url, "GET", BASE).await.status(), 200);
    let person = Person::of(&format!("{}{BASE}", product.url)).await;
    assert_eq!(person.get("/v1/me").await.status, 200);
}

#[tokio::test]
async fn addresses_in_responses_have_the_base_path() {
    let folder = tempfile::tempdir().unwrap();
    let product = product(folder.path()).await;
    for path in ["/", "/documents", "/index.html"] {
        for path in [path.to_owned(), format!("{BASE}{path}")] {
            let page = request(&product.url, "GET", &path).await;
            assert!(page.body().contains(&format!("src=\"{BASE}/assets/app-1a2b.js\"")), "{page:?}");
            assert!(page.body().contains(&format!("content=\"{BASE}/\"")), "{page:?}");
        }
    }
    for (path, location) in [("/docs", "/docs/"), ("/api/auth/error", "/?error=UNKNOWN")] {
        for path in [path.to_owned(), format!("{BASE}{path}")] {
            let redirected = request(&product.url, "GET", &path).await;
            assert_eq!(
                redirected.header("location"),
                Some(format!("{BASE}{location}").as_str()),
                "{redirected:?}"
            );
        }
    }
    let document = request(&product.url, "GET", "/openapi.json").await;
    let document: Value = serde_json::from_str(document.body()).unwrap();
    assert_eq!(document["servers"][0]["url"], BASE);
    let swagger = request(&product.url, "GET", "/docs/swagger-initializer.js").await;
    assert!(swagger.body().contains(&format!("\"{BASE}/openapi.json\"")), "{swagger:?}");
}

#[tokio::test]
async fn a_browser_that_has_the_page_is_not_sent_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let product = product(folder.path()).await;
    let tag = request(&product.url, "GET", "/").await.header("etag").unwrap().to_owned();
    let again = async |tag: &str| {
        let head = "GET /documents HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
        exchange(&product.url, format!("{head}if-none-match: {tag}\r\n\r\n").as_bytes()).await
    };
    for tag in [tag.clone(), format!("W/{tag}")] {
        let received = again(&tag).await;
        assert_eq!((received.status(), received.body()), (304, ""), "{received:?}");
        assert_eq!(received.header("cache-control"), Some("no-cache"));
    }
    std::fs::write(folder.path().join("index.html"), "<!doctype html>").unwrap();
    let changed = again(&tag).await;
    assert_eq!((changed.status(), changed.body()), (200, "<!doctype html>"));
}
