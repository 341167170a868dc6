//! A read by the caller of an accepted command shows its effect, in whatever process it is read.

use colloquy::config::LimitsConfig;
use colloquy::roles::Role;
use embedded::{DataDir, Nats, Parts, WithModel};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::backbone::new_database;
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::waiting::until;

async fn read(person: &Person, path: &str) -> Value {
    let answered = person.get(path).await;
    assert_eq!(answered.status, 200, "{path}: {answered:?}");
    answered.body
}

/// Every query shows each command at once, at each of the addresses.
async fn assert_writes_are_shown(writer: &Person, readers: &[&Person]) {
    for number in 0..10 {
        let conversation = Uuid::now_v7();
        let path = format!("/v1/conversations/{conversation}");
        let question = writer.ask(conversation, &format!("Question {number} about quinces")).await;
        for reader in readers {
            let messages = read(reader, &format!("{path}/messages")).await;
            assert_eq!(messages["items"][0]["id"], json!(question));
            assert_eq!(read(reader, "/v1/conversations").await["items"][0]["id"], json!(conversation));
        }
        let title = format!("Quinces {number}");
        let renamed = writer.command(conversation, &json!({"type": "rename", "title": title})).await;
        assert_eq!(renamed.status, 202);
        for reader in readers {
            assert_eq!(read(reader, "/v1/conversations").await["items"][0]["title"], json!(title));
            assert_eq!(read(reader, &path).await["title"], json!(title));
            let found = read(reader, &format!("/v1/search?q=\"Quinces {number}\"")).await;
            assert_eq!(found["items"][0]["conversation_id"], json!(conversation));
        }
        assert_eq!(writer.command(conversation, &json!({"type": "delete"})).await.status, 202);
        for reader in readers {
            assert_eq!(read(reader, "/v1/conversations").await["items"], json!([]));
        }
    }
}

#[tokio::test]
async fn a_read_shows_the_commands_of_its_reader_in_every_process() {
    let product = Product::start().await;
    let beside = Product::on(product.config.clone(), &[Role::Api]).await;
    let person = Person::new(&product).await;
    assert_writes_are_shown(&person.at(&beside), &[&person, &person.at(&beside)]).await;
}

#[tokio::test]
async fn a_read_shows_the_commands_of_its_reader_while_nats_is_away() {
    let data = DataDir::temporary().unwrap();
    let parts = Parts::locate(WithModel::No).await.unwrap();
    let nats = Nats::start(&parts, &data).await.unwrap();
    let mut config = configuration(new_database().await);
    config.app.nats_url = nats.url().into();
    let product = Product::on(config.clone(), &[Role::Api, Role::Sequencer, Role::Projector]).await;
    let beside = Product::on(config, &[Role::Api]).await;
    let person = Person::new(&product).await;
    assert_eq!(person.get("/v1/conversations").await.status, 200);
    nats.kill().await.unwrap();
    assert_writes_are_shown(&person, &[&person, &person.at(&beside)]).await;
}

#[tokio::test]
async fn reads_wait_for_the_writes_of_their_own_reader_alone_and_not_without_end() {
    let mut config = configuration(new_database().await);
    config.api.limits = LimitsConfig { limit_waiting_reads: 2, ..LimitsConfig::default() };
    let product = Product::on(config, &[Role::Api, Role::Sequencer]).await;
    let (writer, other) = (Person::new(&product).await, Person::new(&product).await);
    writer.ask(Uuid::now_v7(), "Who projects this?").await;
    let late = writer.get_once("/v1/conversations").await;
    assert_eq!((late.status, &late.body["current_version"]), (503, &json!(0)));
    assert_eq!(late.body["type"], json!("urn:colloquy:problem:not-yet"));
    assert_eq!(other.get("/v1/conversations").await.status, 200);

    until("one of three reads at the same time is refused", async || {
        let read = || writer.get_once("/v1/conversations");
        let (one, two, three) = tokio::join!(read(), read(), read());
        let refused = [one, two, three].into_iter().find(|answered| answered.status == 429)?;
        assert_eq!(refused.body["limit"], json!("waiting_reads"));
        Some(())
    })
    .await;
}
