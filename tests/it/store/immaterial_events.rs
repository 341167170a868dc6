//! Aggregates whose events pile up are loaded without those that no decision depends on.

use std::sync::Arc;

use aggregates::account::{AccountCommand, AccountEvent, UserRole};
use aggregates::audit_trail::{RecordAccess, Through};
use aggregates::{Actor, Metadata, SessionId, UserId};
use serde_json::json;
use store::{Database, Keyring, Store};
use uuid::Uuid;

use crate::support::backbone::{Backbone, master_key};

fn metadata(owner: UserId) -> Metadata {
    let correlation_id = Uuid::now_v7();
    Metadata { owner, actor: Actor::System, correlation_id, causation_id: None, traceparent: None }
}

/// The store of a process that has nothing in memory.
fn another_process(backbone: &Backbone) -> Store {
    let database = Database::connect(&backbone.database_url.as_str().into(), 2).unwrap();
    Store::new(database.clone(), Arc::new(Keyring::new(database, master_key())))
}

/// Stores an event that cannot be decoded, as one that is not loaded may be.
async fn store_unreadable(backbone: &Backbone, aggregate: &str, id: Uuid, event_type: &str, sequence: i64) {
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, event_id,
                             owner, payload, metadata)
         VALUES ($1, $2, $3, $4, '2', gen_random_uuid(), $2, $5::json, '{}'::json)",
    )
    .bind(aggregate)
    .bind(id)
    .bind(sequence)
    .bind(event_type)
    .bind(json!({ "type": event_type }).to_string())
    .execute(&backbone.pool)
    .await
    .unwrap();
}

async fn versions(backbone: &Backbone, aggregate: &str, id: Uuid) -> Vec<i64> {
    let query =
        "SELECT sequence FROM events WHERE aggregate_type = $1 AND aggregate_id = $2 ORDER BY sequence";
    sqlx::query_scalar(query).bind(aggregate).bind(id).fetch_all(&backbone.pool).await.unwrap()
}

#[tokio::test]
async fn an_auditors_access_is_recorded_without_reading_the_earlier_ones() {
    let backbone = Backbone::new().await;
    let auditor = UserId::new(Uuid::now_v7());
    store_unreadable(&backbone, "audit_trail", auditor.uuid(), "AuditAccessed", 1).await;
    let access =
        RecordAccess { auditor, what: "events".to_owned(), filter: json!({}), through: Through::Api };
    // The newest event is loaded, for its place, so that it is readable.
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, event_id,
                             owner, payload, metadata)
         VALUES ('audit_trail', $1, 2, 'AuditAccessed', '2', gen_random_uuid(), $1, $2::json, '{}'::json)",
    )
    .bind(auditor.uuid())
    .bind(json!({"type": "AuditAccessed", "auditor": auditor, "what": "events", "filter": {}, "through": "api"}).to_string())
    .execute(&backbone.pool)
    .await
    .unwrap();
    let process = another_process(&backbone);
    process.audit_trails().execute(auditor.uuid(), access, &metadata(auditor), None).await.unwrap();
    assert_eq!(versions(&backbone, "audit_trail", auditor.uuid()).await, [1, 2, 3]);
}

#[tokio::test]
async fn an_account_decides_by_its_role_however_often_its_owner_signed_in() {
    let backbone = Backbone::new().await;
    let user = backbone.user().await;
    let change = AccountCommand::ChangeRole { role: UserRole::Auditor, by: UserId::SHARED };
    let accounts = backbone.store.accounts();
    accounts.execute(user.uuid(), (user, change.clone()), &metadata(user), None).await.unwrap();
    for (index, name) in AccountEvent::IMMATERIAL.iter().enumerate() {
        let sequence = 3 + i64::try_from(index).unwrap();
        store_unreadable(&backbone, "account", user.uuid(), name, sequence).await;
    }
    let session = SessionId::new(Uuid::now_v7());
    let newest = 3 + i64::try_from(AccountEvent::IMMATERIAL.len()).unwrap();
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, event_id,
                             owner, payload, metadata)
         VALUES ('account', $1, $2, 'SignedIn', '1', gen_random_uuid(), $1, $3::json, '{}'::json)",
    )
    .bind(user.uuid())
    .bind(newest)
    .bind(json!({"type": "SignedIn", "session": session}).to_string())
    .execute(&backbone.pool)
    .await
    .unwrap();
    let process = another_process(&backbone);
    let same = process.accounts().execute(user.uuid(), (user, change), &metadata(user), None).await.unwrap();
    assert_eq!(same.events, []);
    let signed_in = AccountCommand::RecordSignIn { session };
    process.accounts().execute(user.uuid(), (user, signed_in), &metadata(user), None).await.unwrap();
    assert_eq!(versions(&backbone, "account", user.uuid()).await.last(), Some(&(newest + 1)));
}
