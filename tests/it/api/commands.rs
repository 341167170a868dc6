//! Commands as a client sends them: durable when accepted, the same when repeated, refused in words.

use serde_json::json;
use uuid::Uuid;

use crate::support::person::Person;
use crate::support::product::Product;

#[tokio::test]
async fn twenty_parallel_copies_of_one_command_are_one_command() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    let (conversation, question) = (Uuid::now_v7(), Uuid::now_v7());
    let command = json!({"type": "ask", "question_id": question, "text": "Is anybody there?"});
    let copies = futures::future::join_all((0..20).map(|_| person.command(conversation, &command))).await;
    for copy in &copies {
        assert_eq!(copy.status, 202, "{copy:?}");
        assert_eq!(copy.body, copies[0].body);
        assert_eq!(copy.headers["etag"], "\"3\"");
    }
    assert_eq!(copies[0].body["events"], json!(["ConversationStarted", "QuestionAsked", "AnswerRequested"]));
    let messages = person
        .until_shown(&format!("/v1/conversations/{conversation}/messages"), |page| {
            page["items"].as_array().is_some_and(|items| !items.is_empty())
        })
        .await;
    assert_eq!(messages["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn every_command_is_carried_out_and_shows() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    let conversation = Uuid::now_v7();
    let question = person.ask(conversation, "What is a lifetime?").await;
    let answer = Uuid::now_v7();
    for (command, events) in [
        (
            json!({"type": "regenerate", "question_id": question, "answer_id": answer}),
            json!(["AnswerRequested"]),
        ),
        (json!({"type": "stop", "answer_id": answer}), json!(["AnswerStopped"])),
        (json!({"type": "stop", "answer_id": answer}), json!(["AnswerStopped"])),
        (
            json!({"type": "rate", "answer_id": answer, "rating": "down", "comment": "too short"}),
            json!(["AnswerRated"]),
        ),
        (json!({"type": "rename", "title": "Lifetimes"}), json!(["ConversationRenamed"])),
        (json!({"type": "pin"}), json!(["ConversationPinned"])),
        (json!({"type": "pin"}), json!([])),
        (json!({"type": "archive"}), json!(["ConversationArchived"])),
        (json!({"type": "tag", "tags": ["rust"]}), json!(["ConversationTagged"])),
    ] {
        let answered = person.command(conversation, &command).await;
        assert_eq!((answered.status, &answered.body["events"]), (202, &events), "{command} {answered:?}");
    }
    let row = person.get(&format!("/v1/conversations/{conversation}?min_version=10")).await.body;
    assert_eq!(
        (&row["title"], &row["pinned"], &row["archived"]),
        (&json!("Lifetimes"), &json!(true), &json!(true))
    );
    let tagged = person.get("/v1/conversations?tag=Rust&archived=true").await.body;
    assert_eq!(tagged["items"][0]["id"], json!(conversation));
    assert_eq!(person.get("/v1/conversations?archived=false").await.body["items"], json!([]));

    let deleted = person.command(conversation, &json!({"type": "delete"})).await;
    let version = deleted.body["version"].as_u64().unwrap();
    person.until_shown("/v1/conversations", |list| list["items"] == json!([])).await;
    assert_eq!(person.get(&format!("/v1/conversations/{conversation}")).await.status, 404);
    assert_eq!(person.command(conversation, &json!({"type": "pin"})).await.status, 409);
    assert_eq!(person.command(conversation, &json!({"type": "restore"})).await.status, 202);
    let back = person.get(&format!("/v1/conversations/{conversation}?min_version={}", version + 1)).await;
    assert_eq!(back.status, 200);
}

#[tokio::test]
async fn a_condition_decides_a_race_and_an_idempotency_key_repeats_an_answer() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, "first").await;
    let lost = person.command_with(conversation, &json!({"type": "pin"}), &[("if-match", "\"2\"")]).await;
    assert_eq!((lost.status, &lost.body["current_version"]), (409, &json!(3)));
    let won = person.command_with(conversation, &json!({"type": "pin"}), &[("if-match", "\"3\"")]).await;
    assert_eq!(won.status, 202);

    let key = [("idempotency-key", "once")];
    let rename = json!({"type": "rename", "title": "One"});
    let first = person.command_with(conversation, &rename, &key).await;
    person.command(conversation, &json!({"type": "rename", "title": "Two"})).await;
    let again = person.command_with(conversation, &rename, &key).await;
    assert_eq!((again.status, &again.body), (202, &first.body));
    let other = person.command_with(conversation, &json!({"type": "rename", "title": "Three"}), &key).await;
    assert_eq!(
        (other.status, &other.body["type"]),
        (422, &json!("urn:colloquy:problem:idempotency-key-reused"))
    );
}

#[tokio::test]
async fn an_invalid_command_is_refused_with_its_field_and_loses_nothing() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    let id = Uuid::now_v7();
    let path = id.to_string();
    let ask = |text: String| json!({"type": "ask", "question_id": id, "text": text}).to_string().into_bytes();
    let json_type = "application/json";
    for (body, media_type, status, field) in [
        (b"{".to_vec(), json_type, 400, None),
        (b"{\"type\":\"\xff\"}".to_vec(), json_type, 400, None),
        (b"{}".to_vec(), json_type, 422, Some("type")),
        (ask(String::new()), json_type, 422, Some("text")),
        (ask("nul\0".into()), json_type, 422, Some("text")),
        (ask("x".repeat(32_769)), json_type, 422, Some("text")),
        (ask("x".repeat(300_000)), json_type, 413, None),
        (ask("hello".into()), "text/plain", 415, None),
    ] {
        let answered = person.raw_command(&path, body, media_type).await;
        assert_eq!(answered.status, status, "{answered:?}");
        assert_eq!(answered.headers["content-type"], "application/problem+json");
        assert!(answered.body["trace_id"].is_string() && answered.body["title"].is_string());
        assert_eq!(answered.body["field"].as_str(), field);
    }
    assert_eq!(person.raw_command("not-an-id", ask("x".into()), json_type).await.status, 422);
    assert_eq!(person.get(&format!("/v1/conversations/{id}")).await.status, 404);
    assert_eq!(person.get("/v1/nowhere").await.status, 404);
    assert_eq!(person.request("PUT", "/v1/conversations").await.status, 405);
    for (query, status) in [("limit=0", 422), ("limit=x", 422), ("cursor=abc", 400), ("from=yesterday", 422)]
    {
        assert_eq!(person.get(&format!("/v1/conversations?{query}")).await.status, status, "{query}");
    }
    let late = person.get_once(&format!("/v1/conversations/{id}?min_version=1")).await;
    assert_eq!((late.status, late.headers["retry-after"].as_str()), (503, "1"));
}

#[tokio::test]
async fn a_cursor_goes_on_where_it_was_while_new_things_arrive_and_is_refused_when_changed() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    for number in 0..5 {
        person.ask(Uuid::now_v7(), &format!("question {number}")).await;
    }
    let full = |list: &serde_json::Value| list["items"].as_array().is_some_and(|items| items.len() == 5);
    let all = person.until_shown("/v1/conversations", full).await;
    let first = person.get("/v1/conversations?limit=2").await.body;
    let cursor = first["next_cursor"].as_str().unwrap();
    person.ask(Uuid::now_v7(), "a newer one").await;
    let second = person.get(&format!("/v1/conversations?limit=3&cursor={cursor}")).await.body;
    assert_eq!(second["items"].as_array().unwrap()[..], all["items"].as_array().unwrap()[2..]);
    let changed = format!("A{}", &cursor[1..]);
    assert_eq!(person.get(&format!("/v1/conversations?limit=3&cursor={changed}")).await.status, 400);
    let stranger = Person::new(&product).await;
    assert_eq!(stranger.get(&format!("/v1/conversations?limit=3&cursor={cursor}")).await.status, 400);
}

#[tokio::test]
async fn an_unchanged_list_is_answered_with_304() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    person.ask(Uuid::now_v7(), "anything").await;
    person.until_shown("/v1/conversations", |list| list["items"][0]["id"].is_string()).await;
    let etag = person.get("/v1/conversations").await.headers["etag"].clone();
    assert!(etag.starts_with("W/"));
    let response = reqwest::Client::new()
        .get(format!("{}/v1/conversations", product.url))
        .bearer_auth(&person.token)
        .header("if-none-match", etag)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 304);
}
