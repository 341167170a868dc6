//! Every change of a byte - of an export, an event or the ledger - is detected, and its position named.

use std::pin::pin;

use aggregates::Position;
use colloquy::audit::CheckpointSigner;
use colloquy::audit::verify::{NotVerified, Verified, verify};
use colloquy::audit::{SigningKey, export, verify_database};
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use sqlx::PgPool;
use store::EventFilter;
use uuid::Uuid;

use crate::support::backbone::{Backbone, conversation};
use crate::support::person::Person;
use crate::support::product::Product;
use crate::support::waiting::until;

const NDJSON: &str = "application/x-ndjson";

async fn exported(backbone: &Backbone, filter: EventFilter, after: u64) -> Vec<u8> {
    let signer = CheckpointSigner::new(backbone.store.clone(), None);
    let lines = export(&backbone.store, &signer, filter, Position(after)).await.unwrap();
    let mut lines = pin!(lines);
    let mut text = Vec::new();
    while let Some(part) = lines.try_next().await.unwrap() {
        text.extend_from_slice(&part);
    }
    text
}

fn position_named(text: &[u8]) -> Option<u64> {
    match verify(text, 0, None) {
        Ok(_) => None,
        Err(NotVerified::Misfit(misfit)) => Some(misfit.position),
        Err(NotVerified::Unreadable(error)) => panic!("{error}"),
    }
}

/// Some history: each user has an account and two conversations, 7 events.
async fn history(users: u64) -> (Backbone, tokio::task::JoinHandle<()>) {
    history_of(users, 2).await
}

async fn history_of(users: u64, conversations: u64) -> (Backbone, tokio::task::JoinHandle<()>) {
    let backbone = Backbone::new().await;
    let sequencer = backbone.sequence();
    for _ in 0..users {
        let user = backbone.user().await;
        for _ in 0..conversations {
            backbone.ask(user, conversation(), "Which \"words\" of mine are kept,\nand how?").await;
        }
    }
    backbone.sealed((1 + 3 * conversations) * users).await;
    (backbone, sequencer)
}

#[tokio::test]
async fn a_change_of_any_byte_of_an_export_is_found_at_its_position() {
    let (backbone, sequencer) = history_of(1, 1).await;
    let text = exported(&backbone, EventFilter::default(), 0).await;
    let verified = verify(text.as_slice(), 0, None).unwrap();
    assert_eq!(
        (verified.events, verified.first, verified.last, verified.chained),
        (4, Some(1), Some(4), true)
    );
    let mut line = 1_u64;
    for at in 0..text.len() {
        let mut changed = text.clone();
        changed[at] ^= [1, 0x20, 0x80][at % 3];
        assert_eq!(position_named(&changed), Some(line.min(4)), "byte {at} of line {line}");
        line += u64::from(text[at] == b'\n');
    }
    sequencer.abort();
}

#[tokio::test]
async fn lines_that_are_missing_repeated_moved_or_cut_off_are_found() {
    let (backbone, sequencer) = history(2).await;
    let text = exported(&backbone, EventFilter::default(), 0).await;
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let without = |left_out: usize| [&lines[..left_out], &lines[left_out + 1..]].concat().concat();
    for left_out in 0..14 {
        assert_eq!(position_named(&without(left_out)), Some(left_out as u64 + 1));
    }
    assert_eq!(position_named(&without(14)), Some(14), "the last line is missing");
    assert_eq!(position_named(&lines[..5].concat()), Some(5), "cut off");
    let mut swapped = lines.clone();
    swapped.swap(3, 4);
    assert_eq!(position_named(&swapped.concat()), Some(4));
    let repeated = [&lines[..3], &lines[2..]].concat().concat();
    assert_eq!(position_named(&repeated), Some(4));
    assert!(verify([].as_slice(), 0, None).is_err(), "nothing proves nothing");
    sequencer.abort();
}

#[tokio::test]
async fn an_export_verifies_by_the_key_that_signed_it_and_by_no_other() {
    let (backbone, sequencer) = history(2).await;
    let signer = CheckpointSigner::new(backbone.store.clone(), None);
    let first_key = signer.key().await.unwrap().public_key();
    let before = exported(&backbone, EventFilter::default(), 0).await;
    let first = signer.checkpoint().await.unwrap();
    let rotated = signer.rotate().await.unwrap();
    let second_key = signer.key().await.unwrap().public_key();
    assert_eq!(rotated.key_id, second_key.id());
    let after = exported(&backbone, EventFilter::default(), 0).await;
    let second = signer.checkpoint().await.unwrap();
    assert!(verify(before.as_slice(), 0, Some(first_key)).unwrap().key_given);
    assert!(verify(after.as_slice(), 0, Some(second_key)).is_ok());
    assert!(verify(before.as_slice(), 0, Some(second_key)).is_err());
    assert!(verify(after.as_slice(), 0, Some(first_key)).is_err());
    assert!(first.is_signed_by(&first_key) && second.is_signed_by(&second_key));
    assert_eq!((first.position, &first.root), (second.position, &second.root));
    let keys = signer.keys().await.unwrap();
    assert_eq!(keys.iter().map(|key| key.retired_at.is_some()).collect::<Vec<_>>(), [false, true]);

    let own = std::sync::Arc::new(SigningKey::generate().unwrap());
    let configured = CheckpointSigner::new(backbone.store.clone(), Some(own.clone()));
    assert!(configured.checkpoint().await.unwrap().is_signed_by(&own.public_key()));
    assert_eq!(configured.keys().await.unwrap().len(), 3);
    assert!(verify_database(&backbone.store, Some(own.public_key()), |_, _| {}).await.is_ok());
    assert!(verify_database(&backbone.store, None, |_, _| {}).await.is_ok());
    sequencer.abort();
}

#[tokio::test]
async fn an_export_over_http_verifies_can_be_resumed_and_filtered() {
    let product = Product::start().await;
    let (person, auditor) = (Person::new(&product).await, Person::auditor(&product).await);
    for _ in 0..5 {
        person.ask(Uuid::now_v7(), "a question").await;
    }
    until("the events are in the ledger", async || {
        let page = auditor.get("/v1/audit/events?type=QuestionAsked").await.body;
        (page["items"].as_array()?.len() == 5).then_some(())
    })
    .await;
    let (status, whole) = auditor.text("/v1/audit/events", NDJSON).await;
    assert_eq!(status, 200);
    let verified: Verified = verify(whole.as_bytes(), 0, None).unwrap();
    assert!(verified.chained && verified.events > 15);
    let lines: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (end, events) = lines.split_last().unwrap();
    assert!(events.iter().zip(1..).all(|(event, position)| event["position"] == json!(position)));
    assert_eq!(end["checkpoint"]["position"], events.last().unwrap()["position"]);
    assert_eq!(end["checkpoint"]["root"], events.last().unwrap()["hash"]);

    let (_, rest) = auditor.text("/v1/audit/events?after=7", NDJSON).await;
    assert!(verify(rest.as_bytes(), 7, None).is_ok());
    assert!(verify(rest.as_bytes(), 0, None).is_err(), "its beginning is missing");
    let broken_off: String = whole.split_inclusive('\n').take(7).collect();
    let resumed = verify((broken_off + &rest).as_bytes(), 0, None).unwrap();
    assert_eq!((resumed.first, resumed.resumed_after), (Some(1), Some(7)));

    let (_, filtered) = auditor.text("/v1/audit/events?type=QuestionAsked", NDJSON).await;
    let verified = verify(filtered.as_bytes(), 0, None).unwrap();
    assert_eq!((verified.events, verified.chained), (5, false));
    let first: Value = serde_json::from_str(filtered.lines().next().unwrap()).unwrap();
    assert_eq!(first["export"]["filter"], json!({"type": "QuestionAsked"}));

    let checkpoint = auditor.get("/v1/audit/checkpoint").await.body;
    let keys = auditor.get("/v1/audit/keys").await.body;
    assert_eq!(keys["items"][0]["key_id"], checkpoint["key_id"]);
    let at = checkpoint["position"].as_u64().unwrap();
    let page = auditor.get(&format!("/v1/audit/events?after={}&limit=1", at - 1)).await.body;
    assert_eq!(page["items"][0]["hash"], checkpoint["root"]);
}

/// Verifies the database after a change and returns the error.
async fn found(backbone: &Backbone) -> Option<u64> {
    use colloquy::audit::NotWhole;
    match verify_database(&backbone.store, None, |_, _| {}).await {
        Ok(_) => None,
        Err(NotWhole::Misfit(misfit)) => Some(misfit.position),
        Err(NotWhole::Store(error)) => panic!("{error}"),
    }
}

async fn run(pool: &PgPool, statement: &str) {
    sqlx::raw_sql(statement).execute(pool).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// Changes of one column each, of an event or its ledger row, by the owner of the database.
fn changes(position: i64) -> Vec<String> {
    let event = format!(
        "FROM ledger l WHERE l.position = {position} AND l.aggregate_type = events.aggregate_type
            AND l.aggregate_id = events.aggregate_id AND l.sequence = events.sequence"
    );
    let columns = [
        "event_type = event_type || 'x'",
        "event_version = '9'",
        "event_id = gen_random_uuid()",
        "owner = gen_random_uuid()",
        "payload = replace(events.payload::text, '\"type\"', '\"tYpe\"')::json",
        "payload = (events.payload::text || ' ')::json",
        "metadata = replace(events.metadata::text, 'actor', 'Actor')::json",
        "private = coalesce(set_byte(events.private, 20, get_byte(events.private, 20) # 1), '\\x00')",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "sequence = events.sequence + 1000",
        "aggregate_id = gen_random_uuid()",
        "aggregate_type = 'document'",
    ];
    let of_ledger = [
        "hash = set_byte(hash, 7, get_byte(hash, 7) # 1)",
        "owner = gen_random_uuid()",
        "position = position + 1000",
        "aggregate_id = gen_random_uuid()",
        "aggregate_type = 'document'",
        "sequence = sequence + 1000",
    ];
    columns
        .iter()
        .map(|column| format!("UPDATE events SET {column} {event}"))
        .chain(of_ledger.iter().map(|column| format!("UPDATE ledger SET {column} WHERE position = {position}")))
        .chain([
            format!("DELETE FROM ledger WHERE position = {position}"),
            format!("DELETE FROM events USING ledger l WHERE l.position = {position} AND l.aggregate_type = events.aggregate_type
                        AND l.aggregate_id = events.aggregate_id AND l.sequence = events.sequence"),
        ])
        .collect()
}

#[tokio::test]
async fn a_change_of_any_column_of_an_event_or_of_the_ledger_is_found_at_its_position() {
    let (backbone, sequencer) = history(2).await;
    CheckpointSigner::new(backbone.store.clone(), None).checkpoint().await.unwrap();
    sequencer.abort();
    let pool = &backbone.pool;
    assert_eq!(found(&backbone).await, None);
    run(
        pool,
        "ALTER TABLE events DISABLE TRIGGER USER; ALTER TABLE ledger DISABLE TRIGGER USER;
               CREATE TABLE events_kept AS TABLE events; CREATE TABLE ledger_kept AS TABLE ledger",
    )
    .await;
    for position in [1, 3, 9, 14] {
        for change in changes(position) {
            run(pool, &change).await;
            assert_eq!(found(&backbone).await, Some(position.unsigned_abs()), "{change}");
            run(
                pool,
                "TRUNCATE events; INSERT INTO events TABLE events_kept;
                       TRUNCATE ledger; INSERT INTO ledger TABLE ledger_kept",
            )
            .await;
        }
    }
    assert_eq!(found(&backbone).await, None);
}

#[tokio::test]
async fn a_history_rewritten_from_the_middle_does_not_fit_the_checkpoints_signed_before() {
    let (backbone, sequencer) = history(2).await;
    CheckpointSigner::new(backbone.store.clone(), None).checkpoint().await.unwrap();
    sequencer.abort();
    let pool = &backbone.pool;
    run(pool, "ALTER TABLE ledger DISABLE TRIGGER USER; ALTER TABLE events DISABLE TRIGGER USER;
               DELETE FROM events USING ledger l WHERE l.position > 12 AND l.aggregate_type = events.aggregate_type
                  AND l.aggregate_id = events.aggregate_id AND l.sequence = events.sequence;
               DELETE FROM ledger WHERE position > 12").await;
    assert_eq!(found(&backbone).await, Some(13), "the end was cut off");
    let sequencer = backbone.sequence();
    let user = backbone.user().await;
    backbone.ask(user, conversation(), "something else").await;
    backbone.sealed(16).await;
    sequencer.abort();
    assert_eq!(found(&backbone).await, Some(14), "the chain holds, but not with what was signed");
}
