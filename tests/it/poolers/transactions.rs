//! A pooler in transaction mode that knows no prepared statements, with its own defaults.

use colloquy::operations::rebuild;
use colloquy::process::App;
use colloquy::roles::Role;
use embedded::{Auth, AuthOptions, DataDir, RateLimit};
use projections::ReadModel;
use projections::quarantine::DEFAULT_LIMIT;
use serde_json::json;
use store::PreparedStatements;
use uuid::Uuid;

use super::Pooled;
use crate::support::erasing::request;
use crate::support::person::Person;
use crate::support::product::Product;
use crate::support::service;

/// Questions at once: more than the pooler has connections to the server.
const QUESTIONS: usize = 60;

#[tokio::test]
async fn commands_reads_and_streams_work_for_many_people_at_once() {
    let pooled = Pooled::with_defaults().await;
    let config = pooled.configuration(PreparedStatements::Off);
    let product = Product::on(config, &Role::ALL).await;
    let people = futures::future::join_all((0..4).map(|_| Person::new(&product))).await;
    let asking = (0..QUESTIONS).map(async |number| {
        let (person, conversation) = (&people[number % people.len()], Uuid::now_v7());
        person.ask(conversation, &format!("What is number {number}?")).await;
        let shown = person.get(&format!("/v1/conversations/{conversation}")).await;
        assert_eq!(shown.status, 200, "{shown:?}");
        let found = person.get(&format!("/v1/search?q={number}")).await;
        assert_eq!(found.status, 200, "{found:?}");
        let messages = person.get(&format!("/v1/conversations/{conversation}/messages")).await;
        assert_eq!(messages.body["items"][0]["text"], format!("What is number {number}?"));
    });
    futures::future::join_all(asking).await;
    let conversation = Uuid::now_v7();
    people[0].ask(conversation, "Does the answer arrive?").await;
    let path = format!("/v1/conversations/{conversation}/stream");
    let told = people[0].listen(&path, None, |told| told.event == "answer.completed").await;
    assert_eq!(told.last().unwrap().data["status"], json!("completed"));
}

#[tokio::test]
#[ignore = "takes long: `make test-release`"]
async fn the_account_service_works() {
    let pooled = Pooled::with_defaults().await;
    let data = DataDir::temporary().unwrap();
    let options = AuthOptions {
        database_url: pooled.url.clone(),
        public_url: service("COLLOQUY_TEST_PUBLIC_URL"),
        rate_limit: RateLimit::Off,
    };
    let auth = Auth::start(&options, &data).await.unwrap();
    let url = auth.url();
    let people = (0..8).map(|_| Person::with_account_at(&url, "http://127.0.0.1:1"));
    for person in futures::future::join_all(people).await {
        assert!(!person.token.is_empty());
    }
}

#[tokio::test]
#[ignore = "takes long: `make test-release`"]
async fn an_erasure_and_a_rebuild_work() {
    let pooled = Pooled::with_defaults().await;
    let config = pooled.configuration(PreparedStatements::Off);
    let product = Product::on(config.clone(), &Role::ALL).await;
    let (erased, stays) = (Person::new(&product).await, Person::new(&product).await);
    let (gone, kept) = (Uuid::now_v7(), Uuid::now_v7());
    erased.ask(gone, "Who plays the sackbut?").await;
    stays.ask(kept, "Who plays the marimba?").await;
    let document = stays.upload("marimba.md", b"# Marimba\n\nAda plays the marimba.".to_vec(), &[]).await;
    assert_eq!(document.status, 202, "{document:?}");
    let receipt = request(&erased).await;
    stays.until_shown(&receipt, |state| !state["finished_at"].is_null()).await;
    let store = App::new(config.app.clone(), [].into()).await.unwrap().store(8).unwrap();
    rebuild::rebuild(&store, &ReadModel::ALL, DEFAULT_LIMIT, |_, _| {}).await.unwrap();
    let differences = rebuild::check(&store, &ReadModel::ALL, DEFAULT_LIMIT, |_, _| {}).await.unwrap();
    assert!(differences.iter().all(|(_, of_model)| of_model.is_empty()), "{differences:?}");
    let messages = stays.get(&format!("/v1/conversations/{kept}/messages")).await;
    assert_eq!(messages.body["items"][0]["text"], "Who plays the marimba?");
}
