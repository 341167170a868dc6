//! A read by the caller of an accepted command shows its effect, or says honestly that it cannot.

use std::time::Duration;

use super::operations::operations;
use super::{Record, Violation};
use crate::failures::campaign::history::{Fact, Who};

/// Statuses that say nothing about the resource: the token was refused, a limit, unavailable.
const HONEST: [u16; 3] = [401, 429, 503];

/// Longest time from a request for an erasure to its answer. Meanwhile and afterwards, reads of the account
/// are refused, or show rows whose text is gone.
const ERASURE_REQUEST: Duration = Duration::from_secs(15);

pub(super) fn show_what_was_accepted(record: &Record) -> Vec<Violation> {
    let operations = operations(&record.history);
    let mut violations = Vec::new();
    for entry in &record.history {
        let Fact::ReadBack { op, path, status, shown: false } = &entry.fact else { continue };
        let Some(operation) = operations.get(op) else { continue };
        let is_leaving = leaves(record, operation.who).is_some_and(|at| at <= entry.at + ERASURE_REQUEST);
        if !HONEST.contains(status) && !is_leaving {
            let effect = operation.effect;
            let what = format!("{path} does not show operation {op}, {effect:?}: answered {status}");
            violations.push(Violation::of(what, &[&operation.target()]));
        }
    }
    violations
}

/// When the request for the erasure of a person's account was answered.
fn leaves(record: &Record, person: Who) -> Option<Duration> {
    let leaves = |fact: &Fact| matches!(fact, Fact::Leaves { who, .. } if *who == person);
    record.history.iter().find(|entry| leaves(&entry.fact)).map(|entry| entry.at)
}
