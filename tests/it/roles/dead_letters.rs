//! Work that workers give up is kept with its cause, and an operator has it done again or leaves it undone.

use aggregates::AggregateType;
use aggregates::conversation::FailureReason;
use aggregates::operation::DeadLetterKind;
use colloquy::operations::dead_letters::{DeadLetters, NotDecided};
use serde_json::{Value, json};
use store::DeadLetter;
use uuid::Uuid;

use crate::support::answering::{QUESTION, at_work, ending, failed, work};
use crate::support::backbone::{Backbone, conversation};
use crate::support::model_server::{Act, ModelServer};
use crate::support::poison::Poison;
use crate::support::waiting::until;

fn operator(backbone: &Backbone) -> DeadLetters {
    DeadLetters {
        store: backbone.store.clone(),
        nats: backbone.nats.clone(),
        subjects: backbone.subjects.clone(),
        wake: backbone.wake.clone(),
    }
}

async fn letter(backbone: &Backbone, kind: DeadLetterKind) -> DeadLetter {
    until("there is a dead letter", async || {
        let letters = backbone.store.dead_letters(10).await.ok()?;
        letters.into_iter().find(|letter| letter.kind == kind)
    })
    .await
}

async fn decisions(backbone: &Backbone) -> Vec<Value> {
    sqlx::query_scalar(
        "SELECT payload FROM events WHERE event_type = 'DeadLetterEnded' ORDER BY recorded_at, event_id",
    )
    .fetch_all(&backbone.pool)
    .await
    .unwrap()
}

async fn requested(backbone: &Backbone, id: Uuid) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM events WHERE aggregate_id = $1 AND event_type = 'AnswerRequested'",
    )
    .bind(id)
    .fetch_one(&backbone.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_failed_answer_leaves_a_letter_and_a_retry_asks_for_another_answer() {
    let backbone = at_work().await;
    let model = ModelServer::start(&[Act::Status(401)]).await;
    work(&backbone, Some(&model));
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    assert_eq!(failed(&ending(&backbone, id, answer).await).0, FailureReason::ModelRefused);
    let kept = letter(&backbone, DeadLetterKind::Answer).await;
    assert_eq!((kept.owner, kept.aggregate_id, kept.subject_id), (user, id.uuid(), answer.uuid()));
    assert_eq!((kept.cause.as_str(), kept.occurrences), ("model_refused", 1));
    assert!(!kept.detail.contains("marimba"), "{kept:?}");
    operator(&backbone).retry(kept.id).await.unwrap();
    assert_eq!(requested(&backbone, id.uuid()).await, 2);
    let another = letter(&backbone, DeadLetterKind::Answer).await;
    assert_ne!(another.subject_id, answer.uuid());
    operator(&backbone).discard(another.id).await.unwrap();
    assert_eq!(backbone.store.dead_letters(10).await.unwrap(), []);
    let gone = operator(&backbone).retry(another.id).await.unwrap_err();
    assert!(matches!(gone, NotDecided::NotFound), "{gone:?}");
    let kind = json!("answer");
    let decided = decisions(&backbone).await;
    assert!(decided.iter().all(|event| event["kind"] == kind), "{decided:?}");
    let outcomes: Vec<_> = decided.iter().map(|event| event["outcome"].clone()).collect();
    assert_eq!(outcomes, [json!("retried"), json!("discarded")]);
    backbone.cancel.cancel();
}

#[tokio::test]
async fn deliveries_of_a_later_release_become_letters_and_hold_no_answer_up() {
    let backbone = at_work().await;
    let (user, id, document) = (backbone.user().await, conversation(), Uuid::now_v7());
    let (question, _) = backbone.ask(user, id, QUESTION).await;
    let aggregate = AggregateType::Conversation;
    let requested = json!({"type": "AnswerRequested", "question_id": question, "answer_id": Uuid::now_v7()});
    Poison { aggregate, payload: requested, version: "2", private: None }
        .append(&backbone.pool, id.uuid())
        .await;
    sqlx::query(
        "WITH appended AS (
             INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, event_id, owner,
                                 payload, metadata)
             VALUES ('document', $1, 1, 'DocumentAdded', '9', gen_random_uuid(), $2, '{\"type\": \"DocumentAdded\"}', '{}')
             RETURNING aggregate_type, aggregate_id, sequence, owner)
         INSERT INTO outbox (aggregate_type, aggregate_id, sequence, owner) SELECT * FROM appended",
    )
    .bind(document)
    .bind(user)
    .execute(&backbone.pool)
    .await
    .unwrap();
    work(&backbone, None);
    let other = conversation();
    let (_, answer) = backbone.ask(user, other, QUESTION).await;
    ending(&backbone, other, answer).await;
    let delivery = letter(&backbone, DeadLetterKind::Delivery).await;
    assert_eq!((delivery.aggregate_id, delivery.owner, delivery.attempts), (id.uuid(), user, 4));
    assert!(delivery.detail.contains("version \"2\" of AnswerRequested is unknown"), "{delivery:?}");
    let unread = operator(&backbone).retry(delivery.id).await.unwrap_err();
    assert!(matches!(unread, NotDecided::Store(_)), "{unread:?}");
    operator(&backbone).discard(delivery.id).await.unwrap();

    let indexing = letter(&backbone, DeadLetterKind::Document).await;
    assert_eq!((indexing.subject_id, indexing.owner), (document, user));
    operator(&backbone).retry(indexing.id).await.unwrap();
    let again = until("the document was given up again", async || {
        let kept = letter(&backbone, DeadLetterKind::Document).await;
        (kept.id != indexing.id).then_some(kept)
    })
    .await;
    assert_eq!((again.subject_id, again.cause.as_str()), (document, "unreadable"));
    operator(&backbone).discard(again.id).await.unwrap();
    let decided = decisions(&backbone).await;
    let outcomes: Vec<_> = decided
        .iter()
        .map(|event| (event["kind"].as_str().unwrap(), event["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(outcomes, [("delivery", "discarded"), ("document", "retried"), ("document", "discarded")]);
    backbone.cancel.cancel();
}
