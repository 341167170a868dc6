//! Two sequencers that lose connections and believe in old heads, against a model: the ledger
//! is always whole.

use std::collections::BTreeMap;

use aggregates::Position;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use store::{GENESIS, LedgerHash, Sequenced, Store};
use uuid::Uuid;

use crate::support::backbone::{Backbone, conversation};
use crate::support::link::{Link, Loss, Step};

/// The next step.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// A question is appended, with two events, or with three in a new conversation.
    Ask(usize),
    /// A sequencer takes at most so many events, and perhaps loses its connection.
    Sequence(usize, u32, Option<(Step, Loss)>),
    /// Both take events at the same time.
    Race(u32),
    /// A sequencer starts again and knows no head.
    Restart(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let step =
        prop_oneof![(1_usize..8).prop_map(Step::BeforeRequest), (1_usize..8).prop_map(Step::BeforeAnswer)];
    let fault = prop_oneof![Just(None), step.prop_map(|step| Some((step, Loss::Reset)))];
    let act = prop_oneof![
        3 => (0_usize..3).prop_map(Act::Ask),
        3 => (0_usize..2, 1_u32..5, fault).prop_map(|(who, limit, fault)| Act::Sequence(who, limit, fault)),
        2 => (1_u32..5).prop_map(Act::Race),
        1 => (0_usize..2).prop_map(Act::Restart),
    ];
    proptest::collection::vec(act, 1..30)
}

/// A sequencer as the role runs it: the head is in its memory.
struct Sequencer {
    store: Store,
    link: Link,
    head: Option<(Position, LedgerHash)>,
}

impl Sequencer {
    async fn on(backbone: &Backbone) -> Self {
        let (link, url) = Link::to_database(&backbone.database_url).await;
        Self { store: Backbone::on(url).await.store, link, head: None }
    }

    async fn sequence(&mut self, limit: u32) {
        if self.head.is_none() {
            self.head = self.store.ledger_head().await.ok();
        }
        let Some(head) = self.head else { return };
        match self.store.sequence_outbox(head, limit).await {
            Ok(Sequenced::Appended { entries, .. }) => {
                self.head = entries.last().map(|last| (last.position, last.hash));
            }
            Ok(Sequenced::Nothing) => {}
            Ok(Sequenced::Overtaken) | Err(_) => self.head = None,
        }
    }
}

/// Positions without gaps, each aggregate in its order, and the chain.
async fn verify(backbone: &Backbone) -> usize {
    let entries = backbone.store.ledger_after(Position(0), 10_000).await.unwrap();
    let (mut hash, mut sequences) = (GENESIS, BTreeMap::<Uuid, i64>::new());
    for (entry, position) in entries.iter().zip(1..) {
        hash = entry.event.chain(&hash);
        assert_eq!((entry.position, entry.hash), (Position(position), hash));
        let sequence = sequences.entry(entry.event.aggregate_id).or_default();
        *sequence += 1;
        assert_eq!(entry.event.sequence, *sequence);
    }
    entries.len()
}

async fn check(acts: Vec<Act>) {
    let backbone = Backbone::new().await;
    let user = backbone.user().await;
    let conversations = [conversation(), conversation(), conversation()];
    let mut sequencers = [Sequencer::on(&backbone).await, Sequencer::on(&backbone).await];
    for act in &acts {
        match *act {
            Act::Ask(number) => {
                backbone.ask(user, conversations[number], "hello").await;
            }
            Act::Sequence(who, limit, fault) => {
                let sequencer = &mut sequencers[who];
                if let Some((step, loss)) = fault {
                    sequencer.link.lose_at(step, loss);
                }
                sequencer.sequence(limit).await;
                sequencer.link.lose_at(Step::BeforeRequest(usize::MAX), Loss::Reset);
            }
            Act::Race(limit) => {
                let [one, other] = &mut sequencers;
                tokio::join!(one.sequence(limit), other.sequence(limit));
            }
            Act::Restart(who) => sequencers[who].head = None,
        }
        verify(&backbone).await;
    }
    let events: i64 =
        sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&backbone.pool).await.unwrap();
    crate::support::waiting::until("every event has its position", async || {
        let head = backbone.store.ledger_head().await.unwrap();
        backbone.store.sequence_outbox(head, 1_000).await.unwrap();
        (verify(&backbone).await == usize::try_from(events).unwrap()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sequencers_that_are_cut_off_at_any_step_leave_a_whole_ledger() {
    let mut runner = TestRunner::default();
    let schedules: Vec<_> = (0..16).map(|_| acts().new_tree(&mut runner).unwrap().current()).collect();
    for some in schedules.chunks(4) {
        futures::future::join_all(some.iter().cloned().map(check)).await;
    }
}
