//! Tokens that no completed answer counts: usage and budgets count them all the same.

use colloquy::config::Config;
use colloquy::roles::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::answering::{self, QUESTION, owner_of_knowledge};
use crate::support::model_server::{Act, ModelServer};
use crate::support::person::Person;
use crate::support::product::Product;
use crate::support::waiting::until;

/// A configuration with one model, which proposes no titles.
async fn offering(model: &ModelServer) -> Config {
    let mut config = answering::offering(vec![answering::offered("Large", model, 1.0)]).await;
    config.worker.model.model_titles = false;
    config
}

/// The usage of the one model, once it is as wanted.
async fn usage(person: &Person, wanted: impl Fn(&Value) -> bool) -> Value {
    let of_model =
        |page: &Value| page["items"].as_array().unwrap().iter().find(|day| day["model"] == "Large").cloned();
    let page = person.until_shown("/v1/usage", |page| of_model(page).is_some_and(|day| wanted(&day))).await;
    of_model(&page).unwrap()
}

/// The id of the only answer of a conversation once it has a status.
async fn ended(person: &Person, conversation: Uuid, status: &str) -> String {
    let path = format!("/v1/conversations/{conversation}/messages");
    let page = person.until_shown(&path, |page| page["items"][1]["status"] == status).await;
    page["items"][1]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_stopped_answer_counts_in_usage_and_budget() {
    let model = ModelServer::start(&[Act::Hold("It has sixty-one ", "bars [1].")]).await;
    let mut config = offering(&model).await;
    config.api.limits.budget_tokens_per_day = 20;
    let product = Product::on(config, &Role::ALL).await;
    let person = owner_of_knowledge(&product).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, QUESTION).await;
    let path = format!("/v1/conversations/{conversation}/messages");
    let page = person.until_shown(&path, |page| !page["items"][1].is_null()).await;
    until("the model answers", async || model.is_answering().then_some(())).await;
    let stop = json!({"type": "stop", "answer_id": page["items"][1]["id"]});
    assert_eq!(person.command(conversation, &stop).await.status, 202);
    let day = usage(&person, |day| day["prompt_tokens"].as_i64() > Some(20)).await;
    assert_eq!(day["answers"], 0);
    let ask = json!({"type": "ask", "question_id": Uuid::now_v7(), "text": QUESTION});
    let refused = person.command(conversation, &ask).await;
    assert_eq!((refused.status, &refused.body["limit"]), (429, &json!("tokens_per_day")), "{refused:?}");
    product.end().await;
}

#[tokio::test]
async fn an_interrupted_attempt_and_a_title_count_beside_the_completed_answer() {
    let acts = [
        Act::BreakOff("It has sixty"),
        Act::Say("It has sixty-one bars [1]."),
        Act::Say("Bars of the marimba"),
    ];
    let model = ModelServer::start(&acts).await;
    let mut config = offering(&model).await;
    config.worker.model.model_titles = true;
    let product = Product::on(config, &Role::ALL).await;
    let person = owner_of_knowledge(&product).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, QUESTION).await;
    ended(&person, conversation, "completed").await;
    // The server reports 7 tokens of the answer and 7 of the title. The interrupted text is estimated.
    let day = usage(&person, |day| day["completion_tokens"] == 7 + 7 + 4).await;
    assert_eq!(day["answers"], 1);
    assert!(day["prompt_tokens"].as_i64() > Some(2 * 21), "{day}");
    product.end().await;
}

#[tokio::test]
async fn a_model_suggests_questions_after_an_answer_and_they_count_as_well() {
    let suggested = "1. Who built the marimba?\n2. \"How long are its bars?\"\nI hope this helps.";
    let acts = [Act::Say("It has sixty-one bars [1]."), Act::Say(suggested), Act::Status(503)];
    let model = ModelServer::start(&acts).await;
    let mut config = offering(&model).await;
    config.api.limits.budget_tokens_per_day = 28 + 28;
    let product = Product::on(config, &Role::ALL).await;
    let person = owner_of_knowledge(&product).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, QUESTION).await;
    let answer = ended(&person, conversation, "completed").await;
    let path = format!("/v1/conversations/{conversation}/answers/{answer}/suggestions");
    let stranger = Person::new(&product).await;
    assert_eq!(stranger.post(&path, &json!({})).await.status, 404);
    let unknown = format!("/v1/conversations/{conversation}/answers/{}/suggestions", Uuid::now_v7());
    assert_eq!(person.post(&unknown, &json!({})).await.status, 404);
    let suggestions = person.post(&path, &json!({})).await;
    assert_eq!(
        (suggestions.status, &suggestions.body["items"]),
        (200, &json!(["Who built the marimba?", "How long are its bars?"]))
    );
    assert!(model.last_messages()[1].contains("It has sixty-one bars"));
    let day = usage(&person, |day| day["completion_tokens"] == 14).await;
    assert_eq!(day["answers"], 1);
    let refused = person.post(&path, &json!({})).await;
    assert_eq!((refused.status, &refused.body["limit"]), (429, &json!("tokens_per_day")), "{refused:?}");
    product.end().await;
}

#[tokio::test]
async fn suggestions_without_a_model_or_of_one_that_is_away_or_for_a_full_conversation_are_a_clear_problem() {
    let model = ModelServer::start(&[Act::Say("It has sixty-one bars [1]."), Act::Status(503)]).await;
    let mut config = offering(&model).await;
    config.api.limits.limit_conversation_messages = 2;
    let product = Product::on(config, &Role::ALL).await;
    let person = owner_of_knowledge(&product).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, QUESTION).await;
    let answer = ended(&person, conversation, "completed").await;
    let path = format!("/v1/conversations/{conversation}/answers/{answer}/suggestions");
    let away = person.post(&path, &json!({})).await;
    assert_eq!(
        (away.status, &away.body["type"]),
        (503, &json!("urn:colloquy:problem:model-unavailable")),
        "{away:?}"
    );
    let requests = model.requests();
    for change in ["pin", "unpin"].iter().cycle().take(20) {
        person.command(conversation, &json!({"type": change})).await;
    }
    let full = person.post(&path, &json!({})).await;
    assert_eq!(
        (full.status, &full.body["type"], model.requests()),
        (409, &json!("urn:colloquy:problem:conversation-full"), requests),
        "{full:?}"
    );
    let mut config = product.config.clone();
    config.api.limits.limit_conversation_messages = 10_000;
    config.worker.model.models = None;
    product.end().await;
    let product = Product::on(config, &Role::ALL).await;
    let none = person.at(&product).post(&path, &json!({})).await;
    assert_eq!(
        (none.status, &none.body["type"]),
        (409, &json!("urn:colloquy:problem:no-language-model")),
        "{none:?}"
    );
    product.end().await;
}
