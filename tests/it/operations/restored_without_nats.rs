//! A database restored from before an erasure shows nothing of the erased, however long NATS is away: the
//! tombstones beside the files tell who was erased, or nobody is served.

use colloquy::config::Config;
use colloquy::roles::Role;
use embedded::{DataDir, Nats, Parts, WithModel};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::backbone::new_database;
use crate::support::files_url;
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::service;
use crate::support::waiting::until;

fn messages_of(conversation: Uuid) -> String {
    format!("/v1/conversations/{conversation}/messages")
}

async fn user_with_a_question(product: &Product, canary: &str) -> (Person, Uuid) {
    let (person, conversation) = (Person::new(product).await, Uuid::now_v7());
    person.ask(conversation, &format!("Who plays the {canary}?")).await;
    let shown = |page: &Value| page["items"][0].to_string().contains(canary);
    person.until_shown(&messages_of(conversation), shown).await;
    (person, conversation)
}

/// The same configuration over a copy of the database as it is now. Nobody may use the database.
async fn copied(config: &Config) -> Config {
    let pool = PgPool::connect(&service("COLLOQUY_TEST_POSTGRES_URL")).await.unwrap();
    let (server, from) = config.app.database_url.expose_secret().rsplit_once('/').unwrap();
    let copy = format!("t_{}", Uuid::now_v7().simple());
    until("nobody uses the database", async || {
        sqlx::query(&format!("CREATE DATABASE {copy} TEMPLATE {from}")).execute(&pool).await.ok()
    })
    .await;
    let mut config = config.clone();
    config.app.database_url = format!("{server}/{copy}").into();
    config.database_direct_url = config.app.database_url.clone();
    config
}

/// A product with a NATS of its own, its database copied before one of two people was erased.
struct Restored {
    _data: DataDir,
    nats: Nats,
    config: Config,
    erased: (Person, Uuid),
    other: (Person, Uuid),
}

impl Restored {
    async fn new() -> Self {
        let data = DataDir::temporary().unwrap();
        let parts = Parts::locate(WithModel::No).await.unwrap();
        let nats = Nats::start(&parts, &data).await.unwrap();
        let mut config = configuration(new_database().await);
        config.app.nats_url = nats.url().into();
        let product = Product::on(config.clone(), &Role::ALL).await;
        let erased = user_with_a_question(&product, "ophicleide").await;
        let other = user_with_a_question(&product, "bombardon").await;
        product.end().await;
        let before = copied(&config).await;

        let product = Product::on(config.clone(), &Role::ALL).await;
        let person = erased.0.at(&product);
        let asked = until("everybody is served", async || {
            let asked = person.request("DELETE", "/v1/me").await;
            (asked.status == 202).then_some(asked)
        })
        .await;
        let receipt = format!("/v1/erasures/{}", asked.body["receipt"].as_str().unwrap());
        other.0.at(&product).until_shown(&receipt, |state| !state["finished_at"].is_null()).await;
        product.end().await;
        Self { _data: data, nats, config: before, erased, other }
    }
}

/// Reads the erased person's texts until the service answers with this status; they are never shown.
async fn until_refused(product: &Product, (person, conversation): &(Person, Uuid), status: u16) {
    let person = person.at(product);
    until("the erased person is refused", async || {
        for path in [messages_of(*conversation), "/v1/conversations".into(), "/v1/search?q=plays".into()] {
            let answered = person.get(&path).await;
            assert!(!answered.body.to_string().contains("ophicleide"), "{answered:?}");
            if answered.status != status {
                return None;
            }
        }
        Some(())
    })
    .await;
}

#[tokio::test]
async fn with_nats_away_the_tombstones_beside_the_files_keep_the_erased_erased_and_others_are_served() {
    let Restored { nats, config, erased, other, _data } = Restored::new().await;
    nats.kill().await.unwrap();
    let product = Product::on(config, &Role::ALL).await;
    until_refused(&product, &erased, 403).await;
    let shown = |page: &Value| page.to_string().contains("bombardon");
    other.0.at(&product).until_shown(&messages_of(other.1), shown).await;
    product.end().await;
}

#[tokio::test]
async fn without_any_tombstones_to_read_nobody_is_served_and_readiness_says_what_it_waits_for() {
    let Restored { nats, mut config, erased, other, _data } = Restored::new().await;
    // The files are lost, too.
    config.knowledge.files.files_url = files_url();
    nats.kill().await.unwrap();
    let product = Product::on(config, &Role::ALL).await;
    let somebody = other.0.at(&product);
    let ready = until("the check reports", async || {
        let (status, ready) = product.readiness().await;
        ready["erasures_wait_for"].to_string().contains("NATS").then_some((status, ready))
    })
    .await;
    assert_eq!(ready.0, 503, "{ready:?}");
    until_refused(&product, &erased, 503).await;
    assert_eq!(somebody.get("/livez").await.status, 200);
    nats.start().await.unwrap();
    until_refused(&product, &erased, 403).await;
    until("the check is done", async || {
        let (_, ready) = product.readiness().await;
        ready["erasures_wait_for"].is_null().then_some(())
    })
    .await;
    let shown = |page: &Value| page.to_string().contains("bombardon");
    somebody.until_shown(&messages_of(other.1), shown).await;
    product.end().await;
}
