//! What is published is the ledger's history, and what arrives by NATS counts only if it is.

use std::sync::Arc;

use aggregates::Position;
use async_nats::HeaderMap;
use async_nats::jetstream;
use colloquy::roles::Role;
use serde_json::json;
use uuid::Uuid;

use crate::support::backbone::{Backbone, conversation};
use crate::support::person::Person;
use crate::support::product::Product;
use crate::support::waiting::until;

/// Waits until the stream ends in the head of the ledger, and holds nothing but the ledger's events
/// without a gap.
pub(super) async fn until_stream_is_of_the_ledger(backbone: &Backbone) {
    let jetstream = jetstream::new(backbone.nats.clone());
    until("the stream is of the ledger", async || {
        let entries = backbone.store.ledger_after(Position(0), 10_000).await.ok()?;
        let ids = entries.iter().map(|entry| format!("{}-{}", entry.position, hex::encode(entry.hash)));
        let ids: Vec<String> = ids.collect();
        let stream = jetstream.get_stream(backbone.subjects.events_stream()).await.ok()?;
        let state = stream.cached_info().state.clone();
        let mut published = Vec::new();
        for sequence in state.first_sequence..=state.last_sequence {
            let message = stream.get_raw_message(sequence).await.ok()?;
            published.push(message.headers.get("Nats-Msg-Id")?.as_str().to_owned());
        }
        (!published.is_empty() && ids.ends_with(&published)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_stream_of_another_history_is_purged_and_filled_again() {
    let backbone = Backbone::new().await;
    let sequencer = backbone.sequence();
    let user = backbone.user().await;
    for _ in 0..10 {
        backbone.ask(user, conversation(), "lost").await;
    }
    until_stream_is_of_the_ledger(&backbone).await;
    sequencer.abort();
    let _ = sequencer.await;
    backbone.go_back(16).await;
    let tasks = [backbone.sequence(), backbone.project()];
    backbone.ask(user, conversation(), "kept").await;
    backbone.projected(19).await;
    until_stream_is_of_the_ledger(&backbone).await;
    // And once more, under a running publisher.
    backbone.go_back(13).await;
    backbone.ask(user, conversation(), "kept again").await;
    backbone.projected(16).await;
    until_stream_is_of_the_ledger(&backbone).await;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

/// Each publisher takes what the other one has stored for what it is: the events of the ledger.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_publishers_under_load_fill_one_stream_that_is_never_created_again() {
    let backbone = Arc::new(Backbone::new().await);
    let user = backbone.user().await;
    let tasks = [backbone.sequence(), backbone.sequence(), backbone.project()];
    backbone.ask(user, conversation(), "first").await;
    until_stream_is_of_the_ledger(&backbone).await;
    let jetstream = jetstream::new(backbone.nats.clone());
    let created = async || {
        let stream = jetstream.get_stream(backbone.subjects.events_stream()).await.unwrap();
        stream.cached_info().created
    };
    let before = created().await;
    let asking = (0..8).map(|_| {
        let backbone = Arc::clone(&backbone);
        tokio::spawn(async move {
            for _ in 0..60 {
                backbone.ask(user, conversation(), "and another one").await;
            }
        })
    });
    futures::future::try_join_all(asking).await.unwrap();
    until_stream_is_of_the_ledger(&backbone).await;
    assert_eq!(created().await, before);
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn an_event_that_no_message_can_carry_holds_up_nothing() {
    let backbone = Backbone::new().await;
    let user = backbone.user().await;
    let large = conversation();
    backbone.ask(user, large, "hello").await;
    let padding = "x".repeat(1_500_000);
    sqlx::query(
        "WITH appended AS (
             INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, event_id, owner, payload, metadata)
             VALUES ('conversation', $1, 4, 'ConversationPinned', '1', gen_random_uuid(), $2, $3::text::json, '{}')
             RETURNING aggregate_type, aggregate_id, sequence)
         INSERT INTO outbox (aggregate_type, aggregate_id, sequence) SELECT * FROM appended",
    )
    .bind(large)
    .bind(user)
    .bind(json!({"type": "ConversationPinned", "padding": padding}).to_string())
    .execute(&backbone.pool)
    .await
    .unwrap();
    backbone.ask(user, conversation(), "after it").await;
    let tasks = [backbone.sequence(), backbone.project()];
    backbone.projected(8).await;
    until_stream_is_of_the_ledger(&backbone).await;
    let pinned: bool = sqlx::query_scalar("SELECT pinned FROM conversations WHERE id = $1")
        .bind(large)
        .fetch_one(&backbone.pool)
        .await
        .unwrap();
    assert!(pinned);
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_forged_event_changes_nothing_and_the_real_one_of_its_position_is_applied() {
    let backbone = Backbone::new().await;
    let tasks = [backbone.sequence(), backbone.project()];
    let user = backbone.user().await;
    backbone.ask(user, conversation(), "hello").await;
    backbone.projected(4).await;
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", format!("5-{}", "ab".repeat(32)).as_str());
    let subject = backbone.subjects.event("account", "StoreErased", user.uuid(), user.uuid());
    let forged = json!({
        "position": 5, "aggregate": "account", "aggregate_id": user, "sequence": 2, "event_type": "StoreErased",
        "event_version": "1", "event_id": Uuid::now_v7(), "owner": user, "recorded_at": "2026-01-01T00:00:00Z",
        "payload": {"type": "StoreErased", "store": "keys"}, "metadata": {},
    });
    backbone.nats.publish_with_headers(subject, headers, forged.to_string().into()).await.unwrap();
    backbone.nats.flush().await.unwrap();
    let real = conversation();
    backbone.ask(user, real, "the real event of this position").await;
    backbone.projected(7).await;
    let shown: i64 = sqlx::query_scalar("SELECT count(*) FROM conversations WHERE owner = $1")
        .bind(user)
        .fetch_one(&backbone.pool)
        .await
        .unwrap();
    assert_eq!(shown, 2);
    until_stream_is_of_the_ledger(&backbone).await;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_forged_announcement_of_an_erasure_locks_nobody_out() {
    let product = Product::with(&[Role::Api, Role::Sequencer, Role::Projector]).await;
    let (victim, leaving) = (Person::new(&product).await, Person::new(&product).await);
    victim.ask(Uuid::now_v7(), "hello").await;
    leaving.ask(Uuid::now_v7(), "goodbye").await;
    let id = victim.get("/v1/me").await.body["id"].as_str().unwrap().to_owned();
    let nats = async_nats::connect(secrecy::ExposeSecret::expose_secret(&product.config.app.nats_url))
        .await
        .unwrap();
    let subject = format!("{}.erasing", product.config.app.nats_prefix);
    nats.publish(subject, id.into()).await.unwrap();
    nats.flush().await.unwrap();
    // A real announcement comes after it.
    assert_eq!(leaving.request("DELETE", "/v1/me").await.status, 202);
    until("the real one is locked out", async || {
        (leaving.get("/v1/conversations").await.status == 403).then_some(())
    })
    .await;
    assert_eq!(victim.get("/v1/conversations").await.status, 200);
    victim.ask(Uuid::now_v7(), "still here").await;
}
