//! How connections go back to their pool. These tests run on one thread: what a task would have to do is not
//! done when a statement returns.

use std::time::Duration;

use sqlx::Connection as _;
use store::PreparedStatements;

use crate::support::backbone::{Backbone, connect};
use crate::support::link::Link;
use crate::support::waiting::until;

/// Time after which a statement without an answer is given up, shorter than its own limit.
const CANCELLED_AFTER: Duration = Duration::from_millis(100);

async fn with_prepared_statements() -> Backbone {
    let migrated = Backbone::new().await;
    Backbone::by(migrated.database_url, PreparedStatements::On).await
}

/// Open connections of the store, and idle ones among them.
fn connections(backbone: &Backbone) -> (usize, usize) {
    let connections = backbone.store.connections();
    (connections.open, connections.idle)
}

#[tokio::test]
async fn a_connection_is_idle_again_when_its_statement_or_transaction_returns() {
    let backbone = with_prepared_statements().await;
    assert_eq!(connections(&backbone), (0, 0), "a pool connects when a connection is first needed");
    let head = backbone.store.ledger_head().await.unwrap();
    assert_eq!(connections(&backbone), (1, 1));
    let user = backbone.user().await;
    let before = connections(&backbone);
    assert_eq!(before.0, before.1, "no connection is in use");
    backbone.store.sequence_outbox(head, 10).await.unwrap();
    assert_eq!(connections(&backbone), before);
    backbone.store.known_accounts(&[user]).await.unwrap();
    assert_eq!(connections(&backbone), before);
}

#[tokio::test]
async fn a_statement_whose_caller_is_gone_keeps_its_connection_until_it_has_ended() {
    let backbone = with_prepared_statements().await;
    let head = backbone.store.ledger_head().await.unwrap();
    let direct = connect(&backbone.database_url, 1);
    let mut holder = direct.acquire().await.unwrap();
    let mut lock = holder.begin().await.unwrap();
    sqlx::query("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    {
        let mut sequencing = Box::pin(backbone.store.sequence_outbox(head, 10));
        let waiting = until("the statement waits for the lock", async || {
            let looking = connect(&backbone.database_url, 1);
            let waiting: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'outbox'::regclass)",
            )
            .fetch_one(&looking)
            .await
            .unwrap();
            waiting.then_some(())
        });
        tokio::select! {
            done = &mut sequencing => panic!("{done:?}"),
            () = waiting => {}
        }
    }
    assert_eq!(connections(&backbone), (1, 0), "the connection is not lent meanwhile");
    lock.rollback().await.unwrap();
    until("the connection is idle", async || (connections(&backbone) == (1, 1)).then_some(())).await;
    backbone.store.sequence_outbox(head, 10).await.unwrap();
}

#[tokio::test]
async fn a_transaction_that_ends_without_a_commit_is_rolled_back_before_its_connection_is_lent_again() {
    let backbone = with_prepared_statements().await;
    let user = backbone.user().await;
    for _ in 0..3 {
        let mut connection = backbone.store.connection().await.unwrap();
        let mut transaction = connection.begin().await.unwrap();
        sqlx::query("DELETE FROM outbox").execute(&mut transaction).await.unwrap();
    }
    let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox")
        .fetch_one(&mut backbone.store.connection().await.unwrap())
        .await
        .unwrap();
    assert_eq!(waiting, 1, "the event of {user:?} still waits");
    until("all connections are idle", async || {
        let (open, idle) = connections(&backbone);
        (open == idle).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_is_cancelled_while_it_begins_holds_back_no_later_change() {
    for prepared in [PreparedStatements::On, PreparedStatements::Off] {
        let migrated = Backbone::new().await;
        let (link, url) = Link::to_database(&migrated.database_url).await;
        let backbone = Backbone::by(url, prepared).await;
        let head = backbone.store.ledger_head().await.unwrap();
        link.stall();
        // The first one has sent its `BEGIN` on the idle connection and waits for the answer.
        let transaction = backbone.store.sequence_outbox(head, 10);
        let statement = backbone.store.known_accounts(&[]);
        let cancelled = tokio::time::timeout(CANCELLED_AFTER, async { tokio::join!(transaction, statement) });
        assert!(cancelled.await.is_err(), "the link does not stall");
        link.mend();
        until("no connection is in use", async || {
            let (open, idle) = connections(&backbone);
            (open == idle).then_some(())
        })
        .await;
        let user = backbone.user().await;
        let direct = connect(&migrated.database_url, 1);
        let stored: Vec<uuid::Uuid> =
            sqlx::query_scalar("SELECT owner FROM events").fetch_all(&direct).await.unwrap();
        assert_eq!(stored, [user.uuid()], "the append was confirmed");
    }
}
