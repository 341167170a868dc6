//! Every metric of the service. `docs/metrics.md` is generated from this file.
//!
//! A new metric: an entry here, and a call where its value arises. Names begin with `colloquy_`, counters end
//! in `_total`, times in `_seconds`. A label whose values a caller could choose is not permitted.

use crate::metric::{Counter, Definition, Gauge, Histogram, Kind, Label, Unit, Values};

const REQUEST_SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
const ANSWER_SECONDS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];
const BATCH_SIZES: &[f64] = &[1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0];

const METHOD: Label = Label {
    name: "method",
    values: Values::Fixed(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"]),
};
const ROUTE: Label =
    Label { name: "route", values: Values::Bounded("template of the route, `other` for paths without one") };
const STATUS: Label = Label { name: "status", values: Values::Fixed(&["1xx", "2xx", "3xx", "4xx", "5xx"]) };
const READ_MODEL: Label = Label { name: "read_model", values: Values::Fixed(READ_MODELS) };
const STAGE: Label = Label { name: "stage", values: Values::Bounded("a task of the process") };
const ROLE: Label = Label { name: "role", values: Values::Fixed(ROLES) };

/// The read models.
pub const READ_MODELS: &[&str] =
    &["conversations", "messages", "search_entries", "usage_days", "accounts", "documents"];
/// The roles of processes.
pub const ROLES: &[&str] = &["api", "sequencer", "projector", "worker"];
/// The states of documents that take work or a look.
pub const DOCUMENT_STATES: &[&str] = &["added", "indexed", "rejected"];
/// Kinds of failures of attempts at answers.
pub const ATTEMPT_FAILURES: &[&str] = &[
    "model_unavailable",
    "model_refused",
    "knowledge_unavailable",
    "content_filtered",
    "no_text",
    "attempts_exhausted",
    "internal",
    "other",
];

/// The text of a doc comment without the space in front of it.
const fn described(doc: &str) -> &str {
    match doc.as_bytes() {
        [b' ', ..] => doc.split_at(1).1,
        _ => doc,
    }
}

const fn buckets(given: &[&'static [f64]]) -> &'static [f64] {
    match given {
        [bounds] => bounds,
        _ => &[],
    }
}

/// Defines metrics in groups, and the lists of them.
macro_rules! catalogue {
    ($($group:ident $heading:literal {
        $($(#[doc = $doc:literal])+
        $name:ident: $kind:ident $metric:literal in $unit:ident $([$($label:expr),+])? $(by $buckets:expr)?;)+
    })+) => {
        $($(
            $(#[doc = $doc])+
            pub const $name: $kind = $kind(&Definition {
                name: $metric,
                description: described(concat!($($doc),+)),
                kind: Kind::$kind,
                unit: Unit::$unit,
                labels: &[$($($label),+)?],
                buckets: buckets(&[$($buckets)?]),
            });
        )+
        /// The metrics of a group.
        const $group: &[&Definition] = &[$($name.0),+];
        )+
        /// The groups of metrics with their headings, in the order of the reference.
        pub(crate) const GROUPS: &[(&str, &[&Definition])] = &[$(($heading, $group)),+];
        /// All metrics.
        pub const ALL: &[&Definition] = &[$($($name.0),+),+];
    };
}

catalogue! {
    HTTP "HTTP" {
        /// Time of a request until its response begins, by the template of its route.
        HTTP_REQUEST_DURATION: Histogram "colloquy_http_request_duration_seconds" in Seconds [ROUTE, METHOD, STATUS] by REQUEST_SECONDS;
        /// Requests whose response has not begun.
        HTTP_REQUESTS_IN_FLIGHT: Gauge "colloquy_http_requests_in_flight" in Count;
        /// Commands that were refused at once because the store or the ledger is behind.
        REQUESTS_SHED: Counter "colloquy_requests_shed_total" in Count [Label { name: "reason", values: Values::Fixed(&["appends", "ledger", "slow"]) }];
        /// Streams that are open, by what they show.
        STREAMS_OPEN: Gauge "colloquy_streams_open" in Count [Label { name: "kind", values: Values::Fixed(&["user", "conversation", "ledger", "other"]) }];
        /// Streams that went on from an earlier one by the id of its last event.
        STREAM_RESUMES: Counter "colloquy_stream_resumes_total" in Count;
        /// Answers whose text so far was read from the live stream again, for a stream that began
        /// in their middle.
        LIVE_REPLAYS: Counter "colloquy_live_replays_total" in Count;
        /// Looks into the cache of query responses.
        READ_CACHE: Counter "colloquy_read_cache_total" in Count [Label { name: "outcome", values: Values::Fixed(&["hit", "miss"]) }];
        /// Sign-ins through the process. Refused sign-ins of known accounts are also events.
        SIGN_INS: Counter "colloquy_sign_ins_total" in Count [Label { name: "outcome", values: Values::Fixed(&["accepted", "refused", "limited", "failed"]) }];
    }
    ENGINE "Engine" {
        /// Position of the last event of the ledger. *Installation.*
        LEDGER_HEAD: Gauge "colloquy_ledger_head" in Position;
        /// Events that wait for their position, counted up to 10,000. *Installation.*
        OUTBOX_EVENTS: Gauge "colloquy_outbox_events" in Count;
        /// Age of the oldest event that waits for its position; 0 without one. *Installation.*
        OUTBOX_OLDEST: Gauge "colloquy_outbox_oldest_seconds" in Seconds;
        /// Position of the last event in JetStream. *Installation.*
        PUBLISHED_POSITION: Gauge "colloquy_published_position" in Position;
        /// Age of the oldest event of the ledger that is not in JetStream; 0 without one. *Installation.*
        PUBLISHED_LAG: Gauge "colloquy_published_lag_seconds" in Seconds;
        /// Position up to which a read model is projected. *Installation.*
        READ_MODEL_POSITION: Gauge "colloquy_read_model_position" in Position [READ_MODEL];
        /// Events of the ledger that a read model lacks. *Installation.*
        READ_MODEL_LAG_EVENTS: Gauge "colloquy_read_model_lag_events" in Count [READ_MODEL];
        /// Age of the oldest event of the ledger that a read model lacks; 0 without one. *Installation.*
        READ_MODEL_LAG: Gauge "colloquy_read_model_lag_seconds" in Seconds [READ_MODEL];
        /// Position of the read models as the process knows it from announcements.
        READ_POSITION: Gauge "colloquy_read_position" in Position;
        /// Messages that a consumer of JetStream has not delivered yet. *Installation.*
        CONSUMER_PENDING: Gauge "colloquy_jetstream_pending" in Count [Label { name: "consumer", values: Values::Fixed(&["answers", "documents"]) }];
        /// Messages that were delivered and not acknowledged. *Installation.*
        CONSUMER_UNACKNOWLEDGED: Gauge "colloquy_jetstream_unacknowledged" in Count [Label { name: "consumer", values: Values::Fixed(&["answers", "documents"]) }];
        /// Messages among them that were delivered more than once. *Installation.*
        CONSUMER_REDELIVERED: Gauge "colloquy_jetstream_redelivered" in Count [Label { name: "consumer", values: Values::Fixed(&["answers", "documents"]) }];
        /// Bytes of a stream of JetStream. *Installation.*
        STREAM_BYTES: Gauge "colloquy_jetstream_stream_bytes" in Bytes [Label { name: "stream", values: Values::Fixed(&["events", "live", "tombstones"]) }];
        /// Bytes that a stream of JetStream may have; 0 without a limit. *Installation.*
        STREAM_LIMIT: Gauge "colloquy_jetstream_stream_limit_bytes" in Bytes [Label { name: "stream", values: Values::Fixed(&["events", "live", "tombstones"]) }];
        /// Age of the oldest message of a stream of JetStream; 0 if it has none. A full stream of events or live
        /// answers loses its oldest messages. *Installation.*
        STREAM_OLDEST: Gauge "colloquy_jetstream_stream_oldest_seconds" in Seconds [Label { name: "stream", values: Values::Fixed(&["events", "live", "tombstones"]) }];
        /// Events that the process has given a position, published or applied, by batch.
        BATCH_EVENTS: Histogram "colloquy_batch_events" in Count [Label { name: "stage", values: Values::Fixed(&["sequencer", "publisher", "projector"]) }] by BATCH_SIZES;
        /// Commands that were appended by one statement.
        APPEND_BATCH: Histogram "colloquy_append_batch_commands" in Count by BATCH_SIZES;
        /// Time of the last completed turn of a stage: an idle stage looks around as well.
        STAGE_LAST_TURN: Gauge "colloquy_stage_last_turn_timestamp_seconds" in Timestamp [STAGE];
        /// Whether the last turn of a stage succeeded.
        STAGE_OK: Gauge "colloquy_stage_ok" in Truth [STAGE];
    }
    ANSWERS "Answers" {
        /// Answers that were requested, by asking or again. Counted by the process that gives positions.
        ANSWERS_REQUESTED: Counter "colloquy_answers_requested_total" in Count;
        /// Answers that ended. Counted by the process that gives positions.
        ANSWERS_ENDED: Counter "colloquy_answers_ended_total" in Count [
            Label { name: "outcome", values: Values::Fixed(&["completed", "stopped", "failed"]) },
            Label { name: "attempt", values: Values::Fixed(&["0", "1", "2", "3", "4", "5", "other"]) }];
        /// Answers that wait for a worker or are being written, counted up to 10,000. *Installation.*
        ANSWERS_PENDING: Gauge "colloquy_answers_pending" in Count;
        /// Answers that the process is writing.
        ANSWERS_IN_FLIGHT: Gauge "colloquy_answers_in_flight" in Count;
        /// Time from the begin of an attempt to the first text of its answer.
        TIME_TO_FIRST_DELTA: Histogram "colloquy_answer_first_delta_seconds" in Seconds by ANSWER_SECONDS;
        /// Time of a successful attempt.
        ATTEMPT_DURATION: Histogram "colloquy_answer_attempt_seconds" in Seconds by ANSWER_SECONDS;
        /// Attempts that failed, by their reason.
        ATTEMPTS_FAILED: Counter "colloquy_answer_attempts_failed_total" in Count [Label { name: "reason", values: Values::Fixed(ATTEMPT_FAILURES) }];
        /// Time of the search for passages.
        RETRIEVAL_DURATION: Histogram "colloquy_retrieval_seconds" in Seconds by ANSWER_SECONDS;
        /// Tokens of language models, once they are recorded: of completed answers, of other attempts, of titles
        /// and of suggestions.
        TOKENS: Counter "colloquy_model_tokens_total" in Count [Label { name: "direction", values: Values::Fixed(&["input", "output"]) }];
        /// Failures of the language model.
        MODEL_ERRORS: Counter "colloquy_model_errors_total" in Count [Label { name: "kind", values: Values::Fixed(&["unavailable", "refused", "interrupted", "no_text", "other"]) }];
    }
    KNOWLEDGE "Knowledge" {
        /// Documents by their state, sampled once a minute. *Installation.*
        DOCUMENTS: Gauge "colloquy_documents" in Count [Label { name: "state", values: Values::Fixed(DOCUMENT_STATES) }];
        /// Time for which the oldest document waits to be indexed; 0 without one, sampled once a minute.
        /// *Installation.*
        DOCUMENTS_OLDEST: Gauge "colloquy_documents_oldest_seconds" in Seconds;
        /// Documents that the process is indexing.
        DOCUMENTS_IN_FLIGHT: Gauge "colloquy_documents_in_flight" in Count;
        /// Documents that the process is reading and splitting, or embedding and writing.
        DOCUMENTS_AT: Gauge "colloquy_documents_at" in Count [Label { name: "stage", values: Values::Fixed(&["reading", "writing"]) }];
        /// Time of a document from its turn to its end.
        INDEXING_DURATION: Histogram "colloquy_indexing_seconds" in Seconds [Label { name: "outcome", values: Values::Fixed(&["settled", "elsewhere", "failed"]) }] by ANSWER_SECONDS;
    }
    OPERATION "Operation" {
        /// Aggregates of which an event cannot be applied to a read model. *Installation.*
        QUARANTINED: Gauge "colloquy_quarantined_aggregates" in Count [READ_MODEL];
        /// Whether the projector waits because events of many aggregates cannot be applied to a read model.
        QUARANTINE_BRAKED: Gauge "colloquy_quarantine_braked" in Truth [READ_MODEL];
        /// Work that workers gave up. *Installation.*
        DEAD_LETTERS: Gauge "colloquy_dead_letters" in Count [Label { name: "kind", values: Values::Fixed(&["answer", "document", "delivery"]) }];
        /// Erasures that are not complete. *Installation.*
        ERASURES_PENDING: Gauge "colloquy_erasures_pending" in Count;
        /// Age of the oldest erasure that is not complete; 0 without one. *Installation.*
        ERASURES_OLDEST: Gauge "colloquy_erasures_oldest_seconds" in Seconds;
        /// Age of the last signed checkpoint; 0 while it covers the head of the ledger. *Installation.*
        CHECKPOINT_AGE: Gauge "colloquy_checkpoint_age_seconds" in Seconds;
        /// Processes that announced themselves in the last ten seconds. *Installation.*
        PROCESSES: Gauge "colloquy_processes" in Count [ROLE];
        /// Whether a dependency can be used, as of the last readiness check or sample.
        DEPENDENCY_OK: Gauge "colloquy_dependency_ok" in Truth [Label { name: "dependency", values: Values::Bounded("a dependency of the process' roles") }];
    }
    PROCESS "Process" {
        /// Version and commit of the program; the value is 1.
        BUILD: Gauge "colloquy_build_info" in Truth [
            Label { name: "version", values: Values::Bounded("version") },
            Label { name: "commit", values: Values::Bounded("commit, or `unknown`") }];
        /// Whether the process has a role.
        PROCESS_ROLE: Gauge "colloquy_process_role" in Truth [ROLE];
        /// Time of the start of the process.
        START_TIME: Gauge "colloquy_process_start_timestamp_seconds" in Timestamp;
        /// Memory of the process that is in use (resident set).
        RESIDENT_MEMORY: Gauge "colloquy_process_resident_memory_bytes" in Bytes;
        /// Connections to Postgres of a pool.
        POOL_CONNECTIONS: Gauge "colloquy_database_connections" in Count [
            Label { name: "pool", values: Values::Bounded("the pool of a role") },
            Label { name: "state", values: Values::Fixed(&["used", "idle"]) }];
        /// The most connections of a pool.
        POOL_LIMIT: Gauge "colloquy_database_connections_limit" in Count [Label { name: "pool", values: Values::Bounded("the pool of a role") }];
        /// Time of the last sample of the installation.
        SAMPLE_TIME: Gauge "colloquy_sample_timestamp_seconds" in Timestamp;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_say_kind_and_unit() {
        let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
        for Definition { name, description, kind, unit, buckets, .. } in ALL {
            assert!(name.starts_with("colloquy_"), "{name}");
            assert!(
                description.ends_with(['.', '*']) && !description.starts_with(' '),
                "{name}: {description}"
            );
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            let is_time = matches!(unit, Unit::Seconds | Unit::Timestamp);
            assert_eq!(name.ends_with("_seconds"), is_time, "{name}");
            assert_eq!(buckets.is_empty(), *kind != Kind::Histogram, "{name}");
        }
    }

    #[test]
    fn a_value_outside_of_its_list_is_other_and_every_known_series_exists_beforehand() {
        crate::install().unwrap();
        HTTP_REQUEST_DURATION.record(&["/v1/me", "BREW", "2xx"], 0.002);
        let text = crate::render().unwrap();
        let counted = "colloquy_http_request_duration_seconds_count{route=\"/v1/me\",method=\"other\",status=\"2xx\"} 1";
        assert!(text.contains(counted), "{text}");
        assert!(text.contains("colloquy_sign_ins_total{outcome=\"refused\"} 0"), "{text}");
        assert!(text.contains("colloquy_batch_events_bucket{stage=\"projector\",le=\"1000\"} 0"), "{text}");
        assert!(text.contains("# HELP colloquy_ledger_head Position of the last event"), "{text}");
    }

    #[test]
    fn a_held_gauge_falls_when_it_is_dropped() {
        crate::install().unwrap();
        let held = ANSWERS_IN_FLIGHT.hold(&[]);
        assert!(crate::render().unwrap().contains("colloquy_answers_in_flight 1"));
        drop(held);
        assert!(crate::render().unwrap().contains("colloquy_answers_in_flight 0"));
    }
}
