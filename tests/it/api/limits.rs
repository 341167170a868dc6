//! Limits per person: refused in words, and free again when the work ends.

use colloquy::config::LimitsConfig;
use colloquy::roles::Role;
use serde_json::{Value, json};
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

#[tokio::test]
async fn a_question_above_the_limit_of_pending_answers_is_refused_until_an_answer_has_ended() {
    // No worker runs, so that every answer is pending.
    let product = product_with(LimitsConfig { limit_pending_answers: 3, ..LimitsConfig::default() }).await;
    let (busy, calm) = (Person::new(&product).await, Person::new(&product).await);
    let conversation = Uuid::now_v7();
    let mut last = Uuid::nil();
    for text in ["one", "two", "three"] {
        last = busy.ask(conversation, text).await;
    }
    let ask = |question: Uuid| json!({"type": "ask", "question_id": question, "text": "four"});
    assert_refused(&busy.command(Uuid::now_v7(), &ask(Uuid::now_v7())).await, "pending_answers");
    let again = json!({"type": "regenerate", "question_id": last, "answer_id": Uuid::now_v7()});
    assert_refused(&busy.command(conversation, &again).await, "pending_answers");
    let repeated = busy.command(conversation, &ask(last)).await;
    assert_eq!(repeated.status, 202, "a repeated command requests no answer: {repeated:?}");
    assert_eq!(calm.command(Uuid::now_v7(), &ask(Uuid::now_v7())).await.status, 202);

    let path = format!("/v1/conversations/{conversation}/messages");
    let is_requested = |page: &Value| page["items"].as_array().unwrap().len() == 6;
    let page = busy.until_shown(&path, is_requested).await;
    let pending =
        page["items"].as_array().unwrap().iter().find(|item| item["status"] == "requested").unwrap();
    let stop = json!({"type": "stop", "answer_id": pending["id"]});
    assert_eq!(busy.command(conversation, &stop).await.status, 202);
    assert_eq!(busy.command(Uuid::now_v7(), &ask(Uuid::now_v7())).await.status, 202);
    assert_refused(&busy.command(Uuid::now_v7(), &ask(Uuid::now_v7())).await, "pending_answers");
}

#[tokio::test]
async fn a_full_conversation_refuses_questions_in_words_and_accepts_the_rest() {
    let limits = LimitsConfig { limit_conversation_messages: 4, ..LimitsConfig::default() };
    let product = product_with(limits).await;
    let person = Person::new(&product).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, "one").await;
    let second = person.ask(conversation, "two").await;
    let third = json!({"type": "ask", "question_id": Uuid::now_v7(), "text": "three"});
    let again = json!({"type": "regenerate", "question_id": second, "answer_id": Uuid::now_v7()});
    for command in [third, again] {
        let refused = person.command(conversation, &command).await;
        assert_eq!(refused.status, 409, "{refused:?}");
        assert_eq!(refused.body["type"], json!("urn:colloquy:problem:conversation-full"));
        assert!(refused.body["detail"].as_str().unwrap().contains("at most 4 messages"), "{refused:?}");
    }
    assert_eq!(person.command(conversation, &json!({"type": "pin"})).await.status, 202);
    person.ask(Uuid::now_v7(), "three").await;
}
