//! The process that erases somebody is killed at each of its steps, as by a machine that fails. The next one goes on.

use std::collections::BTreeSet;

use colloquy::cli::Role;
use colloquy::store;
use serde_json::Value;
use sqlx::PgPool;
use sqlx::pool::PoolConnection;
use uuid::Uuid;

use crate::support::answering::WorkerProcess;
use crate::support::person::Person;
use crate::support::product::Product;
use crate::support::waiting::until;

/// What an erasure records, in its order.
const STEPS: [&str; 8] =
    ["keys", "caches", "read_models", "passages", "files", "live_stream", "accounts", "AccountErased"];

/// Holds whoever is about to record a step: what the step does is done, that it is done is not recorded.
struct Gate {
    pool: PgPool,
    /// The connection that has the lock the others wait for.
    _holder: PoolConnection<sqlx::Postgres>,
}

impl Gate {
    async fn build(product: &Product) -> Self {
        let pool = store::connect(product.config.database_url.expose(), 3).unwrap();
        let gate = "
            CREATE TABLE held_step (step text);
            CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF EXISTS (SELECT FROM held_step WHERE step = coalesce(NEW.payload ->> 'store', NEW.event_type)) THEN
                    PERFORM pg_advisory_xact_lock(1);
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER hold BEFORE INSERT ON events FOR EACH ROW
                WHEN (NEW.event_type IN ('StoreErased', 'AccountErased')) EXECUTE FUNCTION hold();";
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

    /// Waits until somebody stands at the gate.
    async fn reached(&self) {
        until("the step is reached", async || (!self.waiting().await.is_empty()).then_some(())).await;
    }

    /// Has the database drop what whoever was killed had not finished.
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
    let product = Product::with(&[Role::Api, Role::Sealer, Role::Projector]).await;
    let (person, other) = (Person::new(&product).await, Person::new(&product).await);
    person.ask(Uuid::now_v7(), "Who plays the sarrusophone?").await;
    let gate = Gate::build(&product).await;
    let asked = person.request("DELETE", "/v1/me").await;
    let path = format!("/v1/erasures/{}", asked.body["receipt"].as_str().unwrap());

    for (done, step) in STEPS.iter().enumerate() {
        gate.close_at(step).await;
        let mut process = WorkerProcess::of(&product.config);
        gate.reached().await;
        process.kill();
        gate.turn_away().await;
        let receipt = other.until_shown(&path, |receipt| recorded(receipt).len() == done.min(7)).await;
        assert_eq!(recorded(&receipt), STEPS[..done.min(7)], "killed at {step}");
        assert!(receipt["finished_at"].is_null(), "killed at {step}: {receipt}");
    }

    gate.open().await;
    let _last = WorkerProcess::of(&product.config);
    let receipt = other.until_shown(&path, |receipt| !receipt["finished_at"].is_null()).await;
    assert_eq!(recorded(&receipt), STEPS[..7], "each step once, in order");
    let events: Vec<String> = sqlx::query_scalar(
        "SELECT event_type FROM events WHERE aggregate_type = 'account' AND event_type IN ('StoreErased', 'AccountErased')
         ORDER BY sequence",
    )
    .fetch_all(&gate.pool)
    .await
    .unwrap();
    assert_eq!(events.len(), STEPS.len());
    assert_eq!(events.last().unwrap(), "AccountErased");
    product.end().await;
}
