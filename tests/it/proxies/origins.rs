//! Pages of other origins: what they may send, and what they can read.

use colloquy::roles::Role;
use serde_json::json;

use crate::support::accounts::{OwnAccounts, PASSWORD};
use crate::support::person::Person;
use crate::support::product::Product;

const ORIGIN: &str = "https://app.example.org";
const EXPOSED: [&str; 4] = ["etag", "retry-after", "set-auth-token", "x-trace-id"];

/// A product and an account service that both permit the origin.
async fn product() -> (OwnAccounts, Product) {
    let mut accounts = OwnAccounts::with(&[("CORS_ORIGINS", ORIGIN)]).await;
    accounts.config.api.cors_origins = vec![ORIGIN.parse().unwrap()];
    let product = Product::on(accounts.config.clone(), &[Role::Api, Role::Sequencer, Role::Projector]).await;
    (accounts, product)
}

/// The only value of a header.
fn only<'a>(response: &'a reqwest::Response, name: &str) -> Option<&'a str> {
    let values: Vec<_> = response.headers().get_all(name).iter().collect();
    assert!(values.len() <= 1, "{name}: {values:?}");
    values.first().map(|value| value.to_str().unwrap())
}

async fn sign_in(product: &Product, person: &Person, origin: &str) -> reqwest::Response {
    let body = json!({"email": person.email(), "password": PASSWORD});
    let request = reqwest::Client::new().post(format!("{}/api/auth/sign-in/email", product.url));
    request.header("origin", origin).json(&body).send().await.unwrap()
}

#[tokio::test]
async fn a_permitted_origin_signs_in_and_reads_the_headers_that_it_needs() {
    let (accounts, product) = product().await;
    let person = accounts.person(&product).await;
    let signed_in = sign_in(&product, &person, ORIGIN).await;
    assert_eq!(signed_in.status(), 200);
    assert!(only(&signed_in, "set-auth-token").is_some());
    let get =
        |path: &str| reqwest::Client::new().get(format!("{}{path}", product.url)).header("origin", ORIGIN);
    let answers = [
        signed_in,
        get("/api/auth/token").bearer_auth(&person.session).send().await.unwrap(),
        get("/v1/conversations").bearer_auth(&person.token).send().await.unwrap(),
        get("/v1/me").send().await.unwrap(),
        get("/v1/stream").bearer_auth(&person.token).send().await.unwrap(),
    ];
    for answer in answers {
        assert_eq!(only(&answer, "access-control-allow-origin"), Some(ORIGIN), "{answer:?}");
        assert_eq!(only(&answer, "access-control-allow-credentials"), None, "{answer:?}");
        let exposed = only(&answer, "access-control-expose-headers").unwrap().to_lowercase();
        let mut exposed: Vec<_> = exposed.split(',').map(str::trim).collect();
        exposed.sort_unstable();
        assert_eq!(exposed, EXPOSED, "{answer:?}");
        assert!(only(&answer, "vary").unwrap().contains("origin"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_browser_may_send_the_requests_of_a_permitted_origin() {
    let (_accounts, product) = product().await;
    for (path, method, header) in [
        ("/api/auth/sign-in/email", "POST", "content-type"),
        ("/api/auth/token", "GET", "authorization"),
        ("/v1/conversations/x/commands", "POST", "idempotency-key"),
        ("/v1/stream", "GET", "last-event-id"),
    ] {
        let request =
            reqwest::Client::new().request(reqwest::Method::OPTIONS, format!("{}{path}", product.url));
        let request = request.header("origin", ORIGIN).header("access-control-request-method", method);
        let answer = request.header("access-control-request-headers", header).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(only(&answer, "access-control-allow-origin"), Some(ORIGIN), "{path}");
        assert!(only(&answer, "access-control-allow-methods").unwrap().contains(method), "{path}");
        assert!(only(&answer, "access-control-allow-headers").unwrap().contains(header), "{path}");
    }
}

#[tokio::test]
async fn another_origin_neither_signs_in_nor_reads_anything() {
    let (accounts, product) = product().await;
    let person = accounts.person(&product).await;
    for origin in
        ["https://evil.example", "https://app.example.org.evil.example", "http://app.example.org", "null"]
    {
        let refused = sign_in(&product, &person, origin).await;
        assert_eq!(
            (refused.status().as_u16(), only(&refused, "access-control-allow-origin")),
            (403, None),
            "{origin}"
        );
        let request = reqwest::Client::new().get(format!("{}/v1/me", product.url)).header("origin", origin);
        let answer = request.bearer_auth(&person.token).send().await.unwrap();
        assert_eq!(only(&answer, "access-control-allow-origin"), None, "{origin}");
    }
}
