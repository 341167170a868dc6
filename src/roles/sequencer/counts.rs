//! Counts what gets its position: every event passes here exactly once, whichever process appended it.

use aggregates::AggregateType;
use measures::catalogue::{ANSWERS_ENDED, ANSWERS_REQUESTED, BATCH_EVENTS};
use serde::Deserialize;
use store::LedgerEntry;

/// The part of an event that ends an answer.
#[derive(Deserialize)]
struct Ended {
    #[serde(default)]
    attempt: u32,
}

/// Counts a batch.
pub(super) fn count(entries: &[LedgerEntry]) {
    BATCH_EVENTS.record_count(&["sequencer"], entries.len());
    let events = entries.iter().map(|entry| &entry.event);
    for event in events.filter(|event| event.aggregate_type == AggregateType::Conversation.name()) {
        let outcome = match event.event_type.as_str() {
            "AnswerRequested" => {
                ANSWERS_REQUESTED.increment(&[]);
                continue;
            }
            "AnswerCompleted" => "completed",
            "AnswerStopped" => "stopped",
            "AnswerFailed" => "failed",
            _ => continue,
        };
        let ended: Ended = serde_json::from_str(event.payload.get()).unwrap_or(Ended { attempt: 0 });
        ANSWERS_ENDED.increment(&[outcome, &ended.attempt.to_string()]);
    }
}
