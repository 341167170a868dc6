//! Expired conversations and documents are erased: unreadable, and gone from every list.

use chrono::{TimeDelta, Utc};
use colloquy::process::App;
use colloquy::roles::Role;
use colloquy::roles::retention::Retention;
use projections::quarantine::DEFAULT_LIMIT;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::backbone::connect;
use crate::support::erasing::{WITHOUT_WORKER, rows_of, with_a_question};
use crate::support::person::Person;
use crate::support::poison::Poison;
use crate::support::product::Product;
use crate::support::waiting::until;

const ROLES: [Role; 4] = Role::ALL;

async fn retention(product: &Product) -> Retention {
    let app = App::new(product.config.app.clone(), [].into()).await.unwrap();
    app.retention(&product.config.worker).unwrap()
}

async fn asked(person: &Person, text: &str) -> Uuid {
    let conversation = Uuid::now_v7();
    person.ask(conversation, text).await;
    person
        .until_shown(&format!("/v1/conversations/{conversation}"), |row| row["answering"] == json!(false))
        .await;
    conversation
}

async fn readable(pool: &PgPool, id: Uuid) -> bool {
    let query = "SELECT EXISTS (SELECT FROM keys WHERE id = $1 AND wrapped IS NOT NULL)";
    sqlx::query_scalar(query).bind(id).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn a_deleted_conversation_is_ended_for_good_after_thirty_days() {
    let product = Product::with(&ROLES).await;
    let person = Person::new(&product).await;
    let (deleted, kept) = (asked(&person, "What is a bassoon?").await, asked(&person, "And an oboe?").await);
    assert_eq!(person.command(deleted, &json!({"type": "delete"})).await.status, 202);
    let path = format!("/v1/conversations/{deleted}");
    person.until_gone(&path).await;

    let retention = retention(&product).await;
    let pool = connect(product.config.app.database_url.expose_secret(), 2);
    assert_eq!(retention.sweep(Utc::now() + TimeDelta::days(29)).await.unwrap(), 0);
    assert!(readable(&pool, deleted).await);
    assert_eq!(retention.sweep(Utc::now() + TimeDelta::days(31)).await.unwrap(), 1);
    assert!(!readable(&pool, deleted).await && readable(&pool, kept).await);
    until("its rows are gone", async || (rows_of(&pool, deleted).await == 0).then_some(())).await;
    assert!(rows_of(&pool, kept).await > 0);

    let restored = person.command(deleted, &json!({"type": "restore"})).await;
    assert_eq!(restored.status, 409, "{restored:?}");
    assert!(restored.body["type"].as_str().unwrap().ends_with("restore-too-late"), "{restored:?}");
    assert_eq!(retention.sweep(Utc::now() + TimeDelta::days(31)).await.unwrap(), 0, "once is enough");
    // A rebuild from the ledger yields the same.
    colloquy::operations::rebuild::rebuild(
        &retention.store,
        &projections::ReadModel::ALL,
        DEFAULT_LIMIT,
        |_, _| {},
    )
    .await
    .unwrap();
    assert_eq!(rows_of(&pool, deleted).await, 0);
    product.end().await;
}

/// Sends commands and waits until the list shows them.
async fn carry_out(person: &Person, commands: &[(Uuid, Value)]) {
    for (conversation, command) in commands {
        let answered = person.command(*conversation, command).await;
        assert_eq!(answered.status, 202, "{command} {answered:?}");
        let version = answered.body["version"].clone();
        let path = format!("/v1/conversations/{conversation}");
        person.until_shown(&path, |row| row["version"] == version).await;
    }
}

async fn reads_of(pool: &PgPool, id: Uuid) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM last_reads WHERE id = $1").bind(id);
    count.fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn every_use_of_a_conversation_keeps_it_and_so_does_a_pin() {
    let product = Product::with(&ROLES).await;
    let person = Person::new(&product).await;
    let mut conversations = vec![];
    for _ in 0..9 {
        conversations.push(asked(&person, "What is a dulcian?").await);
    }
    let [renamed, tagged, rated, archived, restored, read, unpinned, pinned, untouched] =
        conversations.try_into().unwrap();
    for pinned in [pinned, unpinned] {
        assert_eq!(person.command(pinned, &json!({"type": "pin"})).await.status, 202);
        person.until_shown(&format!("/v1/conversations/{pinned}"), |row| row["pinned"] == json!(true)).await;
    }
    assert_eq!(person.command(restored, &json!({"type": "delete"})).await.status, 202);
    let path = format!("/v1/conversations/{rated}/messages");
    let answer =
        person.until_shown(&path, |page| page["items"][1].is_object()).await["items"][1]["id"].clone();
    let pool = connect(product.config.app.database_url.expose_secret(), 2);
    // Reading counts by the day: only the reads of later days are uses since the cutoff.
    until("the reads so far are noted", async || {
        let query = "UPDATE last_reads SET read_on = read_on - 2";
        (sqlx::query(query).execute(&pool).await.unwrap().rows_affected() > 0).then_some(())
    })
    .await;

    let unused_since = Utc::now();
    let uses = [
        (renamed, json!({"type": "rename", "title": "Dulcians"})),
        (tagged, json!({"type": "tag", "tags": ["reeds"]})),
        (rated, json!({"type": "rate", "answer_id": answer, "rating": "up"})),
        (archived, json!({"type": "archive"})),
        (restored, json!({"type": "restore"})),
        (unpinned, json!({"type": "unpin"})),
    ];
    carry_out(&person, &uses).await;
    assert_eq!(person.get(&format!("/v1/conversations/{read}/messages")).await.status, 200);
    until("the read is noted", async || (reads_of(&pool, read).await > 0).then_some(())).await;

    let mut retention = retention(&product).await;
    let keep = TimeDelta::days(100);
    retention.keep = Some(keep);
    assert_eq!(retention.sweep(unused_since + keep).await.unwrap(), 1);
    person.until_gone(&format!("/v1/conversations/{untouched}")).await;
    for kept in [renamed, tagged, rated, archived, restored, read, unpinned, pinned] {
        assert!(rows_of(&pool, kept).await > 0);
    }
    // Years later only the pin still keeps.
    assert_eq!(retention.sweep(Utc::now() + TimeDelta::days(4000)).await.unwrap(), 7);
    person.until_gone(&format!("/v1/conversations/{read}")).await;
    assert!(rows_of(&pool, pinned).await > 0);
    assert_eq!(reads_of(&pool, read).await, 0, "what is erased leaves no day of reading");
    product.end().await;
}

#[tokio::test]
async fn with_retention_inactive_items_are_erased_and_without_it_none_is() {
    let product = Product::with(&ROLES).await;
    let person = Person::new(&product).await;
    let conversation = asked(&person, "What is a clarinet?").await;
    let added = person.upload("a.txt", b"A clarinet has a single reed.".to_vec(), &[]).await;
    let document = added.body["document_id"].as_str().unwrap().to_owned();
    let document_path = format!("/v1/documents/{document}");
    person.until_shown(&document_path, |row| row["status"] == json!("indexed")).await;

    let mut retention = retention(&product).await;
    let pool = connect(product.config.app.database_url.expose_secret(), 2);
    let in_years = Utc::now() + TimeDelta::days(4000);
    assert_eq!(retention.sweep(in_years).await.unwrap(), 0, "nothing ends unless it is asked for");
    retention.keep = Some(TimeDelta::days(100));
    assert_eq!(retention.sweep(Utc::now() + TimeDelta::days(99)).await.unwrap(), 0);
    assert_eq!(retention.sweep(in_years).await.unwrap(), 2);
    person.until_gone(&document_path).await;
    person.until_gone(&format!("/v1/conversations/{conversation}")).await;
    retention.sweep(in_years).await.unwrap();
    assert!(!readable(&pool, conversation).await);
    assert!(!readable(&pool, document.parse().unwrap()).await);
    assert_eq!(person.get("/v1/search?q=clarinet").await.body["items"], json!([]));
    product.end().await;
}

#[tokio::test]
async fn a_quarantined_conversation_is_erased_as_its_owner_and_the_retention_want_it() {
    let product = Product::with(&WITHOUT_WORKER).await;
    let (person, deleted) = with_a_question(&product).await;
    let (unread, kept, later) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    for id in [unread, kept, later] {
        person.ask(id, "What is a shawm?").await;
    }
    assert_eq!(person.command(kept, &json!({"type": "pin"})).await.status, 202);
    for id in [deleted, later] {
        assert_eq!(person.command(id, &json!({"type": "delete"})).await.status, 202);
    }
    let pool = connect(product.config.app.database_url.expose_secret(), 2);
    for id in [deleted, unread, kept] {
        Poison::undecryptable().append(&pool, id).await;
    }
    // What this release cannot read it cannot end, and it looks again at each sweep.
    Poison::of_a_later_version().append(&pool, later).await;
    person.ask(Uuid::now_v7(), "And a crumhorn?").await;
    until("all are in quarantine", async || {
        let held = projections::quarantine::list(&pool, None, 100).await.ok()?;
        let of_lists = held.iter().filter(|held| held.read_model == "conversations");
        (of_lists.count() == 4).then_some(())
    })
    .await;

    let mut retention = retention(&product).await;
    assert_eq!(retention.sweep(Utc::now() + TimeDelta::days(29)).await.unwrap(), 0);
    assert_eq!(retention.sweep(Utc::now() + TimeDelta::days(31)).await.unwrap(), 1);
    assert!(!readable(&pool, deleted).await && readable(&pool, unread).await && readable(&pool, later).await);
    until("its quarantine has ended", async || {
        let held = projections::quarantine::of_aggregate(&pool, deleted).await.ok()?;
        held.is_empty().then_some(())
    })
    .await;
    assert_eq!(retention.sweep(Utc::now() + TimeDelta::days(31)).await.unwrap(), 0, "once is enough");
    retention.keep = Some(TimeDelta::days(100));
    assert_eq!(retention.sweep(Utc::now() + TimeDelta::days(99)).await.unwrap(), 0);
    // With it goes the conversation of the last question.
    assert_eq!(retention.sweep(Utc::now() + TimeDelta::days(101)).await.unwrap(), 2);
    assert!(!readable(&pool, unread).await && readable(&pool, kept).await && readable(&pool, later).await);
    product.end().await;
}
