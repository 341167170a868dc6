//! An erasure that cannot go on is retried beside others and never before them, and the answers of erased
//! users end.

use std::collections::BTreeSet;

use aggregates::UserId;
use colloquy::process::App;
use colloquy::roles::Role;
use projections::quarantine::DEFAULT_LIMIT;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::backbone::new_database;
use crate::support::erasing::{
    STORES, WITHOUT_WORKER, eraser, events_of, id_of, pool, recorded, request, rows_of, with_a_question,
};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::waiting::until;

#[tokio::test]
async fn more_stuck_erasures_than_are_attempted_at_once_hold_up_no_other() {
    let product = Product::with(&Role::ALL).await;
    let (mut stuck, watcher) = (vec![], Person::new(&product).await);
    let mut people = vec![];
    for _ in 0..8 {
        let person = Person::new(&product).await;
        stuck.push(id_of(&person).await);
        people.push(person);
    }
    // For these people one step can never be recorded.
    let pool = pool(&product);
    let list: Vec<String> = stuck.iter().map(|id| format!("'{id}'")).collect();
    sqlx::raw_sql(&format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$;
         CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW
             WHEN (NEW.event_type = 'StoreErased' AND NEW.payload ->> 'store' = 'passages'
                   AND NEW.aggregate_id IN ({}))
             EXECUTE FUNCTION refuse();",
        list.join(", ")
    ))
    .execute(&pool)
    .await
    .unwrap();
    let mut receipts = vec![];
    for person in &people {
        receipts.push(request(person).await);
    }
    for path in &receipts {
        let has_failed =
            |state: &Value| state["failed_attempts"].as_i64().is_some_and(|attempts| attempts > 0);
        let waits = |state: &Value| has_failed(state) && state["waits_for"] == "passages";
        let state = watcher.until_shown(path, waits).await;
        let others: BTreeSet<&str> = STORES.into_iter().filter(|store| *store != "passages").collect();
        assert_eq!(recorded(&state), others, "the other stores are erased all the same");
    }

    let (person, _) = with_a_question(&product).await;
    let path = request(&person).await;
    watcher.until_shown(&path, |state| !state["finished_at"].is_null()).await;
    assert!(watcher.get(&receipts[0]).await.body["finished_at"].is_null());

    sqlx::raw_sql("DROP TRIGGER refuse ON events").execute(&pool).await.unwrap();
    for path in &receipts {
        let state = watcher.until_shown(path, |state| !state["finished_at"].is_null()).await;
        assert_eq!((recorded(&state), &state["waits_for"]), (BTreeSet::from(STORES), &Value::Null));
    }
    product.end().await;
}

#[tokio::test]
async fn an_answer_whose_request_gets_its_position_after_the_keys_are_gone_ends_and_the_erasure_goes_on() {
    let config = configuration(new_database().await);
    let product = Product::on(config.clone(), &WITHOUT_WORKER).await;
    let (person, conversation) = with_a_question(&product).await;
    let owner = id_of(&person).await;
    product.end().await;
    // Nobody sequences now.
    let product = Product::on(config.clone(), &[Role::Api, Role::Projector]).await;
    let person = person.at(&product);
    person.ask(conversation, "And who the serpent?").await;
    let receipt = request(&person).await;
    // An attempt that died after its first step.
    let eraser = eraser(&config).await;
    eraser.store.destroy_keys(owner).await.unwrap();
    product.end().await;

    let product = Product::on(config, &WITHOUT_WORKER).await;
    let pool = pool(&product);
    until("the question has its position", async || {
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(&pool).await.unwrap();
        (left == 0).then_some(())
    })
    .await;
    eraser.erase_unfinished().await.unwrap();
    let state = Person::new(&product).await.get(&receipt).await.body;
    assert!(!state["finished_at"].is_null(), "{state}");
    assert_eq!(events_of(&pool, conversation, "AnswerRequested").await, 2);
    assert_eq!(events_of(&pool, conversation, "AnswerFailed").await, 2);
    assert_eq!(rows_of(&pool, conversation).await, 0);
    product.end().await;
}

#[tokio::test]
async fn an_answer_pending_in_a_deleted_conversation_ends_at_the_erasure() {
    let product = Product::with(&WITHOUT_WORKER).await;
    let (person, conversation) = with_a_question(&product).await;
    assert_eq!(person.command(conversation, &json!({"type": "delete"})).await.status, 202);
    let receipt = request(&person).await;
    eraser(&product.config).await.erase_unfinished().await.unwrap();
    let state = Person::new(&product).await.get(&receipt).await.body;
    assert!(!state["finished_at"].is_null(), "{state}");
    let pool = pool(&product);
    assert_eq!(events_of(&pool, conversation, "AnswerFailed").await, 1);
    assert_eq!(rows_of(&pool, conversation).await, 0);
    product.end().await;
}

/// Stores what an append leaves that began before the keys were destroyed and committed after the erasure.
async fn append_late(pool: &PgPool, owner: UserId) -> Uuid {
    let (conversation, question, answer) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let events = [
        ("ConversationStarted", json!({"type": "ConversationStarted", "owner": owner.uuid()})),
        ("QuestionAsked", json!({"type": "QuestionAsked", "question_id": question, "parent_id": null})),
        ("AnswerRequested", json!({"type": "AnswerRequested", "question_id": question, "answer_id": answer})),
    ];
    let mut transaction = pool.begin().await.unwrap();
    for (sequence, (event_type, payload)) in (1_i64..).zip(events) {
        sqlx::query(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, event_id,
                                 owner, payload, metadata, private)
             VALUES ('conversation', $1, $2, $3, '1', $4, $5, $6::text::json, '{\"actor\": \"system\"}'::json, $7)",
        )
        .bind(conversation)
        .bind(sequence)
        .bind(event_type)
        .bind(Uuid::now_v7())
        .bind(owner)
        .bind(payload.to_string())
        .bind((event_type == "QuestionAsked").then(|| vec![1_u8; 40]))
        .execute(&mut *transaction)
        .await
        .unwrap();
        sqlx::query(
            "INSERT INTO outbox (aggregate_type, aggregate_id, sequence) VALUES ('conversation', $1, $2)",
        )
        .bind(conversation)
        .bind(sequence)
        .execute(&mut *transaction)
        .await
        .unwrap();
    }
    transaction.commit().await.unwrap();
    conversation
}

#[tokio::test]
async fn rows_of_an_append_that_commits_after_the_erasure_do_not_come_back_and_its_answer_ends() {
    let product = Product::with(&Role::ALL).await;
    let (person, _) = with_a_question(&product).await;
    let (owner, receipt) = (id_of(&person).await, request(&person).await);
    let watcher = Person::new(&product).await;
    watcher.until_shown(&receipt, |state| !state["finished_at"].is_null()).await;

    let pool = pool(&product);
    let conversation = append_late(&pool, owner).await;
    // The next command wakes the sequencer.
    with_a_question(&product).await;
    until("the late answer ends", async || {
        (events_of(&pool, conversation, "AnswerFailed").await == 1).then_some(())
    })
    .await;
    let store = App::new(product.config.app.clone(), [].into()).await.unwrap().store(4).unwrap();
    until("the read models have all of it", async || {
        let (head, _) = store.ledger_head().await.unwrap();
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(&pool).await.unwrap();
        let reached = projections::lowest_checkpoint(store.read_models()).await.unwrap();
        (left == 0 && reached >= head).then_some(())
    })
    .await;
    assert_eq!(rows_of(&pool, conversation).await, 0);
    colloquy::operations::rebuild::rebuild(&store, &projections::ReadModel::ALL, DEFAULT_LIMIT, |_, _| {})
        .await
        .unwrap();
    assert_eq!(rows_of(&pool, conversation).await, 0, "a rebuild yields the same");
    product.end().await;
}
