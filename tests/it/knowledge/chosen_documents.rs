//! Questions that name the documents to answer from.

use std::time::Duration;

use aggregates::DocumentId;
use colloquy::process::App;
use colloquy::roles::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::answering::answer_to;
use crate::support::backbone::new_database;
use crate::support::person::Person;
use crate::support::product::{Product, configuration};

async fn added(person: &Person, name: &str, text: &str) -> String {
    let answered = person.upload(name, text.as_bytes().to_vec(), &[]).await;
    assert_eq!(answered.status, 202, "{answered:?}");
    answered.body["document_id"].as_str().unwrap().to_owned()
}

fn question(documents: &[&str]) -> Value {
    json!({"type": "ask", "question_id": Uuid::now_v7(), "text": "When does the ferry to Holm leave?", "documents": documents})
}

#[tokio::test]
async fn an_answer_rests_on_the_documents_that_the_question_names_and_waits_for_them() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    let other =
        added(&person, "old.md", "# Ferry 2019\n\nThe ferry to Holm leaves at six in the morning.").await;
    person.until_shown(&format!("/v1/documents/{other}"), |row| row["status"] == "indexed").await;
    // Asked at once, while the document is still on its way into the index.
    let chosen =
        added(&person, "new.md", "# Ferry 2024\n\nThe ferry to Holm leaves at twenty past eight.").await;
    let conversation = Uuid::now_v7();
    let accepted = person.command(conversation, &question(&[&chosen])).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let path = format!("/v1/conversations/{conversation}/messages");
    let completed = |item: &Value| item["role"] == "assistant" && item["status"] == "completed";
    let answered = |page: &Value| page["items"].as_array().is_some_and(|items| items.iter().any(completed));
    let page = person.until_shown(&path, answered).await;
    let answer = page["items"].as_array().unwrap().iter().find(|item| item["role"] == "assistant").unwrap();
    assert!(answer["text"].as_str().unwrap().contains("twenty past eight"), "{answer}");
    let cited: Vec<_> =
        answer["citations"].as_array().unwrap().iter().map(|one| one["document_id"].clone()).collect();
    assert_eq!(cited, [json!(chosen)]);
    // Clients ask a version of the question from the same documents.
    let asked = page["items"].as_array().unwrap().iter().find(|item| item["role"] == "user").unwrap();
    assert_eq!(asked["documents"], json!([chosen]));
}

#[tokio::test]
async fn a_document_of_somebody_else_cannot_be_named() {
    let product = Product::with(&Role::ALL).await;
    let (person, other) = (Person::new(&product).await, Person::new(&product).await);
    let id = added(&other, "ferry.md", "# Ferry\n\nThe ferry leaves at eight.").await;
    for named in [id.as_str(), "0197b3f0-0000-7000-8000-000000000009"] {
        let refused = person.command(Uuid::now_v7(), &question(&[named])).await;
        assert_eq!((refused.status, &refused.body["field"]), (422, &json!("documents")), "{refused:?}");
    }
}

#[tokio::test]
async fn a_question_that_waits_for_its_documents_keeps_no_worker_from_the_questions_of_others() {
    let mut config = configuration(new_database().await);
    config.worker.worker_concurrency = 1;
    let product = Product::on(config.clone(), &Role::ALL).await;
    let (person, other) = (Person::new(&product).await, Person::new(&product).await);
    // Another process has begun to index the document, and does not end.
    let store = App::new(config.app.clone(), [].into()).await.unwrap().store(1).unwrap();
    let id = Uuid::now_v7();
    let held = store.lease_document(DocumentId::new(id), Duration::from_mins(10)).await.unwrap();
    assert!(held.is_some());
    let fields = [("document_id", &*id.to_string())];
    let added = person.upload("ferry.md", b"# Ferry\n\nAt noon.".to_vec(), &fields).await;
    assert_eq!(added.status, 202, "{added:?}");
    let waiting = Uuid::now_v7();
    let asked = person.command(waiting, &question(&[&id.to_string()])).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    for _ in 0..2 {
        let answer = answer_to(&other, "When does the ferry leave?").await;
        assert_eq!(answer["status"], "completed", "{answer}");
    }
    let path = format!("/v1/conversations/{waiting}/messages");
    let page = person.until_shown(&path, |page| page["items"][1].is_object()).await;
    assert_eq!(page["items"][1]["status"], "requested", "{page}");
    product.end().await;
}
