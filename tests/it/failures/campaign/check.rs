//! The checker: compares what clients were told with the ledger at the end. Pure, so that doctored histories
//! show that it can fail.

mod answers;
mod chain;
mod commands;
mod isolation;
mod operations;
mod reads;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::history::{Entry, Fact, Who};
use super::ledger::LedgerEvent;

/// A promise that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) what: String,
    /// Ids and words by which the history around it is found.
    pub(super) concerns: Vec<String>,
}

impl Violation {
    fn of(what: impl Into<String>, concerns: &[&dyn ToString]) -> Self {
        let concerns = concerns.iter().map(|concern| concern.to_string()).collect();
        Self { what: what.into(), concerns }
    }
}

/// All that is known at the end of a campaign.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    pub(super) history: Vec<Entry>,
    pub(super) ledger: Vec<LedgerEvent>,
    /// User ids by the number of the person.
    pub(super) people: Vec<Uuid>,
    /// The person who was erased.
    pub(super) erased: Option<Who>,
    /// Ids that responses to each person contained.
    pub(super) seen: HashMap<Who, HashSet<Uuid>>,
}

/// Everything that contradicts a promise of the product.
pub(super) fn violations(record: &Record) -> Vec<Violation> {
    let mut violations = observed(&record.history);
    violations.extend(chain::positions_and_sequences(&record.ledger));
    violations.extend(commands::answers_are_true(record));
    violations.extend(answers::each_ends_once(&record.ledger));
    violations.extend(answers::streams_tell_what_is_stored(record));
    violations.extend(reads::show_what_was_accepted(record));
    violations.extend(isolation::nobody_saw_others(record));
    violations
}

/// Facts that are violations by themselves.
fn observed(history: &[Entry]) -> Vec<Violation> {
    let facts = history.iter().map(|entry| &entry.fact);
    facts
        .filter_map(|fact| match fact {
            Fact::Broken(what) => Some(Violation::of(what.clone(), &[])),
            Fact::Read { who, path, status } => {
                Some(Violation::of(format!("person {who} was answered {status} at {path}"), &[path]))
            }
            Fact::Hole { who, answer, has, offset } => {
                let what = format!("person {who} has {has} bytes of {answer} and was told byte {offset}");
                Some(Violation::of(what, &[answer]))
            }
            Fact::Foreign { who, mark, path } => {
                Some(Violation::of(format!("person {who} read the word {mark} at {path}"), &[mark, path]))
            }
            _ => None,
        })
        .collect()
}
