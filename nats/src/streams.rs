//! The streams of JetStream and their limits.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};

use crate::{BoxError, Subjects};

/// Time limit for a call to JetStream's API.
pub const STREAM_TIMEOUT: Duration = Duration::from_secs(5);

const DAY: Duration = Duration::from_hours(24);

/// A stream cannot be opened or created.
#[derive(Debug, thiserror::Error)]
#[error("the stream {stream} cannot be opened or created")]
pub struct StreamError {
    stream: String,
    source: BoxError,
}

/// Creates the missing ones of the streams for events, live answers, dead letters and tombstones, and returns
/// the stream of events.
///
/// Their limits are numbers of messages and ages, not bytes: JetStream reserves bytes when it creates a
/// stream, and refuses the stream where too few are left. An existing stream keeps the configuration of its
/// operator (replicas, placement, limits).
pub async fn ensure_streams(jetstream: &Context, subjects: &Subjects) -> Result<Stream, StreamError> {
    ensure(jetstream, live(subjects)).await?;
    ensure(jetstream, dead(subjects)).await?;
    ensure(jetstream, tombstones(subjects)).await?;
    ensure(jetstream, events(subjects)).await
}

/// Deletes the stream of events and creates it again with its configuration. Unlike a purge, this also makes
/// the server forget the ids of messages that it received in the last minutes. Durable consumers are deleted,
/// too, and created again by their processes.
pub async fn recreate_stream(jetstream: &Context, stream: &Stream) -> Result<(), StreamError> {
    let config = stream.cached_info().config.clone();
    let name = config.name.clone();
    let failed = |source: BoxError| StreamError { stream: name.clone(), source };
    tokio::time::timeout(STREAM_TIMEOUT, jetstream.delete_stream(&name))
        .await
        .map_err(|elapsed| failed(elapsed.into()))?
        .map_err(|error| failed(error.into()))?;
    tokio::time::timeout(STREAM_TIMEOUT, jetstream.create_stream(config))
        .await
        .map_err(|elapsed| failed(elapsed.into()))?
        .map_err(|error| failed(error.into()))?;
    Ok(())
}

async fn ensure(jetstream: &Context, config: Config) -> Result<Stream, StreamError> {
    let stream = config.name.clone();
    match tokio::time::timeout(STREAM_TIMEOUT, jetstream.get_or_create_stream(config)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(StreamError { stream, source: error.into() }),
        Err(elapsed) => Err(StreamError { stream, source: elapsed.into() }),
    }
}

/// Events of one week. A consumer that was away longer reads the older ones from the ledger.
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

/// Answers that are being written, in memory, for 15 minutes.
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

/// One message for each erased user, kept without end: a database that is restored from an older backup is
/// erased again by them.
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

/// Dead letters: messages that no consumer could process, kept 30 days for the operator.
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
