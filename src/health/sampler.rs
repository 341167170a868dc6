//! Samples positions, lags and queues of the whole installation, in the background and within time limits.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, SystemTime};

use aggregates::Position;
use async_nats::{Client, jetstream};
use measures::catalogue::{
    ANSWERS_PENDING, CHECKPOINT_AGE, CONSUMER_PENDING, CONSUMER_REDELIVERED, CONSUMER_UNACKNOWLEDGED,
    DEAD_LETTERS, DOCUMENT_STATES, DOCUMENTS, DOCUMENTS_OLDEST, ERASURES_OLDEST, ERASURES_PENDING,
    LEDGER_HEAD, OUTBOX_EVENTS, OUTBOX_OLDEST, PUBLISHED_LAG, PUBLISHED_POSITION, QUARANTINED,
    READ_MODEL_LAG, READ_MODEL_LAG_EVENTS, READ_MODEL_POSITION, SAMPLE_TIME, STREAM_BYTES, STREAM_LIMIT,
    STREAM_OLDEST,
};
use nats::Subjects;
use projections::quarantine;
use rag::error_chain::ErrorChain;
use tokio::time::Instant;

use super::Health;
use super::snapshot::{ConsumerState, Documents, Engine, JetStream, ReadModelState, Snapshot, StreamUse};
use crate::runtime::stages::timestamp;
use store::{Store, Vitals};

/// Interval between samples without a request.
const INTERVAL: Duration = Duration::from_secs(10);
/// Shortest interval between two samples.
const PAUSE: Duration = Duration::from_secs(1);
/// The state of a document that waits to be indexed.
const WAITING: &str = "added";
/// Interval between counts of documents, which read all of them.
const DOCUMENTS_INTERVAL: Duration = Duration::from_mins(1);
/// Longest wait for a source.
const TIME_LIMIT: Duration = Duration::from_secs(3);

/// Reads the state of the installation.
#[derive(Debug, Clone)]
pub struct Sampler {
    /// Postgres.
    pub store: Store,
    /// NATS.
    pub nats: Client,
    /// The names of streams and consumers.
    pub subjects: Subjects,
}

impl Health {
    /// Samples for ever: at each request for metrics or the readiness, and otherwise at an interval.
    pub async fn sample_with(self, sampler: Sampler) {
        let (mut documents, mut counted) = (None, None);
        loop {
            // What fails takes long, and is not repeated sooner.
            if counted.is_none_or(|at: Instant| at.elapsed() > DOCUMENTS_INTERVAL) {
                documents = sampler.documents().await.ok();
                counted = Some(Instant::now());
            }
            let mut snapshot = sampler.sample().await;
            snapshot.tell(documents.clone());
            record(&snapshot);
            self.keep(snapshot);
            measures::upkeep();
            tokio::time::sleep(PAUSE).await;
            let _ = tokio::time::timeout(INTERVAL, self.0.wanted.notified()).await;
        }
    }
}

impl Sampler {
    /// A sample. What does not answer in time is left out.
    pub async fn sample(&self) -> Snapshot {
        let models = self.store.read_models();
        let (vitals, progress, quarantined, letters, jetstream) = tokio::join!(
            within(Source::Postgres, self.store.vitals()),
            within(Source::Postgres, projections::vitals::progress(models)),
            within(Source::Postgres, quarantine::counts(models)),
            within(Source::Postgres, self.store.count_dead_letters()),
            within(Source::JetStream, self.jetstream()),
        );
        let mut unknown: Vec<String> = [
            vitals.as_ref().err(),
            progress.as_ref().err(),
            quarantined.as_ref().err(),
            letters.as_ref().err(),
            jetstream.as_ref().err(),
        ]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
        unknown.dedup();
        let head = vitals.as_ref().map_or(0, |vitals| vitals.head.0);
        let mut jetstream = jetstream.ok();
        if let Some(jetstream) = &mut jetstream
            && let Some(published) = jetstream.published_position.filter(|published| *published < head)
        {
            let age = within(Source::Postgres, self.store.age_of(Position(published + 1))).await;
            jetstream.published_lag_seconds = age.ok().flatten();
        }
        let progress = progress.ok().map(|progress| {
            let states = progress.into_iter().map(|model| {
                let position = model.position.0;
                let lag_events = head.saturating_sub(position);
                (model.name, ReadModelState { position, lag_events, lag_seconds: model.lag })
            });
            states.collect()
        });
        let quarantined = quarantined.ok();
        Snapshot {
            engine: vitals.ok().map(engine),
            jetstream,
            read_models: progress,
            quarantined: quarantined
                .map(|counts| counts.iter().map(|count| (count.model.name(), count.aggregates)).collect()),
            dead_letters: letters
                .ok()
                .map(|kinds| kinds.into_iter().map(|(kind, letters)| (kind.name(), letters)).collect()),
            documents: None,
            documents_oldest_seconds: None,
            unknown,
        }
    }

    /// The documents. Reads all of them.
    pub async fn documents(&self) -> Result<Documents, String> {
        let states =
            within(Source::Postgres, projections::vitals::documents(self.store.read_models())).await?;
        let waiting = states.iter().find(|state| state.status == WAITING);
        Ok(Documents {
            oldest_seconds: waiting.map(|state| state.oldest),
            states: states.into_iter().map(|state| (state.status, state.count.unsigned_abs())).collect(),
        })
    }

    async fn jetstream(&self) -> Result<JetStream, StreamsUnknown> {
        let jetstream = jetstream::new(self.nats.clone());
        let events = jetstream.get_stream(self.subjects.events_stream()).await.map_err(unknown)?;
        let live = jetstream.get_stream(self.subjects.live_stream()).await.map_err(unknown)?;
        let tombstones = jetstream.get_stream(self.subjects.tombstones_stream()).await.map_err(unknown)?;
        let last = events.cached_info().state.last_sequence;
        let published_position = match events.get_raw_message(last).await {
            Ok(message) => nats::position_in(&message.headers).map(|position| position.0),
            Err(_) => None,
        };
        let streams = [("events", &events), ("live", &live), ("tombstones", &tombstones)];
        let streams =
            streams.map(|(name, stream)| (name, use_of(stream.cached_info()))).into_iter().collect();
        let mut consumers = BTreeMap::new();
        let names =
            [("answers", self.subjects.worker_consumer()), ("documents", self.subjects.documents_consumer())];
        for (name, consumer) in names {
            // A consumer is created by the first worker.
            if let Ok(info) = events.consumer_info(consumer).await {
                let unacknowledged = u64::try_from(info.num_ack_pending).unwrap_or_default();
                let redelivered = u64::try_from(info.num_redelivered).unwrap_or_default();
                consumers
                    .insert(name, ConsumerState { pending: info.num_pending, unacknowledged, redelivered });
            }
        }
        Ok(JetStream { published_position, published_lag_seconds: None, streams, consumers })
    }
}

fn use_of(stream: &jetstream::stream::Info) -> StreamUse {
    let began = u64::try_from(stream.state.first_timestamp.unix_timestamp()).unwrap_or_default();
    let age = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + Duration::from_secs(began));
    StreamUse {
        bytes: stream.state.bytes,
        limit_bytes: u64::try_from(stream.config.max_bytes).ok().filter(|limit| *limit > 0),
        oldest_seconds: age.ok().filter(|_| stream.state.messages > 0).unwrap_or_default().as_secs_f64(),
    }
}

/// JetStream did not answer.
#[derive(Debug, thiserror::Error)]
#[error("JetStream does not answer")]
struct StreamsUnknown(#[source] Box<dyn std::error::Error + Send + Sync>);

fn unknown(error: impl std::error::Error + Send + Sync + 'static) -> StreamsUnknown {
    StreamsUnknown(Box::new(error))
}

fn engine(vitals: Vitals) -> Engine {
    let covers_head = vitals.checkpoint.is_some_and(|checkpoint| checkpoint >= vitals.head);
    Engine {
        ledger_head: vitals.head.0,
        outbox_events: vitals.outbox_events.unsigned_abs(),
        outbox_oldest_seconds: vitals.outbox_oldest,
        pending_answers: vitals.pending_answers.unsigned_abs(),
        checkpoint_position: vitals.checkpoint.map(|position| position.0),
        checkpoint_at: vitals.checkpoint_at,
        checkpoint_age_seconds: vitals.checkpoint_age.filter(|_| !covers_head),
        erasures: vitals.erasures.unsigned_abs(),
        erasures_oldest_seconds: vitals.erasures_oldest,
        is_read_only: vitals.is_read_only,
    }
}

/// Writes a sample into the metrics. What is unknown keeps its last value.
fn record(snapshot: &Snapshot) {
    if snapshot.unknown.is_empty() {
        SAMPLE_TIME.set(&[], timestamp());
    }
    if let Some(engine) = &snapshot.engine {
        LEDGER_HEAD.set_count(&[], engine.ledger_head);
        OUTBOX_EVENTS.set_count(&[], engine.outbox_events);
        OUTBOX_OLDEST.set(&[], engine.outbox_oldest_seconds.unwrap_or_default());
        ANSWERS_PENDING.set_count(&[], engine.pending_answers);
        CHECKPOINT_AGE.set(&[], engine.checkpoint_age_seconds.unwrap_or_default());
        ERASURES_PENDING.set_count(&[], engine.erasures);
        ERASURES_OLDEST.set(&[], engine.erasures_oldest_seconds.unwrap_or_default());
    }
    for (name, model) in snapshot.read_models.iter().flatten() {
        READ_MODEL_POSITION.set_count(&[name], model.position);
        READ_MODEL_LAG_EVENTS.set_count(&[name], model.lag_events);
        READ_MODEL_LAG.set(&[name], model.lag_seconds.unwrap_or_default());
    }
    if let Some(jetstream) = &snapshot.jetstream {
        if let Some(position) = jetstream.published_position {
            PUBLISHED_POSITION.set_count(&[], position);
        }
        PUBLISHED_LAG.set(&[], jetstream.published_lag_seconds.unwrap_or_default());
        for (name, used) in &jetstream.streams {
            STREAM_BYTES.set_count(&[name], used.bytes);
            STREAM_LIMIT.set_count(&[name], used.limit_bytes.unwrap_or_default());
            STREAM_OLDEST.set(&[name], used.oldest_seconds);
        }
        for (name, consumer) in &jetstream.consumers {
            CONSUMER_PENDING.set_count(&[name], consumer.pending);
            CONSUMER_UNACKNOWLEDGED.set_count(&[name], consumer.unacknowledged);
            CONSUMER_REDELIVERED.set_count(&[name], consumer.redelivered);
        }
    }
    for (name, aggregates) in snapshot.quarantined.iter().flatten() {
        QUARANTINED.set_count(&[name], *aggregates);
    }
    for (kind, letters) in snapshot.dead_letters.iter().flatten() {
        DEAD_LETTERS.set_count(&[kind], *letters);
    }
    DOCUMENTS_OLDEST.set(&[], snapshot.documents_oldest_seconds.unwrap_or_default());
    if let Some(documents) = &snapshot.documents {
        for state in DOCUMENT_STATES {
            DOCUMENTS.set_count(&[state], documents.get(*state).copied().unwrap_or_default());
        }
    }
}

/// Origin of a part of the sample.
#[derive(Debug, Clone, Copy)]
enum Source {
    Postgres,
    JetStream,
}

impl Source {
    fn name(self) -> &'static str {
        match self {
            Self::Postgres => "Postgres",
            Self::JetStream => "JetStream",
        }
    }
}

/// The part, or the reason why it is unknown.
async fn within<T, E: std::error::Error + 'static>(
    source: Source,
    asking: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match tokio::time::timeout(TIME_LIMIT, asking).await {
        Ok(answered) => answered.map_err(|error| ErrorChain(&error).to_string()),
        Err(_) => Err(format!("{} does not answer in time", source.name())),
    }
}
