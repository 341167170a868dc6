//! Events of a newer release, which this one does not know: their aggregate is not readable,
//! everything else is.

use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use aggregates::conversation::ConversationEvent;
use colloquy::roles::Role;
use secrecy::ExposeSecret as _;

use crate::support::answering::{QUESTION, at_work, ending, work};
use crate::support::backbone::{connect, conversation};
use crate::support::person::{Person, read_until};
use crate::support::product::Product;
use crate::support::waiting::until;

/// Appends an event to an aggregate as a newer release does.
pub(super) async fn append_newer(pool: &PgPool, aggregate: Uuid, event_type: &str, version: &str) {
    let appended = sqlx::query(
        "WITH last AS (
             SELECT * FROM events WHERE aggregate_id = $1 ORDER BY sequence DESC LIMIT 1
         ), appended AS (
             INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, event_id, owner,
                                 payload, metadata)
             SELECT aggregate_type, aggregate_id, sequence + 1, $2, $3, gen_random_uuid(), owner,
                    json_build_object('type', $2::text), metadata
               FROM last
         )
         INSERT INTO outbox (aggregate_type, aggregate_id, sequence, owner)
         SELECT aggregate_type, aggregate_id, sequence + 1, owner FROM last",
    )
    .bind(aggregate)
    .bind(event_type)
    .bind(version)
    .execute(pool)
    .await;
    assert_eq!(appended.unwrap().rows_affected(), 1);
}

fn question() -> Value {
    json!({"type": "ask", "question_id": Uuid::now_v7(), "text": QUESTION})
}

#[tokio::test]
async fn commands_to_an_aggregate_with_an_unknown_event_are_refused_in_words_and_all_others_are_accepted() {
    let product = Product::with(&[Role::Api, Role::Sequencer]).await;
    let pool = connect(product.config.app.database_url.expose_secret(), 1);
    let person = Person::new(&product).await;
    for (event_type, version) in [("QuestionPondered", "1"), ("ConversationPinned", "9")] {
        let (newer, other) = (Uuid::now_v7(), Uuid::now_v7());
        person.ask(newer, QUESTION).await;
        append_newer(&pool, newer, event_type, version).await;
        let refused = person.command(newer, &question()).await;
        assert_eq!(refused.status, 503, "{refused:?}");
        assert_eq!(refused.body["type"], "urn:colloquy:problem:unreadable");
        assert_eq!(person.command(other, &question()).await.status, 202);
    }
    until("all events have a position", async || {
        let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(&pool).await.unwrap();
        (waiting == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn streams_go_on_beside_an_unknown_event_of_somebody_else() {
    let product = Product::start().await;
    let pool = connect(product.config.app.database_url.expose_secret(), 1);
    let (person, stranger) = (Person::new(&product).await, Person::new(&product).await);
    let (conversation, newer) = (Uuid::now_v7(), Uuid::now_v7());
    person.ask(conversation, QUESTION).await;
    stranger.ask(newer, QUESTION).await;
    let stream = person.open(&format!("/v1/conversations/{conversation}/stream"), None).await;
    append_newer(&pool, newer, "QuestionPondered", "1").await;
    let question = person.ask(conversation, "And who built it?").await.to_string();
    read_until(stream, |told| told.event == "question" && told.data.to_string().contains(&question)).await;
}

#[tokio::test]
async fn a_worker_leaves_an_answer_beside_an_unknown_event_to_others_without_an_attempt() {
    let backbone = at_work().await;
    let (user, newer, other) = (backbone.user().await, conversation(), conversation());
    let (_, waiting) = backbone.ask(user, newer, QUESTION).await;
    append_newer(&backbone.pool, newer.uuid(), "QuestionPondered", "1").await;
    work(&backbone, None);
    let queued =
        "SELECT attempt = 0 AND held_by IS NULL AND available_at > clock_timestamp() FROM answer_queue
                   WHERE answer_id = $1";
    until("the answer is left to others", async || {
        let row = sqlx::query_scalar(queued).bind(waiting.uuid()).fetch_optional(&backbone.pool);
        (row.await.unwrap() == Some(true)).then_some(())
    })
    .await;
    let (_, answer) = backbone.ask(user, other, QUESTION).await;
    let ended = ending(&backbone, other, answer).await;
    assert!(matches!(ended, ConversationEvent::AnswerCompleted { .. }), "{ended:?}");
}
