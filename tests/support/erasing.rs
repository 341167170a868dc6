//! What tests of erasures share: people to erase, erasers, and what is left of a conversation.

use std::collections::BTreeSet;

use aggregates::UserId;
use colloquy::config::Config;
use colloquy::process::App;
use colloquy::roles::Role;
use colloquy::roles::eraser::Eraser;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::backbone::connect;
use super::person::Person;
use super::product::Product;

/// The stores that an erasure records.
pub(crate) const STORES: [&str; 7] =
    ["keys", "caches", "read_models", "passages", "files", "live_stream", "accounts"];
/// The roles of a product in which no worker erases or answers.
pub(crate) const WITHOUT_WORKER: [Role; 3] = [Role::Api, Role::Sequencer, Role::Projector];

pub(crate) fn pool(product: &Product) -> PgPool {
    connect(product.config.app.database_url.expose_secret(), 2)
}

pub(crate) async fn eraser(config: &Config) -> Eraser {
    App::new(config.app.clone(), [].into()).await.unwrap().eraser("eraser", config).unwrap()
}

pub(crate) async fn id_of(person: &Person) -> UserId {
    let me = person.until_shown("/v1/me", |me| me["id"].is_string()).await;
    me["id"].as_str().unwrap().parse().unwrap()
}

/// Somebody with a shown conversation.
pub(crate) async fn with_a_question(product: &Product) -> (Person, Uuid) {
    let (person, conversation) = (Person::new(product).await, Uuid::now_v7());
    person.ask(conversation, "Who plays the sackbut?").await;
    let path = format!("/v1/conversations/{conversation}/messages");
    person.until_shown(&path, |page| page["items"][0].is_object()).await;
    (person, conversation)
}

/// Requests an erasure; returns the path of its receipt.
pub(crate) async fn request(person: &Person) -> String {
    let asked = person.request("DELETE", "/v1/me").await;
    assert_eq!(asked.status, 202, "{asked:?}");
    format!("/v1/erasures/{}", asked.body["receipt"].as_str().unwrap())
}

pub(crate) fn recorded(receipt: &Value) -> BTreeSet<&str> {
    receipt["stores"].as_array().unwrap().iter().map(|done| done["store"].as_str().unwrap()).collect()
}

pub(crate) async fn events_of(pool: &PgPool, conversation: Uuid, event_type: &str) -> i64 {
    let count = sqlx::query_scalar(
        "SELECT count(*) FROM events WHERE aggregate_id = $1 AND event_type = $2 AND aggregate_type = 'conversation'",
    );
    count.bind(conversation).bind(event_type).fetch_one(pool).await.unwrap()
}

pub(crate) async fn rows_of(pool: &PgPool, conversation: Uuid) -> i64 {
    sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM conversations WHERE id = $1)
              + (SELECT count(*) FROM messages WHERE conversation_id = $1)
              + (SELECT count(*) FROM search_entries WHERE conversation_id = $1)",
    )
    .bind(conversation)
    .fetch_one(pool)
    .await
    .unwrap()
}
