//! A role that hangs or dies is taken over, and what it left behind is not lost with it.

use std::time::{Duration, Instant};

use async_nats::jetstream;
use colloquy::roles::Role;
use embedded::{DataDir, Nats, Parts, WithModel};
use nats::Projected;
use store::Sequenced;
use uuid::Uuid;

use crate::support::backbone::{Backbone, connect_nats, conversation, new_database};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::waiting::until;

/// The position of the last event in the stream.
async fn published(backbone: &Backbone) -> Option<u64> {
    let jetstream = jetstream::new(backbone.nats.clone());
    let stream = jetstream.get_stream(backbone.subjects.events_stream()).await.ok()?;
    let last = stream.get_raw_message(stream.cached_info().state.last_sequence).await.ok()?;
    nats::position_in(&last.headers).map(|position| position.0)
}

#[tokio::test]
async fn a_standby_publishes_what_a_sequencer_that_died_had_only_sequenced() {
    let backbone = Backbone::new().await;
    let standby = backbone.sequence();
    let user = backbone.user().await;
    backbone.ask(user, conversation(), "published by itself").await;
    backbone.wake.notify();
    until("the standby has published", async || (published(&backbone).await? >= 4).then_some(())).await;
    // A sequencer that ends between the two steps. Where the standby is faster, it is tried again.
    let left = until("events have only a position", async || {
        backbone.ask(user, conversation(), "left behind").await;
        let head = backbone.store.ledger_head().await.ok()?;
        match backbone.store.sequence_outbox(head, 1_000).await.ok()? {
            Sequenced::Appended { entries, .. } => Some(entries.last()?.position.0),
            Sequenced::Nothing | Sequenced::Overtaken => None,
        }
    })
    .await;
    let began = Instant::now();
    until("the standby goes on", async || (published(&backbone).await? >= left).then_some(())).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    standby.abort();
}

/// An account that may use JetStream, and the same without.
const WITH_JETSTREAM: &str = "accounts: { A: { users: [ { user: a, password: x } ], jetstream: enabled } }";
const WITHOUT_JETSTREAM: &str = "accounts: { A: { users: [ { user: a, password: x } ] } }";

#[tokio::test]
async fn without_jetstream_lists_follow_as_soon_as_core_nats_tells() {
    let (data, parts) = (DataDir::temporary().unwrap(), Parts::locate(WithModel::No).await.unwrap());
    let nats = Nats::configured(&parts, &data, WITH_JETSTREAM).await.unwrap();
    let mut config = configuration(new_database().await);
    config.app.nats_url = nats.url().replace("nats://", "nats://a:x@").into();
    let product = Product::on(config.clone(), &[Role::Api]).await;
    // Apart from the api, so that hints take the way over NATS.
    let sequencer = Product::on(config.clone(), &[Role::Sequencer]).await;
    let projector = Product::on(config, &[Role::Projector]).await;
    let person = Person::new(&product).await;
    let first = Uuid::now_v7();
    person.ask(first, "Is JetStream there?").await;
    person.until_shown(&format!("/v1/conversations/{first}"), |row| row["id"] == first.to_string()).await;
    nats.reconfigure(WITHOUT_JETSTREAM).await.unwrap();
    until("all processes are connected again", async || {
        let mut connected = true;
        for process in [&product, &sequencer, &projector] {
            connected &= process.readiness().await.1["dependencies"]["nats"]["status"] != "degraded";
        }
        connected.then_some(())
    })
    .await;
    let began = Instant::now();
    for number in 0..6 {
        let id = Uuid::now_v7();
        person.ask(id, &format!("Question {number}?")).await;
        person.until_shown(&format!("/v1/conversations/{id}"), |row| row["id"] == id.to_string()).await;
    }
    // Without hints each of them waits for a look at the ledger, up to 4 s.
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    until("the sequencer says that JetStream is not enabled, which lasts", async || {
        let (status, ready) = sequencer.readiness().await;
        let reason = ready["stages"]["publisher"]["reason"].to_string();
        (status == 503 && reason.contains("not enabled")).then_some(())
    })
    .await;
    for process in [product, sequencer, projector] {
        process.shutdown.abort.cancel();
    }
}

#[tokio::test]
async fn a_gap_in_the_announcements_ends_streams_so_that_clients_resume() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    person.ask(Uuid::now_v7(), "Is somebody listening?").await;
    person.until_shown("/v1/conversations", |page| page["items"][0].is_object()).await;
    until("an announcement has arrived", async || {
        let metrics = product.metrics().await;
        metrics
            .lines()
            .any(|line| line.starts_with("colloquy_read_position ") && !line.ends_with(" 0"))
            .then_some(())
    })
    .await;
    let mut stream = person.open("/v1/stream", None).await;
    let nats =
        connect_nats(secrecy::ExposeSecret::expose_secret(&product.config.app.nats_url).to_owned()).await;
    let subject = nats::Subjects::new(&product.config.app.nats_prefix).projected();
    // A second projector, which is slower, announces what is known.
    for (after, position) in [(0, 1), (1, 2)] {
        let (after, position) = (aggregates::Position(after), aggregates::Position(position));
        let slower = Projected { after, position, changed: Vec::new() };
        nats.publish(subject.clone(), slower.to_bytes()).await.unwrap();
    }
    nats.flush().await.unwrap();
    person.ask(Uuid::now_v7(), "And now?").await;
    let mut told = String::new();
    while !told.contains("And now?") {
        let chunk = stream.chunk().await.unwrap().expect("the stream ends because of the slower projector");
        told.push_str(&String::from_utf8_lossy(&chunk));
    }
    let later = aggregates::Position(1_000_000);
    let gap = Projected { after: later, position: later, changed: Vec::new() };
    nats.publish(subject, gap.to_bytes()).await.unwrap();
    nats.flush().await.unwrap();
    let ended = async { while stream.chunk().await.unwrap().is_some() {} };
    tokio::time::timeout(Duration::from_secs(10), ended).await.expect("the stream goes on");
    product.end().await;
}
