//! Clients choose the ids of answers: the same id in conversations of two people means two answers.

use colloquy::roles::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::answering::{KNOWLEDGE, QUESTION};
use crate::support::backbone::new_database;
use crate::support::model_server::{Act, ModelServer};
use crate::support::person::{Person, Told, read_until};
use crate::support::product::{Product, configuration, worker_config};
use crate::support::waiting::until;

/// What the model says to the first question, and to all further ones before it is released.
const FIRST: &str = "It has sixty-one ";
const OTHER: &str = "Let me see, ";
const REST: &str = "bars of rosewood [1].";
const WHOLE: &str = "It has sixty-one bars of rosewood [1].";

/// A whole product with a model that does so.
async fn product(acts: &[Act]) -> (Product, ModelServer) {
    let model = ModelServer::start(acts).await;
    let mut config = configuration(new_database().await);
    config.worker = worker_config(Some(&model));
    (Product::on(config, &Role::ALL).await, model)
}

/// Somebody with a document of their own.
async fn informed(product: &Product) -> Person {
    let person = Person::new(product).await;
    let added = person.upload("marimba.md", KNOWLEDGE.into(), &[]).await;
    assert_eq!(added.status, 202, "{added:?}");
    let is_indexed = |page: &Value| page["items"][0]["status"] == "indexed";
    person.until_shown("/v1/documents", is_indexed).await;
    person
}

fn text_of(events: &[Told], answer: &Value) -> String {
    let deltas =
        events.iter().filter(|told| told.event == "answer.delta" && told.data["answer_id"] == *answer);
    deltas.map(|told| told.data["text"].as_str().unwrap()).collect()
}

/// Asks and waits for the first words.
async fn being_answered(person: &Person) -> (Uuid, Vec<Told>) {
    let conversation = Uuid::now_v7();
    person.ask(conversation, QUESTION).await;
    let path = format!("/v1/conversations/{conversation}/stream");
    let told = person.listen(&path, None, |told| told.event == "answer.delta").await;
    (conversation, told)
}

#[tokio::test]
async fn a_stop_takes_no_text_from_another_persons_answer_with_the_same_id_and_does_not_end_it() {
    let (product, model) = product(&[Act::Hold(FIRST, REST), Act::Hold(OTHER, REST)]).await;
    let (victim, attacker) = (informed(&product).await, informed(&product).await);
    let (conversation, before) = being_answered(&victim).await;
    let last = before.last().unwrap();
    let answer = last.data["answer_id"].clone();
    let stream = victim.open(&format!("/v1/conversations/{conversation}/stream"), Some(&last.id)).await;

    let own = Uuid::now_v7();
    let question = attacker.ask(own, QUESTION).await;
    let again = json!({"type": "regenerate", "question_id": question, "answer_id": answer});
    assert_eq!(attacker.command(own, &again).await.status, 202);
    let watching = attacker.open(&format!("/v1/conversations/{own}/stream"), None).await;
    assert_eq!(attacker.command(own, &json!({"type": "stop", "answer_id": answer})).await.status, 202);
    let stopped = read_until(watching, |told| told.event == "answer.stopped").await.pop().unwrap();
    assert_eq!(stopped.data["id"], answer);
    assert!(OTHER.starts_with(stopped.data["text"].as_str().unwrap()), "{stopped:?}");
    let path = format!("/v1/conversations/{own}/messages");
    let is_stopped = |page: &Value| {
        let mut items = page["items"].as_array().unwrap().iter();
        items.any(|item| item["id"] == answer && item["status"] == "stopped")
    };
    let page = attacker.until_shown(&path, is_stopped).await;
    assert!(!page.to_string().contains("sixty-one"), "{page}");

    model.release();
    let after = read_until(stream, |told| told.event == "answer.completed").await;
    assert!(!after.iter().any(|told| told.event == "answer.started"), "the answer began anew: {after:?}");
    assert_eq!(after.last().unwrap().data["text"], WHOLE);
    assert_eq!(text_of(&before, &answer) + &text_of(&after, &answer), WHOLE);
    product.end().await;
}

#[tokio::test]
async fn answers_with_the_same_id_are_written_beside_each_other_and_all_are_completed() {
    let (product, model) = product(&[Act::Hold(FIRST, REST)]).await;
    let (one, other) = (informed(&product).await, informed(&product).await);
    let (conversation, told) = being_answered(&one).await;
    let answer = told.last().unwrap().data["answer_id"].clone();
    let foreign = Uuid::now_v7();
    let second = Uuid::now_v7();
    for (person, id) in [(&other, foreign), (&one, second)] {
        let question = person.ask(id, QUESTION).await;
        let again = json!({"type": "regenerate", "question_id": question, "answer_id": answer});
        assert_eq!(person.command(id, &again).await.status, 202);
    }
    // Each person has two of the four slots.
    until("all slots are used", async || (model.answering() == 4).then_some(())).await;
    let stream = one.open("/v1/stream", None).await;
    model.release();
    let mut completed = std::collections::HashSet::new();
    let all = std::cell::RefCell::new(&mut completed);
    let both = |told: &Told| {
        if told.event == "answer.completed" && told.data["id"] == answer {
            assert_eq!(told.data["text"], WHOLE);
            all.borrow_mut().insert(told.data["conversation_id"].to_string());
        }
        all.borrow().len() == 2
    };
    let told = read_until(stream, both).await;
    for id in [conversation, second] {
        let text: String = told
            .iter()
            .filter(|told| told.event == "answer.delta" && told.data["answer_id"] == answer)
            .filter(|told| told.data["conversation_id"] == json!(id))
            .map(|told| told.data["text"].as_str().unwrap())
            .collect();
        assert_eq!(text, WHOLE, "the text of the other conversation was mixed in, or was lost");
    }
    let path = format!("/v1/conversations/{foreign}/messages");
    let is_completed = |page: &Value| {
        let mut items = page["items"].as_array().unwrap().iter();
        items.any(|item| item["id"] == answer && item["text"] == WHOLE)
    };
    other.until_shown(&path, is_completed).await;
    product.end().await;
}
