//! Commands on documents: their tags, and indexing again.

use colloquy::roles::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::person::Person;
use crate::support::product::Product;

async fn added(person: &Person, name: &str, text: &str) -> String {
    let answered = person.upload(name, text.as_bytes().to_vec(), &[]).await;
    assert_eq!(answered.status, 202, "{answered:?}");
    let id = answered.body["document_id"].as_str().unwrap().to_owned();
    person.until_shown(&format!("/v1/documents/{id}"), |row| row["status"] == "indexed").await;
    id
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn documents_have_tags_by_which_they_are_listed_and_answered_from() {
    let product = Product::with(&Role::ALL).await;
    let (person, other) = (Person::new(&product).await, Person::new(&product).await);
    let old = added(&person, "Old plan.md", "# Tram\n\nThe tram to Vik leaves at ten past six.").await;
    let new = added(&person, "New plan.md", "# Tram\n\nThe tram to Vik leaves at a quarter to nine.").await;
    let commands = format!("/v1/documents/{new}/commands");
    let tag = json!({"type": "tag", "tags": ["Valid", "trams"]});
    assert_eq!(other.post(&commands, &tag).await.status, 404);
    let accepted = person.post(&commands, &tag).await;
    assert_eq!(
        (accepted.status, &accepted.body["events"]),
        (202, &json!(["DocumentTagged"])),
        "{accepted:?}"
    );

    let row = person.get(&format!("/v1/documents/{new}")).await.body;
    assert_eq!((&row["tags"], &row["language"]), (&json!(["Valid", "trams"]), &json!("en")), "{row}");
    assert_eq!(ids(&person.get("/v1/documents?tag=valid").await.body), [new.as_str()]);
    assert_eq!(ids(&person.get("/v1/documents?q=plan&sort=oldest").await.body), [old.as_str(), new.as_str()]);
    let first = person.get("/v1/documents?sort=title&limit=1").await.body;
    assert_eq!(ids(&first), [new.as_str()]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = person.get(&format!("/v1/documents?sort=title&limit=1&cursor={cursor}")).await.body;
    assert_eq!(ids(&second), [old.as_str()]);
    assert_eq!(person.get(&format!("/v1/documents?sort=size&cursor={cursor}")).await.status, 400);
    assert_eq!(person.get("/v1/documents?sort=colour").await.status, 422);

    let ask = |tag: &str| json!({"type": "ask", "question_id": Uuid::now_v7(), "text": "When does the tram to Vik leave?", "document_tags": [tag]});
    let conversation = Uuid::now_v7();
    assert_eq!(person.command(conversation, &ask("VALID")).await.status, 202);
    let completed = |item: &Value| item["role"] == "assistant" && item["status"] == "completed";
    let path = format!("/v1/conversations/{conversation}/messages");
    let answered = |page: &Value| page["items"].as_array().is_some_and(|items| items.iter().any(completed));
    let page = person.until_shown(&path, answered).await;
    let answer = page["items"].as_array().unwrap().iter().find(|item| completed(item)).unwrap();
    let cited = answer["citations"].as_array().unwrap().iter().all(|one| one["document_id"] == json!(new));
    assert!(cited && answer["text"].as_str().unwrap().contains("quarter to nine"), "{answer}");
    let refused = person.command(Uuid::now_v7(), &ask("unknown")).await;
    assert_eq!((refused.status, &refused.body["field"]), (422, &json!("document_tags")), "{refused:?}");
}

#[tokio::test]
async fn a_document_is_added_with_tags_and_indexed_again_with_the_same_title_and_tags() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    let text = b"The tram to Vik leaves at ten past six.".to_vec();
    let refused = person.upload("Tram.md", text.clone(), &[("tags", &"x".repeat(51))]).await;
    assert_eq!((refused.status, &refused.body["field"]), (422, &json!("tags")), "{refused:?}");
    let tagged = person.upload("Tram.md", text.clone(), &[("tags", "old")]).await;
    assert_eq!(tagged.body["events"], json!(["DocumentAdded", "DocumentTagged"]), "{tagged:?}");
    let id = tagged.body["document_id"].as_str().unwrap().to_owned();
    person.until_shown(&format!("/v1/documents/{id}"), |row| row["status"] == "indexed").await;
    let again = person.upload("Copy.md", text, &[("tags", "trams, Vik")]).await;
    assert_eq!((&again.body["document_id"], &again.body["events"]), (&json!(id), &json!(["DocumentTagged"])));
    let tags = person.get(&format!("/v1/documents/{id}")).await.body["tags"].clone();
    assert_eq!(tags, json!(["trams", "Vik"]));
    let commands = format!("/v1/documents/{id}/commands");
    let before = person.get(&format!("/v1/documents/{id}")).await.body;
    let again = person.post(&commands, &json!({"type": "reindex"})).await;
    assert_eq!((again.status, &again.body["events"]), (202, &json!(["DocumentAdded"])), "{again:?}");
    let version = again.body["version"].as_u64().unwrap();
    let is_done = |row: &Value| row["status"] == "indexed" && row["version"].as_u64() > Some(version);
    let after = person.until_shown(&format!("/v1/documents/{id}"), is_done).await;
    for field in ["title", "tags", "passages", "created_at"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    let passage = person.get(&format!("/v1/documents/{id}/passages/0")).await;
    assert!(passage.body["text"].as_str().unwrap().contains("tram to Vik"), "{passage:?}");
}

#[tokio::test]
async fn a_question_keeps_its_tags_and_can_be_asked_again_after_a_document_was_removed() {
    let product = Product::with(&Role::ALL).await;
    let person = Person::new(&product).await;
    let mut ids = Vec::new();
    for number in 0..3 {
        let text = format!("# Tram {number}\n\nTram {number} to Vik leaves at {number} o'clock.");
        ids.push(added(&person, &format!("{number}.md"), &text).await);
    }
    let tag = |id: &str, tags: &[&str]| {
        (format!("/v1/documents/{id}/commands"), json!({"type": "tag", "tags": tags}))
    };
    for (id, tags) in ids.iter().zip([&["Plan", "b"][..], &["plan", "a"], &["c"]]) {
        let (path, command) = tag(id, tags);
        assert_eq!(person.post(&path, &command).await.status, 202);
    }
    let tags = person.get("/v1/documents/tags").await.body;
    assert_eq!(tags["items"].as_array().unwrap().len(), 4, "{tags}");
    assert_eq!(
        (&tags["items"][0], &tags["items"][2], &tags["truncated"]),
        (&json!("a"), &json!("c"), &json!(false))
    );

    let ask = |documents: &Value, tags: &Value| {
        json!({"type": "ask", "question_id": Uuid::now_v7(), "text": "When does tram 1 to Vik leave?",
               "documents": documents, "document_tags": tags})
    };
    let conversation = Uuid::now_v7();
    let accepted = person.command(conversation, &ask(&json!([ids[2]]), &json!(["PLAN"]))).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let path = format!("/v1/conversations/{conversation}/messages");
    let page = person.until_shown(&path, |page| page["items"][0].is_object()).await;
    let asked = &page["items"][0];
    assert_eq!((&asked["document_tags"], &asked["named_documents"]), (&json!(["PLAN"]), &json!([ids[2]])));
    assert_eq!(asked["documents"].as_array().unwrap().len(), 3, "{asked}");
    let stream = format!("/v1/conversations/{conversation}/stream?last_event_id=0.0");
    let told = person.listen(&stream, None, |told| told.event == "question").await;
    assert_eq!(told.last().unwrap().data["document_tags"], json!(["PLAN"]));

    for id in [&ids[0], &ids[2]] {
        assert_eq!(person.request("DELETE", &format!("/v1/documents/{id}")).await.status, 202);
    }
    let edited = Uuid::now_v7();
    let accepted = person.command(edited, &ask(&asked["named_documents"], &asked["document_tags"])).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let path = format!("/v1/conversations/{edited}/messages");
    let page = person.until_shown(&path, |page| page["items"][0].is_object()).await;
    assert_eq!(page["items"][0]["documents"], json!([ids[1]]), "{page}");
    let refused = person.command(Uuid::now_v7(), &ask(&json!([ids[2]]), &json!([]))).await;
    assert_eq!((refused.status, &refused.body["field"]), (422, &json!("documents")), "{refused:?}");
    product.end().await;
}
