//! No user ever sees a trace of another's data.

use serde_json::json;
use uuid::Uuid;

use crate::support::person::Person;
use crate::support::product::Product;

#[tokio::test]
async fn two_users_probing_each_other_on_every_route_find_nothing() {
    let product = Product::start().await;
    let (one, two) = (Person::new(&product).await, Person::new(&product).await);
    let conversation = Uuid::now_v7();
    let question = one.ask(conversation, "Where is the zanzibar treasure?").await;
    one.until_shown("/v1/conversations", |list| list["items"][0]["id"] == json!(conversation)).await;
    two.get("/v1/me").await;
    for path in ["", "/messages", "/stream", "?min_version=0"] {
        let answered = two.get(&format!("/v1/conversations/{conversation}{path}")).await;
        assert_eq!(answered.status, 404, "{path}");
    }
    for command in [
        json!({"type": "ask", "question_id": Uuid::now_v7(), "text": "mine now?"}),
        json!({"type": "ask", "question_id": question, "text": "the same?"}),
        json!({"type": "regenerate", "question_id": question, "answer_id": Uuid::now_v7()}),
        json!({"type": "stop", "answer_id": Uuid::now_v7()}),
        json!({"type": "rename", "title": "stolen"}),
        json!({"type": "pin"}),
        json!({"type": "unpin"}),
        json!({"type": "archive"}),
        json!({"type": "tag", "tags": ["x"]}),
        json!({"type": "delete"}),
        json!({"type": "restore"}),
    ] {
        assert_eq!(two.command(conversation, &command).await.status, 404, "{command}");
    }
    for path in ["/v1/conversations", "/v1/search?q=zanzibar", "/v1/usage"] {
        assert_eq!(two.get(path).await.body["items"], json!([]), "{path}");
    }
    let found = one.until_shown("/v1/search?q=zanzibar", |page| page["items"][0].is_object()).await;
    assert_eq!(found["items"][0]["conversation_id"], json!(conversation));
    assert_eq!(one.get(&format!("/v1/conversations/{conversation}")).await.body["version"], json!(3));
}

#[tokio::test]
async fn a_request_without_a_valid_token_is_refused() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    assert_eq!(person.get("/v1/me").await.status, 200);
    let opaque = person.with_token(person.session.clone());
    assert_eq!(opaque.get("/v1/me").await.body["id"], person.get("/v1/me").await.body["id"]);
    let (head, signature) = person.token.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    let unsigned = format!("{head}.");
    let raw_session = person.session.split('.').next().unwrap().to_owned();
    for token in [forged, unsigned, raw_session, "x".into(), "a.b.c".into()] {
        let answered = person.with_token(token).get("/v1/me").await;
        assert_eq!(answered.status, 401, "{answered:?}");
        assert_eq!(answered.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
    }
    for path in ["/v1/conversations", "/v1/search?q=x", "/v1/stream", "/v1/usage", "/v1/me"] {
        let response = reqwest::get(format!("{}{path}", product.url)).await.unwrap();
        assert_eq!(response.status(), 401, "{path}");
    }
}
