//! A cluster of three NATS servers: one of them may die.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_nats::jetstream;
use async_nats::jetstream::stream::Stream;
use colloquy::roles::Role;
use embedded::{NatsCluster, Parts, WithModel};
use nats::{StreamSettings, Subjects, apply_settings};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::subjects;
use crate::support::backbone::{Backbone, connect_nats, new_database};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::waiting::until;

/// Asks one question after the other, each when the one before is answered, until `done`.
async fn ask_until(person: Person, done: Arc<AtomicBool>, answered: Arc<AtomicUsize>) {
    while !done.load(Ordering::Relaxed) {
        let conversation = Uuid::now_v7();
        person.ask(conversation, "Who built the lighthouse?").await;
        let path = format!("/v1/conversations/{conversation}/messages");
        person.until_shown(&path, |page| page["items"][1]["status"] == "completed").await;
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// The positions of the events in a stream, in its order.
async fn positions(stream: &Stream) -> Option<Vec<u64>> {
    let state = &stream.cached_info().state;
    let mut positions = Vec::new();
    for sequence in state.first_sequence..=state.last_sequence {
        let message = stream.get_raw_message(sequence).await.ok()?;
        let id = message.headers.get("Nats-Msg-Id")?.as_str().to_owned();
        positions.push(id.split_once('-')?.0.parse().ok()?);
    }
    Some(positions)
}

#[tokio::test]
async fn when_the_leader_of_the_stream_dies_under_load_nothing_is_lost_and_answers_go_on() {
    let parts = Parts::locate(WithModel::No).await.unwrap();
    let cluster = NatsCluster::start(&parts).await.unwrap();
    let mut config = configuration(new_database().await);
    config.app.nats_url = cluster.urls().into();
    config.app.nats.nats_replicas = Some(3);
    let product = Product::on(config, &Role::ALL).await;
    let person = Person::new(&product).await;
    // Nobody is served before the stream of tombstones has a leader.
    until("the service serves", async || {
        (person.get_once("/v1/conversations").await.status == 200).then_some(())
    })
    .await;
    let (done, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let asking: Vec<_> = (0..3)
        .map(|_| tokio::spawn(ask_until(person.clone(), Arc::clone(&done), Arc::clone(&answered))))
        .collect();
    let go_on = async |count: usize| {
        let before = answered.load(Ordering::Relaxed);
        until("questions are answered", async || {
            (answered.load(Ordering::Relaxed) >= before + count).then_some(())
        })
        .await;
    };
    go_on(5).await;
    let jetstream = jetstream::new(connect_nats(cluster.urls()).await);
    let events = Subjects::new(&product.config.app.nats_prefix).events_stream();
    let leader = until("the stream has a leader and two replicas", async || {
        let stream = jetstream.get_stream(&events).await.ok()?;
        let cluster = stream.cached_info().cluster.clone()?;
        cluster.leader.filter(|_| cluster.replicas.len() == 2)
    })
    .await;
    let too_many = StreamSettings { replicas: Some(5), ..StreamSettings::default() };
    let refused = apply_settings(&jetstream, &subjects().with_streams(too_many)).await.unwrap_err();
    assert!(refused.problem().unwrap().contains("too few servers for NATS_REPLICAS"), "{refused:?}");
    cluster.server(&leader).unwrap().kill().await.unwrap();
    go_on(10).await;
    done.store(true, Ordering::Relaxed);
    for task in asking {
        task.await.unwrap();
    }
    let backbone = Backbone::on(product.config.app.database_url.expose_secret().to_owned()).await;
    until("the stream has every event once and in order", async || {
        let stream = jetstream.get_stream(&events).await.ok()?;
        let positions = positions(&stream).await?;
        let first = *positions.first()?;
        assert!(positions.iter().copied().eq((first..).take(positions.len())), "{positions:?}");
        (*positions.last()? == backbone.store.ledger_head().await.ok()?.0.0).then_some(())
    })
    .await;
    product.end().await;
}
