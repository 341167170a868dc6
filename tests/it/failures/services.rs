//! Every dependency can be away, slow or restarted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use aggregates::Position;
use async_nats::jetstream;
use colloquy::roles::Role;
use embedded::{DataDir, Nats, Parts, Postgres, WithModel};
use projections::conversations::{Filter, ListRequest};
use projections::quarantine::DEFAULT_LIMIT;
use serde_json::json;
use uuid::Uuid;

use crate::support::backbone::{Backbone, conversation, new_database};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::waiting::until;

const ROLES: [Role; 3] = [Role::Api, Role::Sequencer, Role::Projector];

/// Begins conversations until `done`; returns the accepted and the refused ones.
async fn ask_until(
    person: Person,
    done: Arc<AtomicBool>,
    accepted_so_far: Arc<AtomicUsize>,
) -> (Vec<Uuid>, Vec<Uuid>) {
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    while !done.load(Ordering::Relaxed) {
        let id = Uuid::now_v7();
        let ask = json!({"type": "ask", "question_id": Uuid::now_v7(), "text": "under load"});
        let answered = person.command(id, &ask).await;
        match answered.status {
            202 => {
                accepted_so_far.fetch_add(1, Ordering::Relaxed);
                accepted.push(id);
            }
            // The answer was lost: the same command settles it.
            503 if answered.body["type"] == "urn:colloquy:problem:outcome-unknown" => {
                until("the outcome is known", async || {
                    (person.command(id, &ask).await.status == 202).then_some(())
                })
                .await;
                accepted.push(id);
            }
            503 => refused.push(id),
            status => panic!("{status}: {answered:?}"),
        }
    }
    (accepted, refused)
}

#[tokio::test]
async fn while_postgres_restarts_commands_are_durable_or_refused_and_none_is_half_written() {
    let data = DataDir::temporary().unwrap();
    let parts = Parts::locate(WithModel::No).await.unwrap();
    let postgres = Postgres::start(&parts, &data).await.unwrap();
    let product =
        Product::on(configuration(postgres.create_database("restarted").await.unwrap()), &ROLES).await;
    let person = Person::new(&product).await;
    person.ask(Uuid::now_v7(), "before").await;
    let done = Arc::new(AtomicBool::new(false));
    let accepted_so_far = Arc::new(AtomicUsize::new(0));
    let asking: Vec<_> = (0..8)
        .map(|_| tokio::spawn(ask_until(person.clone(), Arc::clone(&done), Arc::clone(&accepted_so_far))))
        .collect();
    let under_load = async || {
        let before = accepted_so_far.load(Ordering::Relaxed);
        until("commands are accepted under load", async || {
            (accepted_so_far.load(Ordering::Relaxed) >= before + 20).then_some(())
        })
        .await;
    };
    under_load().await;
    postgres.restart().await.unwrap();
    under_load().await;
    postgres.kill().await.unwrap();
    postgres.start().await.unwrap();
    until("commands are accepted again", async || {
        let ask = json!({"type": "ask", "question_id": Uuid::now_v7(), "text": "after"});
        (person.command(Uuid::now_v7(), &ask).await.status == 202).then_some(())
    })
    .await;
    done.store(true, Ordering::Relaxed);
    let mut tried = (Vec::new(), Vec::new());
    for task in asking {
        let (accepted, refused) = task.await.unwrap();
        tried.0.extend(accepted);
        tried.1.extend(refused);
    }
    assert!(!tried.0.is_empty());
    for id in tried.0 {
        let row = person.get(&format!("/v1/conversations/{id}?min_version=3")).await;
        assert_eq!((row.status, &row.body["message_count"]), (200, &json!(2)));
    }
    for id in tried.1 {
        assert_eq!(
            person.get(&format!("/v1/conversations/{id}")).await.status,
            404,
            "refused and yet written"
        );
    }
}

#[tokio::test]
async fn while_nats_is_away_commands_are_accepted_and_lost_messages_are_read_from_the_ledger() {
    let data = DataDir::temporary().unwrap();
    let parts = Parts::locate(WithModel::No).await.unwrap();
    let nats = Nats::start(&parts, &data).await.unwrap();
    let mut config = configuration(new_database().await);
    config.app.nats_url = nats.url().into();
    let product = Product::on(config, &ROLES).await;
    let person = Person::new(&product).await;
    let before = Uuid::now_v7();
    person.ask(before, "while all is well").await;
    person.until_shown(&format!("/v1/conversations/{before}"), |row| row["version"] == json!(3)).await;
    nats.kill().await.unwrap();
    let during = Uuid::now_v7();
    person.ask(during, "while NATS is away").await;
    person.until_shown(&format!("/v1/conversations/{during}"), |row| row["version"] == json!(3)).await;
    nats.wipe().await.unwrap();
    nats.start().await.unwrap();
    let after = Uuid::now_v7();
    person.ask(after, "with an empty JetStream").await;
    person.until_shown(&format!("/v1/conversations/{after}"), |row| row["version"] == json!(3)).await;
    let told = person
        .listen("/v1/stream?last_event_id=0.0", None, |told| told.data["conversation_id"] == json!(after))
        .await;
    assert_eq!(told.iter().filter(|told| told.event == "question").count(), 3);
    // All three wait for an answer, so that the new stream begins with the first one's request at the latest.
    let stream = jetstream::new(async_nats::connect(nats.url()).await.unwrap());
    let name = format!("{}_EVENTS", product.config.app.nats_prefix.to_uppercase());
    until("the stream has what is waited for", async || {
        let mut stream = stream.get_stream(&name).await.ok()?;
        (stream.info().await.ok()?.state.messages >= 7).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_sequencer_that_dies_repeatedly_loses_repeats_and_reorders_nothing() {
    let backbone = Backbone::new().await;
    let projector = backbone.project();
    let user = backbone.user().await;
    for round in 0..12 {
        let sequencer = backbone.sequence();
        for _ in 0..5 {
            backbone.ask(user, conversation(), "between two deaths").await;
        }
        until("the sequencer has begun with this round", async || {
            let head = backbone.store.ledger_head().await.ok()?.0;
            (head.0 > 1 + round * 5 * 3).then_some(())
        })
        .await;
        sequencer.abort();
    }
    let sequencer = backbone.sequence();
    let events = 1 + 12 * 5 * 3;
    backbone.projected(events).await;
    let jetstream = jetstream::new(backbone.nats.clone());
    // An empty stream begins with the first event that a consumer still needs: the projector may have read
    // the first ones from the ledger, and the oldest answer that has not ended was requested at position 4.
    until("the stream has every position from its first one on, once and in order", async || {
        let stream = jetstream.get_stream(backbone.subjects.events_stream()).await.ok()?;
        let state = &stream.cached_info().state;
        let mut positions = Vec::new();
        for sequence in state.first_sequence..=state.last_sequence {
            let message = stream.get_raw_message(sequence).await.ok()?;
            let id = message.headers.get("Nats-Msg-Id").unwrap().as_str().to_owned();
            positions.push(id.split_once('-').unwrap().0.parse::<u64>().unwrap());
        }
        let first = *positions.first()?;
        assert!(first <= 4, "the stream begins at {first}");
        assert!(positions.iter().copied().eq((first..).take(positions.len())), "{positions:?}");
        (positions.last() == Some(&events)).then_some(())
    })
    .await;
    assert_eq!(backbone.store.ledger_head().await.unwrap().0, Position(events));
    sequencer.abort();
    projector.abort();
}

#[tokio::test]
async fn rebuilding_while_events_arrive_yields_the_same_rows() {
    let backbone = Backbone::new().await;
    let tasks = [backbone.sequence(), backbone.project()];
    let user = backbone.user().await;
    for number in 0..30 {
        backbone.ask(user, conversation(), &format!("question number {number}")).await;
    }
    backbone.projected(1 + 30 * 3).await;
    let rows = async |table: &str| -> Vec<String> {
        sqlx::query_scalar(&format!("SELECT t::text FROM {table} t ORDER BY 1"))
            .fetch_all(&backbone.pool)
            .await
            .unwrap()
    };
    for model in projections::ReadModel::ALL {
        let before = rows(model.name()).await;
        colloquy::operations::rebuild::rebuild(&backbone.store, &[model], DEFAULT_LIMIT, |_, _| {})
            .await
            .unwrap();
        assert_eq!(rows(model.name()).await, before, "{}", model.name());
    }
    let rebuilding = colloquy::operations::rebuild::rebuild(
        &backbone.store,
        &projections::ReadModel::ALL,
        DEFAULT_LIMIT,
        |_, _| {},
    );
    let asking = async {
        for number in 0..30 {
            backbone.ask(user, conversation(), &format!("late question {number}")).await;
        }
    };
    let (rebuilt, ()) = tokio::join!(rebuilding, asking);
    rebuilt.unwrap();
    backbone.projected(1 + 60 * 3).await;
    assert_eq!(rows("conversations").await.len(), 60);
    assert_eq!(rows("messages").await.len(), 120);
    let request =
        ListRequest { owner: user, filter: Filter::default(), after: None, limit: 100, with_keys: false };
    let lists = projections::conversations::lists(&backbone.pool, &[request]).await.unwrap();
    assert_eq!(lists[0].items.len(), 60, "the view shows the new table");
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}
