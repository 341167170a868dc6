//! Erasure of a user: in every store, with proof, although processes die.

use aggregates::UserId;
use colloquy::knowledge::files::Files;
use colloquy::process::App;
use colloquy::roles::Role;
use rag::index::{IndexConfig, PassageIndex};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sqlx::{PgPool, Row as _};
use uuid::Uuid;

use crate::support::backbone::{connect, new_database};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::service;
use crate::support::waiting::until;

const ROLES: [Role; 4] = Role::ALL;
const STORES: [&str; 7] = ["keys", "caches", "read_models", "passages", "files", "live_stream", "accounts"];

/// A user with a conversation and a question, which stays unanswered without a worker.
async fn user_with_a_history(product: &Product, canary: &str) -> (Person, Uuid) {
    let person = Person::new(product).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, &format!("What does the {canary} do at night?")).await;
    person
        .until_shown(&format!("/v1/conversations/{conversation}/messages"), |body| {
            body["items"].as_array().is_some_and(|items| !items.is_empty())
        })
        .await;
    (person, conversation)
}

async fn erased(reader: &Person, receipt: &str) -> Value {
    reader.until_shown(&format!("/v1/erasures/{receipt}"), |state| !state["finished_at"].is_null()).await
}

fn pool(product: &Product) -> PgPool {
    connect(product.config.app.database_url.expose_secret(), 2)
}

#[tokio::test]
async fn a_user_is_erased_from_every_store_with_a_receipt() {
    let product = Product::with(&ROLES).await;
    let (person, conversation) = user_with_a_history(&product, "xylophonist").await;
    let (other, theirs) = user_with_a_history(&product, "marimba").await;

    let asked = person.request("DELETE", "/v1/me").await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let receipt = asked.body["receipt"].as_str().unwrap().to_owned();
    let state = erased(&other, &receipt).await;
    let stores: Vec<_> =
        state["stores"].as_array().unwrap().iter().map(|done| done["store"].clone()).collect();
    assert_eq!(stores, STORES);

    // Nothing is taken or given any more, neither by JWT nor by session.
    let question = json!({"type": "ask", "question_id": Uuid::now_v7(), "text": "Still there?"});
    assert_eq!(person.command(conversation, &question).await.status, 403);
    assert_eq!(person.get("/v1/conversations").await.status, 403);
    assert_eq!(person.with_token(person.session.clone()).get("/v1/conversations").await.status, 401);

    let pool = pool(&product);
    let left: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM keys WHERE kind = 'conversation' AND id = $1 AND wrapped IS NOT NULL)
              + (SELECT count(*) FROM messages WHERE conversation_id = $1)
              + (SELECT count(*) FROM search_entries WHERE conversation_id = $1)
              + (SELECT count(*) FROM conversations WHERE id = $1)",
    )
    .bind(conversation)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(left, 0);
    // Somebody else has lost nothing.
    let path = format!("/v1/conversations/{theirs}/messages");
    let messages = other.get(&path).await.body;
    assert_eq!(messages["items"][0]["text"], "What does the marimba do at night?");
    // And what happened is still a whole chain.
    let store = App::new(product.config.app.clone(), [].into()).await.unwrap().store(2).unwrap();
    let entries = store.ledger_after(aggregates::Position(0), 1000).await.unwrap();
    let mut hash = store::GENESIS;
    for entry in &entries {
        hash = entry.event.chain(&hash);
        assert_eq!(entry.hash, hash);
    }
    product.end().await;
}

#[tokio::test]
async fn no_passage_and_no_file_of_an_erased_user_remains() {
    let product = Product::with(&ROLES).await;
    let (person, _) = user_with_a_history(&product, "ocarina").await;
    let (other, _) = user_with_a_history(&product, "theremin").await;
    let mut owners = vec![];
    for who in [&person, &other] {
        let text = format!("# Notes\n\n{}", "The ocarina lies in the third drawer. ".repeat(40));
        let added = who.upload("notes.md", text.into_bytes(), &[]).await;
        let path = format!("/v1/documents/{}", added.body["document_id"].as_str().unwrap());
        who.until_shown(&path, |row| row["status"] == "indexed").await;
        let me = who.until_shown("/v1/me", |me| me["id"].is_string()).await;
        owners.push(me["id"].as_str().unwrap().parse::<Uuid>().unwrap());
    }
    let files = Files::new(&product.config.knowledge.files).unwrap();
    let kept = async |owner: Uuid| files.count_of_owner(UserId::new(owner)).await.unwrap();
    let index = PassageIndex::new(&IndexConfig::new(service("COLLOQUY_TEST_QDRANT_URL"))).unwrap();
    let passages = async |owner: Uuid| index.count_owner(owner).await.unwrap();
    for owner in &owners {
        assert!(kept(*owner).await > 0 && passages(*owner).await > 1);
    }
    let receipt = person.request("DELETE", "/v1/me").await.body["receipt"].as_str().unwrap().to_owned();
    erased(&other, &receipt).await;
    assert_eq!((kept(owners[0]).await, passages(owners[0]).await), (0, 0));
    assert!(kept(owners[1]).await > 0 && passages(owners[1]).await > 1);
    product.end().await;
}

#[tokio::test]
async fn a_second_request_gets_the_same_receipt_and_a_dead_session_gets_none() {
    // Nobody erases here, so that the account stays as it is in between.
    let product = Product::with(&[Role::Api, Role::Sequencer, Role::Projector]).await;
    let (person, _) = user_with_a_history(&product, "celesta").await;
    let signed_out = Person::new(&product).await;
    signed_out.sign_out().await;
    let refused = signed_out.request("DELETE", "/v1/me").await;
    assert_eq!(refused.status, 401, "the JWT is good, the session is not: {refused:?}");

    let first = person.request("DELETE", "/v1/me").await;
    let second = person.request("DELETE", "/v1/me").await;
    assert_eq!((first.status, second.status), (202, 202));
    assert_eq!(first.body["receipt"], second.body["receipt"]);
    let path = format!("/v1/erasures/{}", first.body["receipt"].as_str().unwrap());
    assert!(person.get(&path).await.body["finished_at"].is_null());
    assert_eq!(person.get(&format!("/v1/erasures/{}", Uuid::new_v4())).await.status, 404);
    product.end().await;
}

#[tokio::test]
async fn the_streams_of_an_erased_user_end_in_every_process_and_no_others() {
    let product = Product::with(&ROLES).await;
    let beside = Product::on(product.config.clone(), &[Role::Api]).await;
    let person = Person::auditor(&product).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, "Who plays the contrabassoon?").await;
    let (other, _) = user_with_a_history(&product, "heckelphone").await;
    let paths =
        ["/v1/stream", &format!("/v1/conversations/{conversation}/stream"), "/v1/audit/events/stream"];
    let mut streams = vec![];
    for path in paths {
        for place in [&product, &beside] {
            streams.push(person.at(place).open(path, None).await);
        }
    }
    let mut others = other.at(&beside).open("/v1/stream", None).await;
    let receipt = person.request("DELETE", "/v1/me").await.body["receipt"].as_str().unwrap().to_owned();
    for stream in streams {
        let ended = tokio::time::timeout(std::time::Duration::from_secs(10), stream.bytes()).await;
        ended.expect("a stream goes on").unwrap();
    }
    erased(&other, &receipt).await;
    other.ask(Uuid::now_v7(), "And who the piccolo?").await;
    let told = async {
        let mut told = Vec::new();
        while memchr::memmem::find(&told, b"piccolo").is_none() {
            told.extend_from_slice(&others.chunk().await.unwrap().expect("the other's stream goes on"));
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), told).await.unwrap();
    beside.end().await;
    product.end().await;
}

#[tokio::test]
async fn an_erasure_goes_on_after_every_step_at_which_its_eraser_died() {
    let database = new_database().await;
    let config = configuration(database);
    let product = Product::on(config.clone(), &[Role::Api, Role::Sequencer, Role::Projector]).await;
    let (person, _) = user_with_a_history(&product, "glockenspiel").await;
    let receipt = person.request("DELETE", "/v1/me").await.body["receipt"].as_str().unwrap().to_owned();
    let app = App::new(config.app.clone(), [].into()).await.unwrap();
    // Each round starts an erasure and cancels it at another moment.
    for moment in 0..40 {
        let eraser = app.eraser("eraser", &config).unwrap();
        let time = std::time::Duration::from_millis(moment * 4);
        let _ = tokio::time::timeout(time, eraser.erase_unfinished()).await;
    }
    app.eraser("eraser", &config).unwrap().erase_unfinished().await.unwrap();
    let state = erased(&person, &receipt).await;
    let stores: Vec<_> =
        state["stores"].as_array().unwrap().iter().map(|done| done["store"].clone()).collect();
    assert_eq!(stores, STORES, "each once, in order");
    product.end().await;
}

#[tokio::test]
async fn a_process_that_missed_the_announcement_writes_nothing_for_the_erased() {
    let config = configuration(new_database().await);
    let product = Product::on(config.clone(), &ROLES).await;
    let (person, conversation) = user_with_a_history(&product, "timpanist").await;
    // Its NATS has other subjects: it hears nothing of this one.
    let mut deaf = config.clone();
    deaf.app.nats_prefix = format!("t{}", Uuid::now_v7().simple());
    let deaf = Product::on(deaf, &[Role::Api]).await;
    let there = person.at(&deaf);
    there.ask(conversation, "And by day?").await;
    let receipt = person.request("DELETE", "/v1/me").await.body["receipt"].as_str().unwrap().to_owned();
    erased(&person, &receipt).await;
    let question = json!({"type": "ask", "question_id": Uuid::now_v7(), "text": "And now?"});
    assert_eq!(there.command(conversation, &question).await.status, 403);
    deaf.end().await;
    product.end().await;
}

#[tokio::test]
async fn a_database_restored_from_before_the_erasure_is_erased_again_before_it_is_served() {
    let config = configuration(new_database().await);
    let product = Product::on(config.clone(), &ROLES).await;
    let (person, conversation) = user_with_a_history(&product, "vibraphonist").await;
    let (name, backup) = (database_name(&config), format!("t_{}", Uuid::now_v7().simple()));
    product.end().await;
    copy_database(&name, &backup).await;
    let product = Product::on(config.clone(), &ROLES).await;
    let receipt =
        person.at(&product).request("DELETE", "/v1/me").await.body["receipt"].as_str().unwrap().to_owned();
    erased(&person.at(&product), &receipt).await;
    product.end().await;

    let mut restored = config.clone();
    let (server, _) = config.app.database_url.expose_secret().rsplit_once('/').unwrap();
    restored.app.database_url = format!("{server}/{backup}").into();
    restored.database_direct_url = restored.app.database_url.clone();
    let product = Product::on(restored, &ROLES).await;
    let again = person.at(&product);
    let state = erased(&again, &receipt).await;
    assert_eq!(state["stores"].as_array().unwrap().len(), STORES.len());
    let path = format!("/v1/conversations/{conversation}/messages");
    assert_eq!(again.get(&path).await.status, 403);
    product.end().await;
}

fn database_name(config: &colloquy::config::Config) -> String {
    config.app.database_url.expose_secret().rsplit_once('/').unwrap().1.to_owned()
}

/// A backup: the whole database as it is now.
async fn copy_database(from: &str, to: &str) {
    let pool = PgPool::connect(&service("COLLOQUY_TEST_POSTGRES_URL")).await.unwrap();
    until("nobody uses the database", async || {
        sqlx::query(&format!("CREATE DATABASE {to} TEMPLATE {from}")).execute(&pool).await.ok()
    })
    .await;
    let there = sqlx::query("SELECT count(*) FROM pg_database WHERE datname = $1").bind(to).fetch_one(&pool);
    assert_eq!(there.await.unwrap().get::<i64, _>(0), 1);
}
