//! Positions and sequences. (The hash chain is verified by `colloquy audit verify`.)

use std::collections::HashMap;

use super::Violation;
use crate::failures::campaign::ledger::LedgerEvent;

/// Positions are 1, 2, 3, …, and so are the sequences of each aggregate, in the order of the positions.
pub(super) fn positions_and_sequences(ledger: &[LedgerEvent]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut sequences = HashMap::new();
    for (expected, event) in (1..).zip(ledger) {
        if event.position != expected {
            let what = format!("position {} stands where {expected} is due", event.position);
            violations.push(Violation::of(what, &[&event.aggregate_id]));
            break;
        }
    }
    for event in ledger {
        let last = sequences.entry((&event.aggregate, event.aggregate_id)).or_insert(0);
        if event.sequence != *last + 1 {
            let (id, position) = (event.aggregate_id, event.position);
            let what = format!("event {} of {id} follows {last} at position {position}", event.sequence);
            violations.push(Violation::of(what, &[&id]));
        }
        *last = event.sequence;
    }
    violations
}
