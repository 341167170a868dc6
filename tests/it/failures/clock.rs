//! A clock that jumps forward and back: order is by position, and time limits do not hang.

use secrecy::ExposeSecret as _;
use std::time::Duration;

use aggregates::conversation::Intent;
use aggregates::{AnswerRef, Version};
use chrono::{TimeDelta, Utc};
use colloquy::audit::verify_database;
use colloquy::roles::Role;
use serde_json::{Value, json};
use sqlx::PgPool;
use store::{AnswerRequest, NextAnswer};
use uuid::{NoContext, Timestamp, Uuid};

use crate::support::backbone::{Backbone, connect, conversation, new_database};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};

/// Jumps of the clock in days from now.
const JUMPS: [i32; 6] = [0, 700, -400, 30, -30, 0];

/// A database whose clock can be set. Everything in it asks this clock, its tables' defaults too.
struct Clock(PgPool);

impl Clock {
    async fn of_new_database() -> (Self, String) {
        let url = new_database().await;
        let (_, name) = url.rsplit_once('/').unwrap();
        let pool = connect(&url, 1);
        let replace = format!(
            "CREATE TABLE jumped (days int NOT NULL);
             INSERT INTO jumped VALUES (0);
             CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
                 AS 'SELECT pg_catalog.clock_timestamp() + make_interval(days => days) FROM public.jumped';
             CREATE FUNCTION now() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT public.clock_timestamp()';
             GRANT SELECT ON jumped TO PUBLIC;
             ALTER DATABASE {name} SET search_path = public, pg_catalog"
        );
        sqlx::raw_sql(&replace).execute(&pool).await.unwrap();
        (Self(pool), url)
    }

    async fn jump(&self, days: i32) {
        sqlx::query("UPDATE jumped SET days = $1").bind(days).execute(&self.0).await.unwrap();
    }
}

/// An id as a client makes it whose clock goes by so many days.
fn id_of_a_clock_at(days: i32) -> Uuid {
    let at = Utc::now() + TimeDelta::days(days.into());
    Uuid::new_v7(Timestamp::from_unix(NoContext, at.timestamp().unsigned_abs(), 0))
}

async fn ask_at(person: &Person, conversation: Uuid, days: i32) -> String {
    let text = format!("Who plays when it is {days} days from now?");
    let question = json!({"type": "ask", "question_id": id_of_a_clock_at(days), "text": text});
    let asked = person.command(conversation, &question).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    text
}

fn questions(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap().iter();
    items.filter(|item| item["role"] == "user").map(|item| item["text"].as_str().unwrap()).collect()
}

/// All conversations of a user, read page by page with one item each.
async fn listed(person: &Person) -> Vec<String> {
    let (mut ids, mut path) = (vec![], "/v1/conversations?limit=1".to_owned());
    loop {
        let page = person.get(&path).await.body;
        let items = page["items"].as_array().unwrap();
        ids.extend(items.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { return ids };
        path = format!("/v1/conversations?limit=1&cursor={cursor}");
    }
}

#[tokio::test]
async fn while_the_clock_jumps_everything_is_answered_and_stays_in_the_order_in_which_it_happened() {
    let (clock, url) = Clock::of_new_database().await;
    let product = Product::on(configuration(url), &Role::ALL).await;
    let person = Person::new(&product).await;
    let (long, mut asked, mut all) = (Uuid::now_v7(), vec![], vec![]);
    for days in JUMPS {
        clock.jump(days).await;
        asked.push(ask_at(&person, long, days).await);
        let path = format!("/v1/conversations/{long}/messages");
        let answered = |page: &Value| {
            let items = page["items"].as_array().unwrap();
            items.len() == 2 * asked.len() && items.last().unwrap()["status"] == "completed"
        };
        let page = person.until_shown(&path, answered).await;
        assert_eq!(questions(&page), asked);
        let other = id_of_a_clock_at(days);
        ask_at(&person, other, days).await;
        person.until_shown(&format!("/v1/conversations/{other}"), |row| row["version"] == json!(4)).await;
        all.push(other.to_string());
    }
    all.push(long.to_string());

    let mut listed = listed(&person).await;
    listed.sort_unstable();
    all.sort_unstable();
    assert_eq!(listed, all, "each once, whatever page it is on");
    let auditor = Person::auditor(&product).await;
    let history = auditor.get(&format!("/v1/audit/events?conversation={long}&limit=500")).await.body;
    let sequences: Vec<u64> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(sequences, (1..=sequences.len() as u64).collect::<Vec<_>>());
    let backbone = Backbone::on(product.config.app.database_url.expose_secret().to_owned()).await;
    verify_database(&backbone.store, None, |_, _| {}).await.unwrap();
    product.end().await;
}

#[tokio::test]
async fn a_lease_expires_although_the_clock_went_back() {
    let (clock, url) = Clock::of_new_database().await;
    store::migrate(&url.as_str().into()).await.unwrap();
    let backbone = Backbone::on(url).await;
    let (user, id, lease) = (backbone.user().await, conversation(), Duration::from_secs(10));
    let (_, answer_id) = backbone.ask(user, id, "Who holds this?").await;
    let answer = AnswerRef { owner: user, conversation_id: id, answer_id };
    backbone.store.queue_answers(&[AnswerRequest { answer, sequence: Version(3) }]).await.unwrap();
    let take = async || backbone.store.take_answer(&[], lease).await.unwrap();

    clock.jump(365).await;
    assert!(matches!(take().await, NextAnswer::Taken(_, Some(_))));
    assert!(matches!(take().await, NextAnswer::Nothing(Some(left)) if left <= lease));
    clock.jump(0).await;
    assert!(matches!(take().await, NextAnswer::Taken(lease, Some(_)) if lease.attempt == 2));

    let document = aggregates::DocumentId::new(Uuid::now_v7());
    let claim = async || backbone.store.lease_document(document, lease).await.unwrap().is_some();
    clock.jump(365).await;
    assert!(claim().await && !claim().await);
    clock.jump(0).await;
    assert!(claim().await && !claim().await);
}

#[tokio::test]
async fn commands_of_a_process_with_a_jumping_clock_keep_their_order() {
    let backbone = Backbone::new().await;
    let (user, id) = (backbone.user().await, conversation());
    backbone.ask(user, id, "Is it late?").await;
    for days in [700, -400, 30] {
        let at = Utc::now() + TimeDelta::days(days);
        assert_eq!(backbone.command_at(user, id, at, Intent::Delete).await, ["ConversationDeleted"]);
        assert_eq!(backbone.command_at(user, id, at, Intent::Restore).await, ["ConversationRestored"]);
    }
}
