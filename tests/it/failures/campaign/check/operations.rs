//! The operations of a history: what each asked for, and all answers to its attempts.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::failures::campaign::history::{Effect, Entry, Fact, Op, Outcome, Who};

/// An operation with the answers to its attempts.
#[derive(Debug)]
pub(super) struct Operation<'a> {
    pub(super) who: Who,
    pub(super) aggregate: Uuid,
    pub(super) effect: &'a Effect,
    pub(super) outcomes: Vec<&'a Outcome>,
}

/// Conclusion from all answers about the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The operation took effect.
    Done,
    /// The operation has no effect.
    NotDone,
    /// It may have an effect.
    Open,
}

impl<'a> Operation<'a> {
    /// The answers that accepted it: aggregate, version and types of the events.
    pub(super) fn accepted(&self) -> impl Iterator<Item = (Uuid, u64, &'a [String])> {
        self.outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Accepted { aggregate, version, events } => {
                Some((*aggregate, *version, events.as_slice()))
            }
            _ => None,
        })
    }

    /// The first answer that accepted it and named events, else the first that accepted it.
    pub(super) fn change(&self) -> Option<(Uuid, u64, &'a [String])> {
        self.accepted().find(|(_, _, events)| !events.is_empty()).or_else(|| self.accepted().next())
    }

    /// Whether a repetition is answered as the first time: it has ids of its own, or a key.
    pub(super) fn is_repeatable(&self) -> bool {
        !matches!(self.effect, Effect::Upload { .. } | Effect::Plain("DocumentRemoved"))
    }

    /// The aggregate that the service named, else the one that the client named.
    pub(super) fn target(&self) -> Uuid {
        self.change().map_or(self.aggregate, |(aggregate, _, _)| aggregate)
    }

    pub(super) fn verdict(&self) -> Verdict {
        // A command that changes nothing, any more, is accepted without events.
        if self.change().is_some_and(|(_, _, events)| !events.is_empty()) {
            return Verdict::Done;
        }
        let is_open = |outcome: &&Outcome| matches!(outcome, Outcome::Unknown { .. });
        // Without any answer, the client ended before it was told.
        if self.outcomes.is_empty() || self.outcomes.iter().any(is_open) {
            return Verdict::Open;
        }
        Verdict::NotDone
    }
}

/// All operations by number.
pub(super) fn operations(history: &[Entry]) -> BTreeMap<Op, Operation<'_>> {
    let mut operations = BTreeMap::new();
    for Entry { fact, .. } in history {
        match fact {
            Fact::Sent { op, who, aggregate, effect } => {
                let operation = Operation { who: *who, aggregate: *aggregate, effect, outcomes: Vec::new() };
                operations.insert(*op, operation);
            }
            Fact::Answered { op, outcome } => {
                if let Some(operation) = operations.get_mut(op) {
                    operation.outcomes.push(outcome);
                }
            }
            _ => {}
        }
    }
    operations
}
