//! The streams, made when they are missing.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};

use crate::Subjects;

/// How long a call to JetStream's API may take.
pub const STREAM_TIMEOUT: Duration = Duration::from_secs(5);

const DAY: Duration = Duration::from_hours(24);

/// A stream could not be made.
#[derive(Debug, thiserror::Error)]
#[error("make the stream {stream}: {reason}")]
pub struct StreamFailed {
    stream: String,
    reason: String,
}

/// Makes the streams of events, of answers being written, of dead letters and of tombstones, and returns the stream of events.
///
/// They are bounded by messages and age: JetStream sets bytes aside when a stream is made, and refuses it where there are
/// too few. Existing streams are left as an operator may have configured them (replicas, placement, limits).
pub async fn ensure_streams(jetstream: &Context, subjects: &Subjects) -> Result<Stream, StreamFailed> {
    ensure(jetstream, live(subjects)).await?;
    ensure(jetstream, dead(subjects)).await?;
    ensure(jetstream, tombstones(subjects)).await?;
    ensure(jetstream, events(subjects)).await
}

async fn ensure(jetstream: &Context, config: Config) -> Result<Stream, StreamFailed> {
    let stream = config.name.clone();
    let failed = |reason: String| StreamFailed { stream: stream.clone(), reason };
    match tokio::time::timeout(STREAM_TIMEOUT, jetstream.get_or_create_stream(config)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed("timed out".to_owned())),
    }
}

/// Events: whoever was away less than a week catches up here, others from the ledger.
fn events(subjects: &Subjects) -> Config {
    Config {
        name: subjects.events_stream(),
        subjects: vec![subjects.all_events()],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        discard: DiscardPolicy::Old,
        max_age: 7 * DAY,
        max_messages: 20_000_000,
        allow_direct: true,
        ..Config::default()
    }
}

/// Answers being written: in memory, gone after 15 minutes.
fn live(subjects: &Subjects) -> Config {
    Config {
        name: subjects.live_stream(),
        subjects: vec![subjects.all_live()],
        retention: RetentionPolicy::Limits,
        storage: StorageType::Memory,
        discard: DiscardPolicy::Old,
        max_age: Duration::from_mins(15),
        max_messages: 1_000_000,
        ..Config::default()
    }
}

/// Who was erased: one message each, for ever, so that a database restored from before the erasure is erased again.
fn tombstones(subjects: &Subjects) -> Config {
    Config {
        name: subjects.tombstones_stream(),
        subjects: vec![subjects.all_tombstones()],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        discard: DiscardPolicy::Old,
        max_messages_per_subject: 1,
        allow_direct: true,
        ..Config::default()
    }
}

/// What could not be worked on, for an operator to look at.
fn dead(subjects: &Subjects) -> Config {
    Config {
        name: subjects.dead_stream(),
        subjects: vec![subjects.all_dead()],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        discard: DiscardPolicy::Old,
        max_age: 30 * DAY,
        max_messages: 100_000,
        ..Config::default()
    }
}
