//! Real proxies in front of the product, with the configurations of `docs/operating.md`.

use std::net::{IpAddr, Ipv4Addr};

use colloquy::config::Config;
use colloquy::knowledge::ingest;
use colloquy::process::App;
use colloquy::roles::Role;
use embedded::{DataDir, ReverseProxy, Service};
use serde_json::json;
use uuid::Uuid;

use crate::support::accounts::OwnAccounts;
use crate::support::answering::{KNOWLEDGE, QUESTION};
use crate::support::backbone::new_database;
use crate::support::model_server::{Act, ModelServer};
use crate::support::person::{Person, read_until};
use crate::support::product::{Product, configuration, worker_config};
use crate::support::service;

/// Sign-ins that an address may try in a minute.
const SIGN_INS: usize = 20;

/// A product, and a proxy in front of it that it trusts.
struct Behind {
    product: Product,
    proxy: Service,
}

impl Behind {
    async fn start(proxy: ReverseProxy, mut config: Config, roles: &[Role]) -> Self {
        config.api.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        let product = Product::on(config, roles).await;
        let address = product.url.trim_start_matches("http://").parse().unwrap();
        let proxy = proxy.start(address, &DataDir::temporary().unwrap()).await.unwrap();
        Self { product, proxy }
    }

    fn url(&self) -> String {
        format!("http://{}", self.proxy.address())
    }
}

async fn teach(product: &Product) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("marimba.md");
    std::fs::write(&file, KNOWLEDGE).unwrap();
    let app = App::new(product.config.app.clone(), [].into()).await.unwrap();
    ingest::run(&product.config.knowledge, app.store(2).unwrap(), app.wake(), &[file]).await.unwrap();
}

/// The model ends its answer only once the first words have passed the proxy.
async fn first_words_pass(proxy: ReverseProxy) {
    let model = ModelServer::start(&[Act::Hold("It has sixty-one ", "bars of rosewood [1].")]).await;
    let mut config = configuration(new_database().await);
    config.worker = worker_config(Some(&model));
    let behind = Behind::start(proxy, config, &Role::ALL).await;
    teach(&behind.product).await;
    let person = Person::of(&behind.url()).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, QUESTION).await;
    let stream = person.open(&format!("/v1/conversations/{conversation}/stream"), None).await;
    assert_eq!(stream.headers()["cache-control"], "no-cache, no-transform");
    let told = read_until(stream, |told| {
        if told.event == "answer.delta" {
            model.release();
        }
        told.event == "answer.completed"
    })
    .await;
    assert_eq!(told.last().unwrap().data["text"], "It has sixty-one bars of rosewood [1].");
}

#[tokio::test]
async fn the_first_words_of_an_answer_pass_nginx_before_its_end() {
    first_words_pass(ReverseProxy::Nginx).await;
}

#[tokio::test]
async fn the_first_words_of_an_answer_pass_caddy_before_its_end() {
    first_words_pass(ReverseProxy::Caddy).await;
}

/// A client with an address of its own.
fn client(last: u8) -> reqwest::Client {
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
    reqwest::Client::builder().local_address(address).build().unwrap()
}

/// Tries to sign in as nobody; the status.
async fn sign_in(client: &reqwest::Client, url: &str, forged: &[(&str, &str)]) -> u16 {
    let body =
        json!({"email": format!("{}@example.org", Uuid::now_v7().simple()), "password": "wrong password"});
    let mut request = client.post(format!("{url}/api/auth/sign-in/email")).json(&body);
    request = request.header("origin", service("COLLOQUY_TEST_PUBLIC_URL"));
    for (name, value) in forged {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn twenty_one_sign_ins_of_one_address_do_not_touch_another_whatever_the_one_forges() {
    let accounts = OwnAccounts::with_rate_limit().await;
    let behind = Behind::start(ReverseProxy::Nginx, accounts.config.clone(), &[Role::Api]).await;
    let (url, one, other) = (behind.url(), client(2), client(3));
    for number in 0..SIGN_INS {
        assert_eq!(sign_in(&one, &url, &[]).await, 401, "{number}");
    }
    assert_eq!(sign_in(&one, &url, &[]).await, 429);
    for forged in [
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-for", "unknown"),
        ("forwarded", "for=192.0.2.7"),
        ("x-real-ip", "192.0.2.7"),
        ("x-colloquy-client-ip", "192.0.2.7"),
    ] {
        assert_eq!(sign_in(&one, &url, &[forged]).await, 429, "{forged:?}");
    }
    assert_eq!(sign_in(&other, &url, &[]).await, 401);
}
