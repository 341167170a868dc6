//! Reports of the account service become events of the account, once, however long this service was away.

use std::collections::BTreeSet;

use colloquy::process::App;
use colloquy::roles::Role;
use colloquy::roles::account_facts::AccountFacts;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::accounts::{OwnAccounts, PASSWORD, id_of, post, sign_in};
use crate::support::person::Person;
use crate::support::product::Product;

const ROLES: [Role; 3] = [Role::Api, Role::Sequencer, Role::Projector];

async fn facts(accounts: &OwnAccounts) -> AccountFacts {
    let app = App::new(accounts.config.app.clone(), BTreeSet::new()).await.unwrap();
    app.account_facts(&accounts.config).unwrap()
}

/// The events of an account but its first, oldest first.
async fn events_of(accounts: &OwnAccounts, user: Uuid) -> Vec<(String, Value)> {
    let query = "SELECT event_type, payload FROM events
                  WHERE aggregate_type = 'account' AND aggregate_id = $1 AND sequence > 1 ORDER BY sequence";
    sqlx::query_as(query).bind(user).fetch_all(&accounts.pool).await.unwrap()
}

async fn names_of(accounts: &OwnAccounts, user: Uuid) -> Vec<String> {
    events_of(accounts, user).await.into_iter().map(|(name, _)| name).collect()
}

#[tokio::test]
async fn sign_ins_and_the_ends_of_sessions_appear_in_the_ledger_by_themselves() {
    let accounts = OwnAccounts::start().await;
    let product = Product::on(accounts.config.clone(), &Role::ALL).await;
    let person = accounts.person(&product).await;
    let user = id_of(&person).await;
    assert_eq!(sign_in(&product, &person, PASSWORD).await, 200);
    assert_eq!(post(&product, "sign-out", Some(&person.session), &json!({})).await.status(), 200);
    let auditor = accounts.person_with_role(&product, "auditor").await;
    let page = auditor
        .until_shown(&format!("/v1/audit/events?user={user}"), |page| {
            page["items"].as_array().unwrap().iter().any(|event| event["type"] == "SignedOut")
        })
        .await;
    let items = page["items"].as_array().unwrap();
    let types: Vec<_> = items.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["AccountOpened", "SignedIn", "SignedIn", "SignedOut"]);
    assert_eq!(items[3]["payload"]["session"], items[1]["payload"]["session"]);
    assert_eq!(items[1]["actor"], json!({"kind": "user", "id": user}));
    product.end().await;
}

#[tokio::test]
async fn facts_wait_for_the_service_and_are_recorded_once() {
    let accounts = OwnAccounts::start().await;
    let product = Product::on(accounts.config.clone(), &ROLES).await;
    let person = accounts.person(&product).await;
    let user = id_of(&person).await;
    let facts = facts(&accounts).await;
    let kept: Vec<(Uuid, String, Uuid)> =
        sqlx::query_as("SELECT id, kind, session_id FROM auth.account_facts WHERE user_id = $1")
            .bind(user)
            .fetch_all(&accounts.pool)
            .await
            .unwrap();
    assert_eq!(facts.record_pending(true).await.unwrap(), 1);
    assert_eq!(facts.record_pending(true).await.unwrap(), 0);
    assert_eq!(names_of(&accounts, user).await, ["SignedIn"]);
    // A process that died after it recorded the fact and before it deleted it.
    for (id, kind, session) in &kept {
        sqlx::query("INSERT INTO auth.account_facts (id, kind, user_id, session_id) VALUES ($1, $2, $3, $4)")
            .bind(id)
            .bind(kind)
            .bind(user)
            .bind(session)
            .execute(&accounts.pool)
            .await
            .unwrap();
    }
    let (one, other) = tokio::join!(facts.record_pending(false), facts.record_pending(false));
    assert!(one.unwrap() + other.unwrap() >= 1);
    assert_eq!(names_of(&accounts, user).await, ["SignedIn"]);
}

#[tokio::test]
async fn facts_about_an_account_without_a_request_wait_for_its_first_one() {
    let accounts = OwnAccounts::start().await;
    let product = Product::on(accounts.config.clone(), &ROLES).await;
    let facts = facts(&accounts).await;
    let (silent, person) = (accounts.person(&product).await, accounts.person(&product).await);
    let user = id_of(&person).await;
    assert_eq!(facts.record_pending(true).await.unwrap(), 1);
    assert_eq!(names_of(&accounts, user).await, ["SignedIn"]);
    let late = id_of(&silent).await;
    assert_eq!(facts.record_pending(true).await.unwrap(), 1);
    assert_eq!(names_of(&accounts, late).await, ["SignedIn"]);
}

#[tokio::test]
async fn refused_sign_ins_of_an_account_are_one_event_a_minute_with_their_number() {
    let accounts = OwnAccounts::start().await;
    let product = Product::on(accounts.config.clone(), &ROLES).await;
    let person = accounts.person(&product).await;
    let user = id_of(&person).await;
    let facts = facts(&accounts).await;
    for _ in 0..3 {
        assert_eq!(sign_in(&product, &person, "not the password").await, 401);
    }
    let stranger = Person::with_account_at(&accounts.url(), &product.url).await;
    let nobody = json!({"email": format!("x{}", stranger.email()), "password": PASSWORD});
    assert_eq!(post(&product, "sign-in/email", None, &nobody).await.status(), 401);
    crate::support::waiting::until("all refusals are counted", async || {
        let counted: Option<i64> = sqlx::query_scalar(
            "SELECT sum(count) FROM auth.account_facts WHERE kind = 'sign_in_refused' AND user_id = $1",
        )
        .bind(user)
        .fetch_one(&accounts.pool)
        .await
        .unwrap();
        (counted == Some(3)).then_some(())
    })
    .await;
    // The minute is not over.
    assert_eq!(facts.record_pending(true).await.unwrap(), 1);
    assert_eq!(names_of(&accounts, user).await, ["SignedIn"]);
    sqlx::query(
        "UPDATE auth.account_facts SET minute = minute - interval '10 minutes' WHERE minute IS NOT NULL",
    )
    .execute(&accounts.pool)
    .await
    .unwrap();
    facts.record_pending(true).await.unwrap();
    let refused: Vec<Value> =
        events_of(&accounts, user).await.into_iter().skip(1).map(|(_, it)| it).collect();
    let counts: Vec<u64> = refused.iter().map(|it| it["count"].as_u64().unwrap()).collect();
    // Two where a minute ended in between.
    assert!(counts.iter().sum::<u64>() == 3 && counts.len() <= 2, "{refused:?}");
    assert!(refused.iter().all(|it| it["type"] == "SignInRefused"), "{refused:?}");
    let metrics = product.metrics().await;
    assert!(metrics.contains("colloquy_sign_ins_total{outcome=\"refused\"} 4"), "{metrics}");
}

#[tokio::test]
async fn a_role_that_is_set_by_hand_in_the_tables_becomes_an_event_too() {
    let accounts = OwnAccounts::start().await;
    let product = Product::on(accounts.config.clone(), &ROLES).await;
    let person = accounts.person(&product).await;
    let user = id_of(&person).await;
    for change in ["role = 'auditor'", "banned = true", "banned = false"] {
        sqlx::query(&format!("UPDATE auth.\"user\" SET {change} WHERE id::text = $1"))
            .bind(user.to_string())
            .execute(&accounts.pool)
            .await
            .unwrap();
    }
    assert_eq!(facts(&accounts).await.record_pending(true).await.unwrap(), 4);
    let events = events_of(&accounts, user).await;
    let names: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["SignedIn", "RoleChanged", "Banned", "BanLifted"]);
    assert_eq!(events[1].1, json!({"type": "RoleChanged", "role": "auditor", "by": Uuid::nil()}));
}

#[tokio::test]
async fn an_erased_account_leaves_no_fact_behind() {
    let accounts = OwnAccounts::start().await;
    let product = Product::on(accounts.config.clone(), &ROLES).await;
    let person = accounts.person(&product).await;
    let user = id_of(&person).await;
    accounts.tables().erase(aggregates::UserId::new(user)).await.unwrap();
    for table in ["account_facts", "revocations"] {
        let query = format!("SELECT count(*) FROM auth.{table} WHERE user_id = $1");
        let left: i64 = sqlx::query_scalar(&query).bind(user).fetch_one(&accounts.pool).await.unwrap();
        assert_eq!(left, 0, "{table}");
    }
}
