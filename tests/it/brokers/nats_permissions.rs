//! The permissions of the account: the whole service works with those that the documentation lists, and a
//! missing one is a problem that names its subject.

use async_nats::jetstream;
use colloquy::config::Config;
use colloquy::roles::Role;
use embedded::{DataDir, Nats, Parts, WithModel};
use nats::{ConnectionConfig, Subjects};
use serde_json::json;
use uuid::Uuid;

use super::{outcome, subjects};
use crate::support::answering::answer_to;
use crate::support::backbone::{connect_nats, new_database};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::waiting::until;

/// The permissions in the documentation.
fn documented() -> &'static str {
    let text = include_str!("../../../docs/operating.md");
    let start = text.find("permissions: {").unwrap();
    text[start..].split("```").next().unwrap()
}

async fn server(permissions: &str) -> (Nats, DataDir) {
    let data = DataDir::temporary().unwrap();
    let parts = Parts::locate(WithModel::No).await.unwrap();
    let text = format!(
        "jetstream {{ max_memory_store: 2GB, max_file_store: 20GB }}\nauthorization {{ users = [\n\
         {{user: colloquy, password: x, {permissions}}}, {{user: admin, password: x}}] }}\n"
    );
    (Nats::configured(&parts, &data, &text).await.unwrap(), data)
}

fn url_of(user: &str, nats: &Nats) -> String {
    nats.url().replace("nats://", &format!("nats://{user}:x@"))
}

async fn indexed(person: &Person) {
    let added = person.upload("a.txt", b"The lighthouse burns whale oil.".to_vec(), &[]).await;
    let path = format!("/v1/documents/{}", added.body["document_id"].as_str().unwrap());
    person.until_shown(&path, |row| row["status"] == "indexed").await;
}

#[tokio::test]
async fn the_whole_service_works_with_the_documented_permissions() {
    let (nats, _data) = server(documented()).await;
    let mut config: Config = configuration(new_database().await);
    config.app.nats_url = url_of("colloquy", &nats).into();
    config.app.nats_prefix = "colloquy".to_owned();
    config.app.nats.nats_events_max_bytes = Some(8 << 20);
    let product = Product::on(config, &Role::ALL).await;
    let (person, leaving) = (Person::new(&product).await, Person::new(&product).await);
    indexed(&person).await;
    let said = answer_to(&person, "What does the lighthouse burn?").await;
    assert_eq!(said["status"], "completed", "{said}");

    // A foreign message has the publisher create the stream of events again.
    let admin = connect_nats(url_of("admin", &nats)).await;
    admin.publish("colloquy.events.foreign", "x".into()).await.unwrap();
    admin.flush().await.unwrap();
    let said = answer_to(&person, "What does the lighthouse burn in winter?").await;
    assert_eq!(said["status"], "completed", "{said}");
    let jetstream = jetstream::new(admin);
    let events = Subjects::new("colloquy").events_stream();
    until("the stream has no foreign message", async || {
        let stream = jetstream.get_stream(&events).await.ok()?;
        let state = stream.cached_info().state.clone();
        let first = stream.get_raw_message(state.first_sequence).await.ok()?;
        (first.subject.as_str() != "colloquy.events.foreign").then_some(())
    })
    .await;

    leaving.ask(Uuid::now_v7(), "before they leave").await;
    let asked = leaving.request("DELETE", "/v1/me").await;
    let receipt = format!("/v1/erasures/{}", asked.body["receipt"].as_str().unwrap());
    person.until_shown(&receipt, |state| !state["finished_at"].is_null()).await;

    let (status, ready) = product.readiness().await;
    assert_eq!((status, &ready["dependencies"]["nats"]), (200, &json!({"status": "ok"})), "{ready}");
    let log = std::fs::read_to_string(nats.log_path()).unwrap();
    assert!(!log.contains("Violation"), "{log}");
    product.end().await;
}

#[tokio::test]
async fn a_missing_permission_is_a_problem_with_its_subject() {
    let (nats, _data) = server("permissions: { publish: [\"colloquy.>\"], subscribe: [\"_INBOX.>\"] }").await;
    let connection = ConnectionConfig::new(url_of("colloquy", &nats));
    let problem = outcome(&connection, &subjects()).await.unwrap_err();
    assert!(problem.contains("lacks a permission") && problem.contains("$JS.API.STREAM.INFO"), "{problem}");
}
