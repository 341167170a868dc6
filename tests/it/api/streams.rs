//! Streams: an answer arrives word by word, and who comes back has exactly what an uninterrupted client has.

use colloquy::knowledge::ingest;
use colloquy::process::App;
use colloquy::roles::Role;
use serde_json::json;
use uuid::Uuid;

use crate::support::backbone::new_database;
use crate::support::model_server::{Act, ModelServer};
use crate::support::person::{Person, Told};
use crate::support::product::{Product, configuration, worker_config};

const TEXT: &str = "# The lighthouse of Kerguelen\n\nThe lighthouse of Kerguelen was built by seven carpenters in 1893. \
    Its lamp burns whale oil and is lit every evening at six. The keeper of the lighthouse writes the weather into a blue book. \
    In winter the lighthouse is reached by sledge, in summer by a small steamer that comes twice a month.\n";

/// A product with the text, which quotes.
async fn answering_product() -> Product {
    product_with(None).await
}

async fn product_with(model: Option<&ModelServer>) -> Product {
    let mut config = configuration(new_database().await);
    config.worker = worker_config(model);
    let product = Product::on(config, &Role::ALL).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lighthouse.md");
    std::fs::write(&file, TEXT).unwrap();
    let app = App::new(product.config.app.clone(), [].into()).await.unwrap();
    ingest::run(&product.config.knowledge, app.store(2).unwrap(), app.wake(), &[file]).await.unwrap();
    product
}

fn ended(told: &Told) -> bool {
    ["answer.completed", "answer.failed", "answer.stopped"].contains(&told.event.as_str())
}

fn joined(told: &[Told]) -> String {
    let mut text = String::new();
    for event in told {
        if event.event == "answer.started" {
            text.clear();
        }
        if event.event == "answer.delta" {
            assert_eq!(event.data["offset"], json!(text.len()));
            text.push_str(event.data["text"].as_str().unwrap());
        }
    }
    text
}

#[tokio::test]
async fn an_answer_arrives_word_by_word_with_its_sources_first() {
    let product = answering_product().await;
    let person = Person::new(&product).await;
    let conversation = Uuid::now_v7();
    let question = person.ask(conversation, "Who built the lighthouse of Kerguelen?").await;
    let told = person.listen(&format!("/v1/conversations/{conversation}/stream"), None, ended).await;
    let place = |name: &str| told.iter().position(|event| event.event == name).unwrap();
    assert!(place("answer.started") < place("answer.sources"));
    assert!(place("answer.sources") < place("answer.delta"));
    let finished = &told.last().unwrap().data;
    assert_eq!(told.last().unwrap().event, "answer.completed");
    assert_eq!(finished["text"].as_str().unwrap(), joined(&told));
    assert!(finished["text"].as_str().unwrap().contains("seven carpenters"));
    assert_eq!((&finished["quoted"], &finished["parent_id"]), (&json!(true), &json!(question)));
    assert!(!finished["citations"].as_array().unwrap().is_empty());

    let shown = |page: &serde_json::Value| page["items"][1]["status"] == json!("completed");
    let page = person.until_shown(&format!("/v1/conversations/{conversation}/messages"), shown).await;
    assert_eq!(page["items"][1], *finished);
    let late = person.listen(&format!("/v1/conversations/{conversation}/stream"), None, ended).await;
    assert_eq!(late.last().unwrap().data, *finished);
    product.end().await;
}

#[tokio::test]
async fn a_client_that_comes_back_after_every_event_has_the_same_text() {
    let model =
        ModelServer::start(&[Act::SaySlowly("It burns whale oil and is lit every evening at six [1].")])
            .await;
    let product = product_with(Some(&model)).await;
    let person = Person::new(&product).await;
    let conversation = Uuid::now_v7();
    let path = format!("/v1/conversations/{conversation}/stream");
    person.ask(conversation, "When is the lamp of the lighthouse of Kerguelen lit?").await;
    let uninterrupted = person.listen(&path, None, ended);
    let interrupted = async {
        let mut told: Vec<Told> = person.listen(&path, None, |_| true).await;
        while !ended(told.last().unwrap()) {
            let last = told.last().unwrap().id.clone();
            told.extend(person.listen(&path, Some(&last), |_| true).await);
        }
        told
    };
    let (uninterrupted, interrupted) = tokio::join!(uninterrupted, interrupted);
    assert_eq!(joined(&interrupted), joined(&uninterrupted));
    assert_eq!(interrupted.last().unwrap().data, uninterrupted.last().unwrap().data);
    assert!(interrupted.iter().filter(|event| event.event == "answer.delta").count() > 1);
}

#[tokio::test]
async fn a_client_of_a_restarted_server_receives_missed_events_once() {
    let product = answering_product().await;
    let person = Person::new(&product).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, "How is the lighthouse of Kerguelen reached in winter?").await;
    let before = person.listen("/v1/stream", None, |told| told.event == "answer.started").await;
    let last = before.last().unwrap().id.clone();
    let config = product.config.clone();
    product.end().await;
    let restarted = Product::on(config, &Role::ALL).await;
    let person = person.at(&restarted);
    let after = person.listen("/v1/stream", Some(&last), ended).await;
    let finished = after.iter().filter(|told| ended(told)).collect::<Vec<_>>();
    assert_eq!(finished.len(), 1);
    assert_eq!(finished[0].event, "answer.completed");
    let resumed = person
        .listen("/v1/stream", Some(&after.last().unwrap().id), |told| told.event == "conversation")
        .await;
    assert!(!resumed.iter().any(ended), "told twice");
}

#[tokio::test]
async fn a_stopped_answer_keeps_its_text_and_reaches_every_device() {
    let model = ModelServer::start(&[Act::Hold("Seven carpenters built ", "it in 1893 [1].")]).await;
    let product = product_with(Some(&model)).await;
    let person = Person::new(&product).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, "Tell me about the lighthouse of Kerguelen").await;
    let path = format!("/v1/conversations/{conversation}/stream");
    let told = person.listen(&path, None, |told| told.event == "answer.delta").await;
    let answer = told.last().unwrap().data["answer_id"].clone();
    let stopped = person.command(conversation, &json!({"type": "stop", "answer_id": answer})).await;
    assert_eq!((stopped.status, &stopped.body["events"]), (202, &json!(["AnswerStopped"])));
    let after = person.listen("/v1/stream", Some(&told.last().unwrap().id), ended).await;
    let finished = &after.last().unwrap().data;
    assert_eq!((&finished["id"], &finished["status"]), (&answer, &json!("stopped")));
    let kept = finished["text"].as_str().unwrap();
    assert!(!kept.is_empty() && kept.starts_with(&joined(&told)), "{kept:?}");
}

#[tokio::test]
async fn an_id_that_is_none_of_ours_is_refused() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    assert_eq!(person.get("/v1/stream?last_event_id=nonsense").await.status, 422);
    assert_eq!(person.get(&format!("/v1/conversations/{}/stream", Uuid::now_v7())).await.status, 404);
}
