//! Each requested answer ends once, and streams tell what is stored.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{Record, Violation};
use crate::failures::campaign::history::{Ending, Fact, StreamKind, Who};
use crate::failures::campaign::ledger::LedgerEvent;

/// Each requested answer ends exactly once, and none ends that was not requested.
pub(super) fn each_ends_once(ledger: &[LedgerEvent]) -> Vec<Violation> {
    let mut endings: HashMap<(Uuid, Uuid), (usize, usize)> = HashMap::new();
    for event in ledger.iter().filter(|event| event.aggregate == "conversation") {
        let Some(answer) = event.id("answer_id") else { continue };
        let (requested, ended) = endings.entry((event.aggregate_id, answer)).or_default();
        *requested += usize::from(event.kind == "AnswerRequested");
        *ended += usize::from(event.is_ending());
    }
    let wrong = endings.into_iter().filter(|(_, counts)| *counts != (1, 1));
    wrong
        .map(|((conversation, answer), (requested, ended))| {
            let what = format!("answer {answer} was requested {requested} times and ended {ended} times");
            Violation::of(what, &[&answer, &conversation])
        })
        .collect()
}

/// What streams told of questions and answers is what the ledger has, each told once to each stream that was
/// resumed throughout.
pub(super) fn streams_tell_what_is_stored(record: &Record) -> Vec<Violation> {
    let endings = record.ledger.iter().filter(|event| event.is_ending());
    let stored: HashMap<Uuid, &LedgerEvent> =
        endings.filter_map(|event| Some((event.id("answer_id")?, event))).collect();
    let mut violations = Vec::new();
    let mut told: HashMap<(Who, Uuid), usize> = HashMap::new();
    for fact in record.history.iter().map(|entry| &entry.fact) {
        match fact {
            Fact::Ended { who, stream, ending } => {
                violations.extend(differs(*who, ending, stored.get(&ending.answer).copied()));
                if *stream == StreamKind::Resumed {
                    *told.entry((*who, ending.answer)).or_default() += 1;
                }
            }
            Fact::Asked { who, question } => *told.entry((*who, *question)).or_default() += 1,
            _ => {}
        }
    }
    for ((who, id), times) in told.iter().filter(|(_, times)| **times > 1) {
        violations.push(Violation::of(format!("the stream of person {who} told {id} {times} times"), &[id]));
    }
    violations.extend(never_told(record, &told.into_keys().collect()));
    violations
}

/// How the end that a stream told differs from the stored one.
fn differs(who: Who, ending: &Ending, stored: Option<&LedgerEvent>) -> Option<Violation> {
    let Ending { answer, event, text, attempt, assembled } = ending;
    let violation = |what: String| Some(Violation::of(format!("person {who}, {event}: {what}"), &[answer]));
    let Some(stored) = stored else {
        return violation(format!("the ledger has no end of answer {answer}"));
    };
    let expected = match stored.kind.as_str() {
        "AnswerCompleted" => "answer.completed",
        "AnswerStopped" => "answer.stopped",
        _ => "answer.failed",
    };
    if event != expected {
        return violation(format!("answer {answer} is stored as {}", stored.kind));
    }
    // A failed answer has no text; that of an erased person is unreadable.
    let kept = stored.text("text")?;
    if text != kept {
        return violation(format!("answer {answer} is stored as {kept:?}, told as {text:?}"));
    }
    let is_prefix = match stored.kind.as_str() {
        // The deltas of another attempt than the recorded one are void.
        "AnswerCompleted" => {
            stored.payload["attempt"].as_u64() != Some(*attempt) || kept.starts_with(assembled.as_str())
        }
        // The text at the moment of the stop: a stream can be ahead of it or behind it.
        _ => kept.starts_with(assembled.as_str()) || assembled.starts_with(kept),
    };
    if is_prefix {
        return None;
    }
    violation(format!("answer {answer} is stored as {kept:?}; attempt {attempt} was told as {assembled:?}"))
}

/// Questions and ends of answers that the resumed stream of their owner did not tell.
fn never_told(record: &Record, told: &HashSet<(Who, Uuid)>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for event in &record.ledger {
        let Some(who) = record.people.iter().position(|person| *person == event.owner) else { continue };
        let id = if event.is_ending() {
            event.id("answer_id")
        } else if event.kind == "QuestionAsked" {
            event.id("question_id")
        } else {
            None
        };
        if let Some(id) = id.filter(|id| record.erased != Some(who) && !told.contains(&(who, *id))) {
            let what = format!("the stream of person {who} never told {} {id}", event.kind);
            violations.push(Violation::of(what, &[&id]));
        }
    }
    violations
}
