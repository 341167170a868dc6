//! A process that stands still in its transaction, as a paused machine does, is replaced by another one.

use std::process::{Child, Command};

use aggregates::Position;
use colloquy::config::Config;
use sqlx::PgPool;

use crate::support::backbone::{Backbone, connect, conversation, new_database};
use crate::support::product::configuration;
use crate::support::served::{MASTER_KEY, command};
use crate::support::waiting::until;

/// A process with one role, killed with this value at the latest.
struct Process(Child);

impl Process {
    fn start(config: &Config, role: &str) -> Self {
        Self(command(config, MASTER_KEY).args(["serve", "--role", role, "--no-migrate"]).spawn().unwrap())
    }

    fn signal(&self, signal: &str) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Lets the process go on and stops it again, until it stands still in a transaction.
    async fn freeze_in_transaction(&self, backbone: &Backbone, pool: &PgPool) {
        let user = backbone.user().await;
        until("the process stands still in a transaction", async || {
            self.signal("-CONT");
            for _ in 0..5 {
                backbone.ask(user, conversation(), "work").await;
            }
            self.signal("-STOP");
            in_transaction(pool).await.then_some(())
        })
        .await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn in_transaction(pool: &PgPool) -> bool {
    let waiting = "SELECT count(*) > 0 FROM pg_stat_activity
                    WHERE datname = current_database() AND state = 'idle in transaction'";
    sqlx::query_scalar(waiting).fetch_one(pool).await.unwrap()
}

/// A migrated database with a backbone that shares its subjects with processes.
async fn shared() -> (Config, Backbone, PgPool) {
    let url = new_database().await;
    store::migrate(&url.as_str().into()).await.unwrap();
    let config = configuration(url.clone());
    let subjects = nats::Subjects::new(&config.app.nats_prefix);
    let backbone = Backbone { subjects, ..Backbone::on(url.clone()).await };
    (config, backbone, connect(&url, 1))
}

#[tokio::test]
async fn a_sequencer_that_stands_still_in_its_transaction_is_replaced() {
    let (config, backbone, pool) = shared().await;
    let frozen = Process::start(&config, "sequencer");
    frozen.freeze_in_transaction(&backbone, &pool).await;
    let (head, _) = backbone.store.ledger_head().await.unwrap();
    let standby = backbone.sequence();
    until("another sequencer goes on", async || {
        backbone.wake.notify();
        let (now, _) = backbone.store.ledger_head().await.ok()?;
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(&pool).await.ok()?;
        (now > head && left == 0).then_some(())
    })
    .await;
    frozen.signal("-CONT");
    standby.abort();
    let user = backbone.user().await;
    let (before, _) = backbone.store.ledger_head().await.unwrap();
    backbone.ask(user, conversation(), "both are awake").await;
    until("the first one goes on as well", async || {
        let hint = backbone.subjects.wake_sequencer();
        backbone.nats.publish(hint, "".into()).await.ok()?;
        (backbone.store.ledger_head().await.ok()?.0 >= Position(before.0 + 3)).then_some(())
    })
    .await;
    let head = backbone.store.ledger_head().await.unwrap().0;
    let events = backbone.store.contiguous_events_after(Position(0), 100_000).await.unwrap();
    assert_eq!(events.last().unwrap().position, head);
}

#[tokio::test]
async fn a_projector_that_stands_still_in_its_transaction_is_replaced() {
    let (config, backbone, pool) = shared().await;
    let sequencer = backbone.sequence();
    let frozen = Process::start(&config, "projector");
    frozen.freeze_in_transaction(&backbone, &pool).await;
    let standby = backbone.project();
    let user = backbone.user().await;
    backbone.ask(user, conversation(), "for the other one").await;
    let events: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&pool).await.unwrap();
    backbone.projected(events.unsigned_abs()).await;
    sequencer.abort();
    standby.abort();
}
