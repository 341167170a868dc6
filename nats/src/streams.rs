//! The streams of JetStream and their limits.

mod refusal;
mod settings;

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};

use crate::{BoxError, Subjects};
pub use refusal::consumer_problem;
pub use settings::{LiveStorage, StreamSettings};

/// Time limit for a call to JetStream's API.
pub const STREAM_TIMEOUT: Duration = Duration::from_secs(5);

const DAY: Duration = Duration::from_hours(24);

/// A stream cannot be opened, created or changed.
#[derive(Debug, thiserror::Error)]
#[error("the stream {stream} cannot be opened, created or changed")]
pub struct StreamError {
    stream: String,
    source: BoxError,
}

/// A stream has the name of one of this service, and is not one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsuitable {
    #[error("it has the subjects {found:?} instead of {wanted:?}; set another NATS_PREFIX or delete it")]
    Subjects { found: Vec<String>, wanted: Vec<String> },
    #[error("it deletes messages once they are consumed (retention {0:?}); delete it")]
    Retention(RetentionPolicy),
    #[error(
        "its messages are kept in {found} and NATS_LIVE_STORAGE is {wanted}, which JetStream does not change; delete it"
    )]
    Storage { found: &'static str, wanted: &'static str },
}

/// Creates the missing ones of the streams for events, live answers, dead letters and tombstones, and returns
/// the stream of events. An existing stream keeps its configuration.
///
/// A stream is created with a limit of bytes, as some accounts require. JetStream reserves them, and refuses
/// the stream where too few are left.
pub async fn ensure_streams(jetstream: &Context, subjects: &Subjects) -> Result<Stream, StreamError> {
    ensure(jetstream, live(subjects)).await?;
    ensure(jetstream, dead(subjects)).await?;
    ensure(jetstream, tombstones(subjects)).await?;
    ensure(jetstream, events(subjects)).await
}

/// Creates missing streams and brings existing ones to the settings that are configured. What is not
/// configured stays as an operator has set it, but for the stream of tombstones, which must not
/// lose a message.
pub async fn apply_settings(jetstream: &Context, subjects: &Subjects) -> Result<(), StreamError> {
    let settings = subjects.stream_settings();
    for wanted in [live(subjects), dead(subjects), tombstones(subjects), events(subjects)] {
        let stream = ensure(jetstream, wanted.clone()).await?;
        let current = stream.cached_info().config.clone();
        let mut next = current.clone();
        settings
            .apply(&mut next, &wanted, subjects)
            .map_err(|unsuitable| failed(&wanted.name, unsuitable))?;
        if wanted.name == subjects.tombstones_stream() {
            next.max_age = Duration::ZERO;
            next.max_messages = -1;
            next.discard = DiscardPolicy::New;
        }
        if next != current {
            update(jetstream, next, wanted.max_bytes).await?;
            tracing::info!(stream = wanted.name, "a stream was brought to the configured settings");
        }
    }
    Ok(())
}

/// Changes a stream. Where the account requires a limit of bytes and the stream has none, it gets that of a
/// new stream.
async fn update(jetstream: &Context, mut config: Config, max_bytes: i64) -> Result<(), StreamError> {
    let name = config.name.clone();
    let mut outcome = call(&name, jetstream.update_stream(&config)).await;
    if outcome.as_ref().is_err_and(StreamError::requires_bytes) && config.max_bytes <= 0 {
        config.max_bytes = max_bytes;
        outcome = call(&name, jetstream.update_stream(&config)).await;
    }
    outcome.map(drop)
}

/// Awaits a call to JetStream's API within its time limit.
async fn call<T, E: Into<BoxError>>(
    stream: &str,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, StreamError> {
    match tokio::time::timeout(STREAM_TIMEOUT, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(failed(stream, error)),
        Err(elapsed) => Err(failed(stream, elapsed)),
    }
}

fn failed(stream: &str, source: impl Into<BoxError>) -> StreamError {
    StreamError { stream: stream.to_owned(), source: source.into() }
}

/// Deletes the stream of events and creates it again with its configuration. Unlike a purge, this also makes
/// the server forget the ids of messages that it received in the last minutes. Durable consumers are deleted,
/// too, and created again by their processes.
pub async fn recreate_stream(jetstream: &Context, stream: &Stream) -> Result<(), StreamError> {
    let config = stream.cached_info().config.clone();
    let name = config.name.clone();
    call(&name, jetstream.delete_stream(&name)).await?;
    call(&name, jetstream.create_stream(config)).await?;
    Ok(())
}

async fn ensure(jetstream: &Context, config: Config) -> Result<Stream, StreamError> {
    let wanted = config.subjects.clone();
    let name = config.name.clone();
    let stream = call(&name, jetstream.get_or_create_stream(config)).await?;
    let Config { subjects: found, retention, .. } = &stream.cached_info().config;
    if !wanted.iter().all(|subject| found.contains(subject)) {
        return Err(failed(&name, Unsuitable::Subjects { found: found.clone(), wanted }));
    }
    if *retention != RetentionPolicy::Limits {
        return Err(failed(&name, Unsuitable::Retention(*retention)));
    }
    Ok(stream)
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
        max_bytes: subjects.stream_settings().events_bytes(),
        num_replicas: subjects.stream_settings().replicas(),
        allow_direct: true,
        ..Config::default()
    }
}

/// Answers that are being written, in memory unless configured, for 15 minutes.
fn live(subjects: &Subjects) -> Config {
    Config {
        name: subjects.live_stream(),
        subjects: vec![subjects.all_live()],
        retention: RetentionPolicy::Limits,
        storage: subjects.stream_settings().live_storage(),
        discard: DiscardPolicy::Old,
        max_age: Duration::from_mins(15),
        max_messages: 1_000_000,
        max_bytes: subjects.stream_settings().live_bytes(),
        num_replicas: subjects.stream_settings().replicas(),
        ..Config::default()
    }
}

/// One message for each erased user, kept without end: a database that is restored from an older backup is
/// erased again by them. A full stream refuses new ones, so that the erasure waits and says so.
fn tombstones(subjects: &Subjects) -> Config {
    Config {
        name: subjects.tombstones_stream(),
        subjects: vec![subjects.all_tombstones()],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        discard: DiscardPolicy::New,
        max_messages_per_subject: 1,
        max_bytes: settings::SMALL_STREAM_BYTES,
        num_replicas: subjects.stream_settings().replicas(),
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
        max_bytes: settings::SMALL_STREAM_BYTES,
        num_replicas: subjects.stream_settings().replicas(),
        ..Config::default()
    }
}
