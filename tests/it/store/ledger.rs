//! The one order of everything: no gaps, each aggregate in its order, a chain that verifies.

use std::collections::HashMap;

use aggregates::Position;
use store::GENESIS;

use crate::support::backbone::{Backbone, conversation};

/// Reads the whole ledger and checks positions, order and chain.
async fn verify(backbone: &Backbone) -> usize {
    let entries = backbone.store.ledger_after(Position(0), 100_000).await.unwrap();
    let mut hash = GENESIS;
    let mut sequences: HashMap<_, i64> = HashMap::new();
    for (entry, expected) in entries.iter().zip(1..) {
        assert_eq!(entry.position, Position(expected));
        hash = entry.event.chain(&hash);
        assert_eq!(entry.hash, hash, "the chain breaks at {expected}");
        let sequence = sequences.entry(entry.event.aggregate_id).or_default();
        *sequence += 1;
        assert_eq!(entry.event.sequence, *sequence, "out of order at {expected}");
    }
    entries.len()
}

#[tokio::test]
async fn parallel_commands_get_positions_without_gaps_in_each_aggregates_order() {
    let backbone = Backbone::new().await;
    let sequencer = backbone.sequence();
    let user = backbone.user().await;
    let conversations: Vec<_> = (0..10).map(|_| conversation()).collect();
    let asking = conversations.iter().map(|conversation| async {
        for question in 0..10 {
            backbone.ask(user, *conversation, &format!("question {question}")).await;
        }
    });
    futures::future::join_all(asking).await;
    let events = 1 + 10 * (1 + 10 * 2);
    backbone.sealed(events).await;
    assert_eq!(verify(&backbone).await, usize::try_from(events).unwrap());
    sequencer.abort();
}

#[tokio::test]
async fn two_sequencers_place_every_event_once() {
    let backbone = Backbone::new().await;
    let sequencers = [backbone.sequence(), backbone.sequence(), backbone.sequence()];
    let user = backbone.user().await;
    for _ in 0..50 {
        backbone.ask(user, conversation(), "hello").await;
    }
    backbone.sealed(1 + 50 * 3).await;
    assert_eq!(verify(&backbone).await, 1 + 50 * 3);
    sequencers.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn history_cannot_be_changed_even_by_the_owner_of_the_database() {
    let backbone = Backbone::new().await;
    let sequencer = backbone.sequence();
    backbone.user().await;
    backbone.sealed(1).await;
    for statement in [
        "UPDATE events SET payload = '{}'",
        "DELETE FROM events",
        "TRUNCATE events",
        "UPDATE ledger SET position = 7",
        "DELETE FROM ledger",
        "TRUNCATE ledger",
    ] {
        let refused = sqlx::query(statement).execute(&backbone.pool).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{statement}: {refused}");
    }
    sequencer.abort();
}
