//! Spans of stages that work on batches: one for each event, in the trace that led to the event.

use std::time::SystemTime;

use store::LedgerEntry;

use crate::telemetry::traces::{self, Ended, Kind};

/// Records what happened to a batch since `began`.
pub fn record_batch(name: &'static str, kind: Kind, began: SystemTime, entries: &[LedgerEntry]) {
    if !traces::is_on() {
        return;
    }
    for LedgerEntry { position, event, .. } in entries {
        let Some(parent) = event.sampled_traceparent() else { continue };
        let ended = Ended { name: name.to_owned(), kind, parent: Some(&parent), began, failed: false };
        let position = i64::try_from(position.0).unwrap_or(i64::MAX);
        let attributes = [
            ("colloquy.position", position.into()),
            ("colloquy.event", event.event_type.clone().into()),
            ("colloquy.batch", i64::try_from(entries.len()).unwrap_or(i64::MAX).into()),
        ];
        traces::record(ended, attributes);
    }
}
