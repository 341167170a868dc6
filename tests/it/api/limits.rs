//! Limits per person: refused in words, and free again when the work ends.

use colloquy::config::LimitsConfig;
use colloquy::roles::Role;
use serde_json::json;
use uuid::Uuid;

use crate::support::backbone::new_database;
use crate::support::person::{Answered, Person};
use crate::support::product::{Product, configuration};
use crate::support::waiting::until;

async fn product_with(limits: LimitsConfig) -> Product {
    let mut config = configuration(new_database().await);
    config.api.limits = limits;
    Product::on(config, &[Role::Api, Role::Sequencer, Role::Projector]).await
}

fn assert_refused(answered: &Answered, limit: &str) {
    assert_eq!(answered.status, 429, "{answered:?}");
    assert_eq!(answered.body["type"], json!("urn:colloquy:problem:limit-exhausted"));
    assert_eq!(answered.body["limit"], json!(limit));
    assert!(answered.body["detail"].as_str().unwrap().contains(limit), "{answered:?}");
    assert!(answered.headers["retry-after"].parse::<u32>().unwrap() > 0);
}

#[tokio::test]
async fn a_person_above_a_rate_is_refused_and_other_persons_are_not() {
    let product = product_with(LimitsConfig {
        limit_requests: 5,
        limit_commands: 2,
        limit_search: 1,
        ..LimitsConfig::default()
    })
    .await;
    let (busy, calm) = (Person::new(&product).await, Person::new(&product).await);
    let ask = |text: &str| json!({"type": "ask", "question_id": Uuid::now_v7(), "text": text});
    let conversation = Uuid::now_v7();
    for text in ["one", "two"] {
        assert_eq!(busy.command(conversation, &ask(text)).await.status, 202);
    }
    assert_refused(&busy.command(conversation, &ask("three")).await, "commands");
    assert_eq!(busy.get("/v1/search?q=one").await.status, 200);
    assert_refused(&busy.get("/v1/search?q=one").await, "search");
    assert_refused(&busy.get("/v1/me").await, "requests");
    assert_eq!(calm.get("/v1/search?q=one").await.status, 200);
    assert_eq!(calm.command(Uuid::now_v7(), &ask("one")).await.status, 202);
}

#[tokio::test]
async fn a_stream_above_the_limit_is_refused_until_another_one_is_closed() {
    let product = product_with(LimitsConfig { limit_streams: 2, ..LimitsConfig::default() }).await;
    let (person, other) = (Person::new(&product).await, Person::new(&product).await);
    let first = person.open("/v1/stream", None).await;
    let _second = person.open("/v1/stream", None).await;
    assert_refused(&person.get("/v1/stream").await, "streams");
    let _of_another_person = other.open("/v1/stream", None).await;
    drop(first);
    let opened = until("a stream is free", async || {
        let (status, _) = person.begin("/v1/stream").await;
        (status == 200).then_some(())
    });
    opened.await;
}
