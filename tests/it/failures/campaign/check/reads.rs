//! A read by the caller of an accepted command shows its effect, or says honestly that it cannot.

use super::operations::operations;
use super::{Record, Violation};
use crate::failures::campaign::history::Fact;

/// Statuses that say nothing about the resource: the token was refused, a limit, unavailable.
const HONEST: [u16; 3] = [401, 429, 503];

pub(super) fn show_what_was_accepted(record: &Record) -> Vec<Violation> {
    let operations = operations(&record.history);
    let mut violations = Vec::new();
    for fact in record.history.iter().map(|entry| &entry.fact) {
        let Fact::ReadBack { op, path, status, shown: false } = fact else { continue };
        let Some(operation) = operations.get(op) else { continue };
        // The account may be in erasure by now.
        let is_leaving = record.erased == Some(operation.who) && *status == 403;
        if !HONEST.contains(status) && !is_leaving {
            let effect = operation.effect;
            let what = format!("{path} does not show operation {op}, {effect:?}: answered {status}");
            violations.push(Violation::of(what, &[&operation.target()]));
        }
    }
    violations
}
