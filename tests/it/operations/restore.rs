//! Postgres is the only truth: what was made from it comes back from it, and it may move to another server.

use secrecy::ExposeSecret as _;
use std::process::Stdio;

use async_nats::jetstream;
use colloquy::audit::verify_database;
use colloquy::operations::restore::restore;
use embedded::{DataDir, Parts, Postgres, WithModel};
use nats::Subjects;
use projections::quarantine::DEFAULT_LIMIT;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tokio::process::Command;
use uuid::Uuid;

use crate::support::backbone::{Backbone, conversation};
use crate::support::person::Person;
use crate::support::product::Product;

async fn answers(person: &Person, conversation: Uuid) -> Vec<Value> {
    let mut answers = Vec::new();
    for path in [
        "/v1/conversations".to_owned(),
        format!("/v1/conversations/{conversation}/messages"),
        "/v1/search?q=harbour".to_owned(),
        "/v1/usage".to_owned(),
        "/v1/me".to_owned(),
    ] {
        answers.push(person.get(&path).await.body);
    }
    answers
}

#[tokio::test]
async fn with_jetstream_and_the_read_models_wiped_the_same_queries_are_answered_the_same() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, "Where is the harbour?").await;
    person.until_shown("/v1/search?q=harbour", |page| page["items"][0].is_object()).await;
    person.until_shown("/v1/me", |me| me["opened_at"].is_string()).await;
    let whole = |row: &serde_json::Value| row["version"] == json!(3);
    person.until_shown(&format!("/v1/conversations/{conversation}"), whole).await;
    let before = answers(&person, conversation).await;
    let config = product.config.clone();
    product.end().await;

    let backbone = Backbone::on(config.app.database_url.expose_secret().to_owned()).await;
    let subjects = Subjects::new(&config.app.nats_prefix);
    let jetstream = jetstream::new(backbone.nats.clone());
    for stream in [subjects.events_stream(), subjects.live_stream(), subjects.dead_stream()] {
        jetstream.delete_stream(stream).await.unwrap();
    }
    sqlx::raw_sql(
        "TRUNCATE conversations, messages, search_entries, usage_days, accounts; DELETE FROM checkpoints
          WHERE name IN ('messages', 'accounts'); UPDATE checkpoints SET position = 0 WHERE name = 'usage_days'",
    )
    .execute(&backbone.pool)
    .await
    .unwrap();
    for _ in 0..2 {
        restore(&backbone.store, &backbone.nats, &subjects, DEFAULT_LIMIT, |_, _| {}).await.unwrap();
    }
    assert!(jetstream.get_stream(subjects.events_stream()).await.is_ok());

    let product = Product::on(
        config,
        &[colloquy::roles::Role::Api, colloquy::roles::Role::Sequencer, colloquy::roles::Role::Projector],
    )
    .await;
    let person = person.at(&product);
    assert_eq!(answers(&person, conversation).await, before);
    person.ask(conversation, "And the lighthouse?").await;
    person
        .until_shown(&format!("/v1/conversations/{conversation}"), |row| row["message_count"] == json!(4))
        .await;
}

#[tokio::test]
async fn a_dump_restored_into_a_new_cluster_loses_and_reorders_nothing_and_goes_on() {
    let parts = Parts::locate(WithModel::No).await.unwrap();
    let (old_data, new_data) = (DataDir::temporary().unwrap(), DataDir::temporary().unwrap());
    let old = Postgres::start(&parts, &old_data).await.unwrap();
    let url = old.create_database("moved").await.unwrap();
    store::migrate(&url.as_str().into()).await.unwrap();
    let before = Backbone::on(url).await;
    let (sequencer, projector) = (before.sequence(), before.project());
    let user = before.user().await;
    for number in 0..20 {
        before.ask(user, conversation(), &format!("question {number}")).await;
    }
    before.projected(61).await;
    sequencer.abort();
    // Events without a position are part of the dump.
    before.ask(user, conversation(), "on the way").await;
    let head = before.store.ledger_head().await.unwrap();
    projector.abort();

    let new = Postgres::start(&parts, &new_data).await.unwrap();
    let url = new.create_database("moved").await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("CREATE ROLE colloquy_reader NOLOGIN").execute(&mut connection).await.unwrap();
    let dump = Command::new(parts.postgres_bin.join("pg_dump"))
        .args(["--no-comments", &old.superuser_url("moved")])
        .stderr(Stdio::inherit())
        .output()
        .await
        .unwrap();
    assert!(dump.status.success());
    let file = new_data.path().join("dump.sql");
    std::fs::write(&file, dump.stdout).unwrap();
    let restored = Command::new(parts.postgres_bin.join("psql"))
        .args([
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-f",
            file.to_str().unwrap(),
            &new.superuser_url("moved"),
        ])
        .output()
        .await
        .unwrap();
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));

    let after = Backbone::on(url).await;
    assert_eq!(after.store.ledger_head().await.unwrap(), head);
    let (sequencer, projector) = (after.sequence(), after.project());
    after.ask(user, conversation(), "in the new house").await;
    after.projected(67).await;
    assert_eq!(verify_database(&after.store, None, |_, _| {}).await.unwrap().events, 67);
    sequencer.abort();
    projector.abort();
}
