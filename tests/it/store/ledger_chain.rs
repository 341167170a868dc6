//! The ledger defends its order and its chain against every writer, and consumers notice another history.

use std::time::Duration;

use aggregates::Position;
use colloquy::operations::rebuild;
use projections::ReadModel;
use projections::quarantine::DEFAULT_LIMIT;
use sqlx::PgPool;
use store::{GENESIS, LedgerHash, Sequenced};

use crate::support::backbone::{Backbone, conversation};

/// Inserts a row for an event that is not in the ledger, with this position and previous hash.
async fn insert(pool: &PgPool, position: i64, previous: Option<LedgerHash>) -> Result<(), String> {
    sqlx::query(
        "INSERT INTO ledger (position, aggregate_type, aggregate_id, sequence, owner, hash, previous_hash)
         VALUES ($1, 'conversation', gen_random_uuid(), 1, gen_random_uuid(), sha256('x'), $2)",
    )
    .bind(position)
    .bind(previous)
    .execute(pool)
    .await
    .map(drop)
    .map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_database_refuses_a_position_without_its_predecessor_and_a_link_to_another_hash() {
    let backbone = Backbone::new().await;
    let sequencer = backbone.sequence();
    backbone.user().await;
    backbone.sealed(1).await;
    sequencer.abort();
    let (head, hash) = backbone.store.ledger_head().await.unwrap();
    assert_eq!(head, Position(1));
    let pool = &backbone.pool;
    for (position, previous) in [(3, None), (3, Some(hash)), (2, Some([7; 32])), (2, Some(GENESIS))] {
        let refused = insert(pool, position, previous).await.unwrap_err();
        assert!(refused.contains("does not follow the ledger"), "{refused}");
    }
    // A process of an earlier version does not name the hash.
    insert(pool, 2, None).await.unwrap();
    insert(pool, 3, Some(backbone.store.ledger_head().await.unwrap().1)).await.unwrap();
}

#[tokio::test]
async fn a_sequencer_that_outlives_a_step_back_of_its_database_leaves_no_gap() {
    let backbone = Backbone::new().await;
    let user = backbone.user().await;
    for _ in 0..3 {
        backbone.ask(user, conversation(), "before").await;
    }
    let Sequenced::Appended { entries, .. } =
        backbone.store.sequence_outbox((Position(0), GENESIS), 100).await.unwrap()
    else {
        panic!("nothing was sequenced");
    };
    let remembered = entries.last().map(|last| (last.position, last.hash)).unwrap();
    backbone.go_back(4).await;
    backbone.ask(user, conversation(), "after").await;
    let sequenced = backbone.store.sequence_outbox(remembered, 100).await.unwrap();
    assert!(matches!(sequenced, Sequenced::Overtaken), "{sequenced:?}");
    let head = backbone.store.ledger_head().await.unwrap();
    assert_eq!(head.0, Position(4));
    let sequenced = backbone.store.sequence_outbox(head, 100).await.unwrap();
    assert!(matches!(sequenced, Sequenced::Appended { .. }), "{sequenced:?}");
    let events = backbone.store.contiguous_events_after(Position(0), 100).await.unwrap();
    assert_eq!(events.len(), 7);
}

#[tokio::test]
async fn everything_goes_on_when_the_database_steps_back_under_running_roles() {
    let backbone = Backbone::new().await;
    let tasks = [backbone.sequence(), backbone.project()];
    let user = backbone.user().await;
    for _ in 0..10 {
        backbone.ask(user, conversation(), "lost").await;
    }
    backbone.projected(31).await;
    backbone.go_back(16).await;
    let kept = conversation();
    backbone.ask(user, kept, "kept").await;
    backbone.projected(19).await;
    let shown: i64 = sqlx::query_scalar("SELECT count(*) FROM conversations WHERE id = $1")
        .bind(kept)
        .fetch_one(&backbone.pool)
        .await
        .unwrap();
    assert_eq!(shown, 1);
    let head = backbone.store.ledger_head().await.unwrap().0;
    assert_eq!(head, Position(19));
    let checked = rebuild::check(&backbone.store, &ReadModel::ALL, DEFAULT_LIMIT, |_, _| {}).await.unwrap();
    assert!(checked.iter().all(|(_, differences)| differences.is_empty()), "{checked:?}");
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_check_of_the_read_models_finds_a_gap_in_the_ledger() {
    let backbone = Backbone::new().await;
    let tasks = [backbone.sequence(), backbone.project()];
    let user = backbone.user().await;
    for _ in 0..10 {
        backbone.ask(user, conversation(), "hello").await;
    }
    backbone.projected(31).await;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    sqlx::raw_sql(
        "ALTER TABLE ledger DISABLE TRIGGER USER; DELETE FROM ledger WHERE position BETWEEN 17 AND 20;
         ALTER TABLE ledger ENABLE TRIGGER USER",
    )
    .execute(&backbone.pool)
    .await
    .unwrap();
    let found = rebuild::check(&backbone.store, &ReadModel::ALL, DEFAULT_LIMIT, |_, _| {}).await.unwrap_err();
    assert_eq!(found.to_string(), "ledger has no event at position 17");
    let found = colloquy::audit::verify_database(&backbone.store, None, |_, _| {}).await.unwrap_err();
    assert!(found.to_string().contains("position 17"), "{found}");
}

#[tokio::test]
async fn sequencing_keeps_its_pace_with_the_check_of_the_chain() {
    let backbone = Backbone::new().await;
    let user = backbone.user().await;
    let asking = (0..200).map(|_| backbone.ask(user, conversation(), "hello"));
    futures::future::join_all(asking).await;
    let pace = async || {
        sqlx::raw_sql(
            "ALTER TABLE ledger DISABLE TRIGGER ledger_no_truncate; TRUNCATE ledger;
             ALTER TABLE ledger ENABLE TRIGGER ledger_no_truncate; TRUNCATE outbox;
             INSERT INTO outbox (aggregate_type, aggregate_id, sequence)
             SELECT aggregate_type, aggregate_id, sequence FROM events ORDER BY recorded_at, sequence",
        )
        .execute(&backbone.pool)
        .await
        .unwrap();
        let began = std::time::Instant::now();
        let sequenced = backbone.store.sequence_outbox((Position(0), GENESIS), 1_000).await.unwrap();
        let Sequenced::Appended { entries, .. } = sequenced else { panic!("{sequenced:?}") };
        assert_eq!(entries.len(), 601);
        began.elapsed()
    };
    let fastest = async || {
        let mut fastest = Duration::MAX;
        for _ in 0..10 {
            fastest = fastest.min(pace().await);
        }
        fastest
    };
    let with = fastest().await;
    sqlx::query("ALTER TABLE ledger DISABLE TRIGGER ledger_chain").execute(&backbone.pool).await.unwrap();
    let without = fastest().await;
    println!("601 events: {with:?} with the check of the chain, {without:?} without");
    assert!(with < without * 2, "{with:?} with the check, {without:?} without");
}
