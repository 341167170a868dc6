//! A client resumes a stream after an id that the ledger has not reached, as after a restore of
//! an older backup.

use std::cell::Cell;

use colloquy::roles::Role;
use serde_json::json;
use uuid::Uuid;

use crate::support::person::{Person, Told, read_until};
use crate::support::product::Product;

/// Positions that no test reaches, together and each alone.
const AHEAD: [&str; 3] = ["900000000.900000000", "900000000.0", "0.900000000"];

fn ended(told: &Told) -> bool {
    told.event.starts_with("answer.") && told.data["status"].is_string()
}

fn count(told: &[Told], name: &str) -> usize {
    told.iter().filter(|told| told.event == name).count()
}

#[tokio::test]
async fn a_stream_resumed_ahead_of_the_ledger_brings_questions_rows_and_ends() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    for id in AHEAD {
        let conversation = Uuid::now_v7();
        let stream = person.open("/v1/stream", Some(id)).await;
        person.ask(conversation, "When does the mail boat leave?").await;
        let (has_ended, has_row) = (Cell::new(false), Cell::new(false));
        let told = read_until(stream, |told| {
            has_ended.set(has_ended.get() || ended(told));
            let is_row = told.event == "conversation" && told.data["answering"] == json!(false);
            has_row.set(has_row.get() || is_row);
            has_ended.get() && has_row.get()
        })
        .await;
        assert_eq!(count(&told, "question"), 1, "{id}: {told:?}");
        assert_eq!(told.iter().filter(|told| ended(told)).count(), 1, "{id}: {told:?}");
    }
    product.end().await;
}

#[tokio::test]
async fn the_stream_of_a_conversation_resumed_ahead_of_the_ledger_begins_with_its_newest_answer() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    let conversation = Uuid::now_v7();
    let path = format!("/v1/conversations/{conversation}/stream");
    person.ask(conversation, "Who winds the clock of the tower?").await;
    let first = person.listen(&path, None, ended).await;
    for id in AHEAD {
        let again = person.listen(&path, Some(id), ended).await;
        assert_eq!(again.last().unwrap().data, first.last().unwrap().data, "{id}");
    }
    product.end().await;
}

#[tokio::test]
async fn an_auditor_who_resumes_ahead_of_the_ledger_receives_what_is_appended() {
    let product = Product::start().await;
    let auditor = Person::auditor(&product).await;
    let person = Person::new(&product).await;
    let stream = auditor.open("/v1/audit/events/stream", Some("900000000")).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, "Is anybody there?").await;
    let asked = |told: &Told| told.data["type"] == "QuestionAsked";
    let told = read_until(stream, |told| asked(told) && told.data["aggregate_id"] == json!(conversation));
    assert!(told.await.last().is_some_and(asked));
    product.end().await;
}
