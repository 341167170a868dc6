//! The erasing process is killed at each step, as by a failing machine. The next process continues.

use secrecy::ExposeSecret as _;
use std::collections::BTreeSet;

use colloquy::config::Config;
use colloquy::roles::Role;
use serde_json::Value;
use sqlx::PgPool;
use sqlx::pool::PoolConnection;
use uuid::Uuid;

use crate::support::answering::WorkerProcess;
use crate::support::backbone::{connect, new_database};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::served::Served;
use crate::support::waiting::until;

/// Steps that an erasure records, in order.
const STORES: [&str; 7] = ["keys", "caches", "read_models", "passages", "files", "live_stream", "accounts"];
/// Moments of the kill, with the number of recorded steps: before the keys are destroyed, before each record
/// of a completed step, and before the erasure is marked as finished.
const STEPS: [(&str, usize); 10] = [
    ("destroy keys", 0),
    ("keys", 0),
    ("caches", 1),
    ("read_models", 2),
    ("passages", 3),
    ("files", 4),
    ("live_stream", 5),
    ("accounts", 6),
    ("AccountErased", 7),
    ("finish", 7),
];

/// Blocks an eraser that is about to record a step: the step is complete, its record is not.
struct Gate {
    pool: PgPool,
    /// The connection that has the lock the others wait for.
    _holder: PoolConnection<sqlx::Postgres>,
}

impl Gate {
    async fn build(config: &Config) -> Self {
        let pool = connect(config.app.database_url.expose_secret(), 3);
        let gate = "
            CREATE TABLE held_step (step text);
            CREATE FUNCTION hold_at(name text) RETURNS void LANGUAGE plpgsql AS $$
            BEGIN
                IF EXISTS (SELECT FROM held_step WHERE step = name) THEN
                    PERFORM pg_advisory_xact_lock(1);
                END IF;
            END $$;
            CREATE FUNCTION hold_record() RETURNS trigger LANGUAGE plpgsql AS
                $$BEGIN PERFORM hold_at(coalesce(NEW.payload ->> 'store', NEW.event_type)); RETURN NEW; END$$;
            CREATE FUNCTION hold_step() RETURNS trigger LANGUAGE plpgsql AS
                $$BEGIN PERFORM hold_at(TG_ARGV[0]); RETURN NEW; END$$;
            CREATE TRIGGER hold BEFORE INSERT ON events FOR EACH ROW
                WHEN (NEW.event_type IN ('StoreErased', 'AccountErased')) EXECUTE FUNCTION hold_record();
            CREATE TRIGGER hold BEFORE UPDATE ON keys FOR EACH ROW EXECUTE FUNCTION hold_step('destroy keys');
            CREATE TRIGGER hold BEFORE UPDATE ON erasures FOR EACH ROW EXECUTE FUNCTION hold_step('finish');
            CREATE TRIGGER begin BEFORE INSERT ON erasures FOR EACH ROW EXECUTE FUNCTION hold_step('begin');";
        sqlx::raw_sql(gate).execute(&pool).await.unwrap();
        let mut holder = pool.acquire().await.unwrap();
        sqlx::query("SELECT pg_advisory_lock(1)").execute(&mut *holder).await.unwrap();
        Self { pool, _holder: holder }
    }

    async fn close_at(&self, step: &str) {
        self.open().await;
        sqlx::query("INSERT INTO held_step VALUES ($1)").bind(step).execute(&self.pool).await.unwrap();
    }

    async fn open(&self) {
        sqlx::query("DELETE FROM held_step").execute(&self.pool).await.unwrap();
    }

    /// Waits until an eraser is blocked.
    async fn reached(&self) {
        until("the step is reached", async || (!self.waiting().await.is_empty()).then_some(())).await;
    }

    /// Aborts the database sessions of the killed process.
    async fn turn_away(&self) {
        for process in self.waiting().await {
            let end = sqlx::query("SELECT pg_terminate_backend($1)").bind(process);
            end.execute(&self.pool).await.unwrap();
        }
        until("nobody waits", async || self.waiting().await.is_empty().then_some(())).await;
    }

    async fn waiting(&self) -> BTreeSet<i32> {
        let waiting = sqlx::query_scalar(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'",
        );
        waiting.fetch_all(&self.pool).await.unwrap().into_iter().collect()
    }
}

fn recorded(receipt: &Value) -> Vec<&str> {
    receipt["stores"].as_array().unwrap().iter().map(|done| done["store"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_erasure_is_finished_whichever_of_its_steps_its_process_was_killed_at() {
    let product = Product::with(&[Role::Api, Role::Sequencer, Role::Projector]).await;
    let (person, other) = (Person::new(&product).await, Person::new(&product).await);
    person.ask(Uuid::now_v7(), "Who plays the sarrusophone?").await;
    let gate = Gate::build(&product.config).await;
    let asked = person.request("DELETE", "/v1/me").await;
    let path = format!("/v1/erasures/{}", asked.body["receipt"].as_str().unwrap());

    for (step, done) in STEPS {
        gate.close_at(step).await;
        let mut process = WorkerProcess::of(&product.config);
        gate.reached().await;
        process.kill();
        gate.turn_away().await;
        let receipt = other.until_shown(&path, |receipt| recorded(receipt).len() == done).await;
        assert_eq!(recorded(&receipt), STORES[..done], "killed at {step}");
        assert!(receipt["finished_at"].is_null(), "killed at {step}: {receipt}");
    }

    gate.open().await;
    let _last = WorkerProcess::of(&product.config);
    let receipt = other.until_shown(&path, |receipt| !receipt["finished_at"].is_null()).await;
    assert_eq!(recorded(&receipt), STORES, "each step once, in order");
    let events: Vec<String> = sqlx::query_scalar(
        "SELECT event_type FROM events WHERE aggregate_type = 'account' AND event_type IN ('StoreErased', 'AccountErased')
         ORDER BY sequence",
    )
    .fetch_all(&gate.pool)
    .await
    .unwrap();
    assert_eq!(events.len(), STORES.len() + 1);
    assert_eq!(events.last().unwrap(), "AccountErased");
    assert_eq!(left_of(&gate.pool).await, 0);
    product.end().await;
}

/// Usable keys, and rows about questions, in a database with a single user.
async fn left_of(pool: &PgPool) -> i64 {
    let left = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM keys WHERE wrapped IS NOT NULL AND kind <> 'user')
              + (SELECT count(*) FROM messages) + (SELECT count(*) FROM search_entries)
              + (SELECT count(*) FROM conversations)",
    );
    left.fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn a_user_is_erased_although_the_process_that_accepted_the_request_was_killed() {
    let config = configuration(new_database().await);
    let served = Served::start(&config).await;
    let person = Person::of(&served.url).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, "Who plays the cimbasso?").await;
    let messages = format!("/v1/conversations/{conversation}/messages");
    person.until_shown(&messages, |page| page["items"][0].is_object()).await;
    let gate = Gate::build(&config).await;
    gate.close_at("begin").await;
    let asking = tokio::spawn({
        let person = person.clone();
        async move { person.request("DELETE", "/v1/me").await }
    });
    gate.reached().await;
    drop(served);
    assert!(asking.await.is_err(), "nobody was answered");
    gate.turn_away().await;
    gate.open().await;

    let served = Served::start(&config).await;
    let refused = person.at_url(&served.url).get(&messages).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    let receipt: String = sqlx::query_scalar(
        "SELECT payload ->> 'receipt' FROM events WHERE event_type = 'AccountErasureRequested'",
    )
    .fetch_one(&gate.pool)
    .await
    .unwrap();
    let other = Person::of(&served.url).await;
    let path = format!("/v1/erasures/{receipt}");
    let state = other.until_shown(&path, |receipt| !receipt["finished_at"].is_null()).await;
    assert_eq!(recorded(&state), STORES);
    assert_eq!(left_of(&gate.pool).await, 0);
}
