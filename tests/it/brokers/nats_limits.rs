//! Limits of accounts and settings of streams: what JetStream refuses is a problem in words, and what is
//! configured is brought about.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use embedded::{DataDir, Nats, Parts, WithModel};
use nats::{ConnectionConfig, LiveStorage, StreamSettings, apply_settings};

use super::{outcome, subjects};
use crate::support::backbone::connect_nats;
use crate::support::service;

const ACCOUNTS: &str = "
jetstream { max_memory_store: 10GB, max_file_store: 100GB }
accounts {
  NONE { users: [{user: none, password: x}] }
  SMALL { users: [{user: small, password: x}], jetstream: { max_mem: 1GB, max_file: 200MB } }
  FEW { users: [{user: few, password: x}], jetstream: { max_mem: 1GB, max_file: 10GB, max_streams: 2 } }
  FORGETFUL { users: [{user: forgetful, password: x}], jetstream: { max_mem: 1MB, max_file: 10GB } }
  SIZED { users: [{user: sized, password: x}], jetstream: { max_mem: 1GB, max_file: 10GB, max_bytes_required: true } }
}
";

fn settings(of: impl FnOnce(&mut StreamSettings)) -> StreamSettings {
    let mut settings = StreamSettings::default();
    of(&mut settings);
    settings
}

#[tokio::test]
async fn each_refusal_of_jetstream_is_a_problem_in_words() {
    let data = DataDir::temporary().unwrap();
    let parts = Parts::locate(WithModel::No).await.unwrap();
    let nats = Nats::configured(&parts, &data, ACCOUNTS).await.unwrap();
    let account =
        |user: &str| ConnectionConfig::new(nats.url().replace("nats://", &format!("nats://{user}:x@")));
    let subjects_of_small = subjects();
    for (user, subjects, problem) in [
        ("none", &subjects(), "JetStream is not enabled"),
        ("small", &subjects_of_small, "too little storage is left"),
        ("few", &subjects(), "the account has all its streams"),
        ("forgetful", &subjects(), "NATS_LIVE_STORAGE=file"),
    ] {
        let refused = outcome(&account(user), subjects).await.unwrap_err();
        assert!(refused.contains(problem), "{user}: {refused}");
    }
    let in_files = settings(|settings| settings.live_storage = Some(LiveStorage::File));
    assert_eq!(outcome(&account("forgetful"), &subjects().with_streams(in_files)).await, Ok(()));
    let small = settings(|settings| settings.events_max_bytes = Some(8 << 20));
    assert_eq!(outcome(&account("small"), &subjects_of_small.with_streams(small)).await, Ok(()));
    assert_eq!(outcome(&account("sized"), &subjects()).await, Ok(()));
    let three = settings(|settings| settings.replicas = Some(3));
    let refused = outcome(&account("sized"), &subjects().with_streams(three)).await.unwrap_err();
    assert!(refused.contains("too few servers for NATS_REPLICAS"), "{refused}");
}

#[tokio::test]
async fn existing_streams_get_the_configured_settings_and_keep_all_others() {
    let jetstream = jetstream::new(connect_nats(service("COLLOQUY_TEST_NATS_URL")).await);
    let subjects = subjects();
    let config = async |name: String| jetstream.get_stream(name).await.unwrap().cached_info().config.clone();
    // As an earlier version created it: without a limit, and losing its oldest messages.
    let former = Config {
        name: subjects.tombstones_stream(),
        subjects: vec![subjects.all_tombstones()],
        max_messages_per_subject: 1,
        ..Config::default()
    };
    jetstream.create_stream(former).await.unwrap();
    apply_settings(&jetstream, &subjects).await.unwrap();
    let created = config(subjects.events_stream()).await;
    assert_eq!((created.max_bytes, created.num_replicas), (1 << 30, 1));
    assert_eq!(config(subjects.tombstones_stream()).await.discard, DiscardPolicy::New);

    let by_operator = Config { max_age: Duration::from_hours(1), max_bytes: 9 << 20, ..created };
    jetstream.update_stream(&by_operator).await.unwrap();
    apply_settings(&jetstream, &subjects).await.unwrap();
    assert_eq!(config(subjects.events_stream()).await.max_bytes, 9 << 20);

    let subjects = subjects.with_streams(settings(|settings| settings.events_max_bytes = Some(7 << 20)));
    apply_settings(&jetstream, &subjects).await.unwrap();
    let updated = config(subjects.events_stream()).await;
    assert_eq!((updated.max_bytes, updated.max_age), (7 << 20, Duration::from_hours(1)));
}

#[tokio::test]
async fn a_stream_that_is_not_of_this_service_is_refused_in_words() {
    let jetstream = jetstream::new(connect_nats(service("COLLOQUY_TEST_NATS_URL")).await);
    let subjects = subjects();
    let foreign = Config {
        name: subjects.events_stream(),
        subjects: vec![format!("{}x.>", subjects.worker_consumer())],
        ..Config::default()
    };
    jetstream.create_stream(foreign).await.unwrap();
    let problem = apply_settings(&jetstream, &subjects).await.unwrap_err().problem().unwrap();
    assert!(problem.contains("instead of") && problem.contains("NATS_PREFIX"), "{problem}");

    let live = jetstream.get_stream(subjects.live_stream()).await.unwrap();
    assert_eq!(live.cached_info().config.storage, StorageType::Memory);
    let in_files =
        subjects.with_streams(settings(|settings| settings.live_storage = Some(LiveStorage::File)));
    let problem = apply_settings(&jetstream, &in_files).await.unwrap_err().problem().unwrap();
    assert!(problem.contains("NATS_LIVE_STORAGE is files"), "{problem}");
}
