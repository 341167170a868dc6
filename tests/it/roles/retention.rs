//! Expired conversations and documents are erased: unreadable, and gone from every list.

use chrono::{TimeDelta, Utc};
use colloquy::process::App;
use colloquy::roles::Role;
use colloquy::roles::retention::Retention;
use secrecy::ExposeSecret as _;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::backbone::connect;
use crate::support::person::Person;
use crate::support::product::Product;

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

async fn rows(pool: &PgPool, id: Uuid) -> i64 {
    sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM conversations WHERE id = $1)
              + (SELECT count(*) FROM messages WHERE conversation_id = $1)
              + (SELECT count(*) FROM search_entries WHERE conversation_id = $1)",
    )
    .bind(id)
    .fetch_one(pool)
    .await
    .unwrap()
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
    crate::support::waiting::until("its rows are gone", async || {
        (rows(&pool, deleted).await == 0).then_some(())
    })
    .await;
    assert!(rows(&pool, kept).await > 0);

    let restored = person.command(deleted, &json!({"type": "restore"})).await;
    assert_eq!(restored.status, 409, "{restored:?}");
    assert!(restored.body["type"].as_str().unwrap().ends_with("restore-too-late"), "{restored:?}");
    assert_eq!(retention.sweep(Utc::now() + TimeDelta::days(31)).await.unwrap(), 0, "once is enough");
    // A rebuild from the ledger yields the same.
    colloquy::operations::rebuild::rebuild(&retention.store, &projections::ReadModel::ALL, |_, _| {})
        .await
        .unwrap();
    assert_eq!(rows(&pool, deleted).await, 0);
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
