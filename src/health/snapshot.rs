//! The installation at one moment: positions, lags and queues, as numbers and as reasons for an operator.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

/// Ages from which on something is behind, in seconds.
const BEHIND_SECONDS: f64 = 10.0;
const ERASURE_SECONDS: f64 = 3_600.0;
const CHECKPOINT_SECONDS: f64 = 3_600.0;
/// Events without a position from which on commands are refused: as many as a sample counts.
const OVERLOADED_EVENTS: u64 = 10_000;
/// The share of its limit from which on a stream is nearly full.
const NEARLY_FULL: f64 = 0.8;
/// Ages of the oldest message from which on it does not matter that a stream is full and loses its oldest ones:
/// events that consumers were away for are read from the ledger, and answers are written within minutes.
const ENOUGH_SECONDS: [(&str, f64); 2] = [("events", 3_600.0), ("live", 300.0)];

/// The installation at one moment. A part is absent while its source does not answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Snapshot {
    /// Positions and queues in Postgres.
    pub engine: Option<Engine>,
    /// Streams and consumers.
    pub jetstream: Option<JetStream>,
    /// Read models, by name.
    pub read_models: Option<BTreeMap<String, ReadModelState>>,
    /// Aggregates in quarantine, by read model.
    pub quarantined: Option<BTreeMap<&'static str, u64>>,
    /// Dead letters, by kind.
    pub dead_letters: Option<BTreeMap<&'static str, u64>>,
    /// Documents, by state.
    pub documents: Option<BTreeMap<String, u64>>,
    /// Time for which the oldest document waits to be indexed; `null` where none waits.
    pub documents_oldest_seconds: Option<f64>,
    /// Sources that did not answer, with the reason.
    pub unknown: Vec<String>,
}

/// The documents of the installation.
#[derive(Debug, Clone, PartialEq)]
pub struct Documents {
    /// Their number, by state.
    pub states: BTreeMap<String, u64>,
    /// Time for which the oldest one waits to be indexed.
    pub oldest_seconds: Option<f64>,
}

/// Positions and queues. Ages are in seconds; `null` where nothing waits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Engine {
    /// The last position of the ledger.
    pub ledger_head: u64,
    /// Events that wait for their position.
    pub outbox_events: u64,
    /// Age of the oldest of them.
    pub outbox_oldest_seconds: Option<f64>,
    /// Answers that wait or are being written.
    pub pending_answers: u64,
    /// The position of the last checkpoint.
    pub checkpoint_position: Option<u64>,
    /// The time of the last checkpoint.
    pub checkpoint_at: Option<DateTime<Utc>>,
    /// Age of the last checkpoint, if it does not cover the head.
    pub checkpoint_age_seconds: Option<f64>,
    /// Erasures that are not complete.
    pub erasures: u64,
    /// Age of the oldest of them.
    pub erasures_oldest_seconds: Option<f64>,
    /// Whether Postgres accepts no changes.
    pub is_read_only: bool,
}

/// Streams and consumers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JetStream {
    /// The position of the last event in the stream.
    pub published_position: Option<u64>,
    /// Age of the oldest event that the stream lacks.
    pub published_lag_seconds: Option<f64>,
    /// Streams, by name.
    pub streams: BTreeMap<&'static str, StreamUse>,
    /// Consumers, by name.
    pub consumers: BTreeMap<&'static str, ConsumerState>,
}

/// The size of a stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StreamUse {
    /// Bytes that it has.
    pub bytes: u64,
    /// Bytes that it may have.
    pub limit_bytes: Option<u64>,
    /// Age of its oldest message; 0 if it has none.
    pub oldest_seconds: f64,
}

/// The messages of a consumer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsumerState {
    /// Not delivered yet.
    pub pending: u64,
    /// Delivered and not acknowledged.
    pub unacknowledged: u64,
    /// Delivered more than once among them.
    pub redelivered: u64,
}

/// Position of a read model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReadModelState {
    /// The position up to which it is projected.
    pub position: u64,
    /// Events of the ledger that it lacks.
    pub lag_events: u64,
    /// Age of the oldest of them.
    pub lag_seconds: Option<f64>,
}

impl Snapshot {
    /// Adds the documents, unless they are unknown.
    pub fn tell(&mut self, documents: Option<Documents>) {
        self.documents_oldest_seconds = documents.as_ref().and_then(|documents| documents.oldest_seconds);
        self.documents = documents.map(|documents| documents.states);
    }

    /// The number of quarantined aggregates.
    pub fn quarantined(&self) -> Option<u64> {
        self.quarantined.as_ref().map(|models| models.values().sum())
    }

    /// The number of dead letters.
    pub fn dead_letters(&self) -> Option<u64> {
        self.dead_letters.as_ref().map(|kinds| kinds.values().sum())
    }

    /// Whether commands are refused.
    pub fn is_overloaded(&self) -> bool {
        self.engine.as_ref().is_some_and(|engine| engine.outbox_events >= OVERLOADED_EVENTS)
    }

    /// Deviations from the normal state, in words for an operator.
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let is_behind = |age: &Option<f64>| age.filter(|age| *age > BEHIND_SECONDS);
        if let Some(engine) = &self.engine {
            if let Some(age) = is_behind(&engine.outbox_oldest_seconds) {
                reasons.push(format!("an event has waited for its position for {age:.0} s"));
            }
            if let Some(age) = engine.erasures_oldest_seconds.filter(|age| *age > ERASURE_SECONDS) {
                reasons.push(format!("an erasure has not been complete for {:.1} h", age / 3_600.0));
            }
            if let Some(age) = engine.checkpoint_age_seconds.filter(|age| *age > CHECKPOINT_SECONDS) {
                reasons.push(format!("no checkpoint was signed for {:.1} h", age / 3_600.0));
            }
        }
        if let Some(jetstream) = &self.jetstream {
            if let Some(age) = is_behind(&jetstream.published_lag_seconds) {
                reasons.push(format!("an event has waited for JetStream for {age:.0} s"));
            }
            reasons.extend(jetstream.streams.iter().filter_map(|(name, used)| used.reason(name)));
        }
        for (name, model) in self.read_models.iter().flatten() {
            if let Some(age) = is_behind(&model.lag_seconds) {
                let events = model.lag_events;
                reasons.push(format!("the read model {name} is {events} events and {age:.0} s behind"));
            }
        }
        let quarantined = self.quarantined.iter().flatten().filter(|(_, aggregates)| **aggregates > 0);
        reasons.extend(quarantined.map(|(name, aggregates)| {
            format!("{aggregates} aggregates are quarantined in the read model {name}")
        }));
        let letters = self.dead_letters.iter().flatten().filter(|(_, letters)| **letters > 0);
        reasons.extend(letters.map(|(kind, letters)| format!("{letters} dead letters of the kind {kind}")));
        reasons
    }
}

impl StreamUse {
    #[expect(clippy::cast_precision_loss, reason = "a share needs no precision")]
    fn reason(&self, name: &str) -> Option<String> {
        let share = self.bytes as f64 / self.limit_bytes? as f64;
        let enough = ENOUGH_SECONDS.iter().find(|(stream, _)| *stream == name).map(|(_, seconds)| *seconds);
        if share <= NEARLY_FULL || enough.is_some_and(|enough| self.oldest_seconds >= enough) {
            return None;
        }
        let reach = enough.map(|_| format!(" with the messages of {:.0} s", self.oldest_seconds));
        Some(format!("the stream {name} is {:.0} % full{}", share * 100.0, reach.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_level_gives_no_reason_and_what_is_behind_does() {
        let mut snapshot = Snapshot { quarantined: Some([("messages", 0)].into()), ..Snapshot::default() };
        assert!(snapshot.reasons().is_empty());
        let behind = ReadModelState { position: 4, lag_events: 3, lag_seconds: Some(12.3) };
        snapshot.read_models = Some([("messages".to_owned(), behind)].into());
        snapshot.quarantined = Some([("messages", 2)].into());
        assert_eq!(
            snapshot.reasons(),
            [
                "the read model messages is 3 events and 12 s behind",
                "2 aggregates are quarantined in the read model messages"
            ]
        );
    }

    #[test]
    fn a_full_stream_needs_a_look_if_it_loses_young_messages_or_takes_no_more() {
        let full = StreamUse { bytes: 90, limit_bytes: Some(100), oldest_seconds: 60.0 };
        assert_eq!(
            full.reason("events").as_deref(),
            Some("the stream events is 90 % full with the messages of 60 s")
        );
        assert_eq!(full.reason("tombstones").as_deref(), Some("the stream tombstones is 90 % full"));
        let settled = StreamUse { oldest_seconds: 7_200.0, ..full.clone() };
        assert_eq!((settled.reason("events"), settled.reason("live")), (None, None));
        assert!(settled.reason("tombstones").is_some());
        assert_eq!(StreamUse { limit_bytes: None, ..full.clone() }.reason("events"), None);
        assert_eq!(StreamUse { bytes: 80, ..full }.reason("events"), None);
    }
}
