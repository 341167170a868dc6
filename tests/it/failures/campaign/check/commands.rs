//! What commands were answered is true: each accepted one is in the ledger exactly once, a refused one is
//! not, and the ledger has nothing that no client asked for.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::operations::{Operation, Verdict, operations};
use super::{Record, Violation};
use crate::failures::campaign::history::{Effect, Op, Outcome};
use crate::failures::campaign::ledger::LedgerEvent;

/// What identifies the event of an operation: aggregate, type, and what only this operation says.
type Key = (Uuid, String, String);

/// How many operations with the same key took effect for certain, and how many perhaps.
#[derive(Debug, Default)]
struct Expected {
    done: usize,
    open: usize,
    operations: Vec<Op>,
}

pub(super) fn answers_are_true(record: &Record) -> Vec<Violation> {
    let operations = operations(&record.history);
    let mut violations = Vec::new();
    for (op, operation) in &operations {
        violations.extend(answered_in_words(*op, operation));
        violations.extend(answered_as_before(*op, operation));
    }
    violations.extend(events_stand_at_their_versions(record, &operations));
    violations.extend(events_are_those_asked_for(record, &operations));
    violations
}

/// No answer is an internal error, and none grants another person's resource.
fn answered_in_words(op: Op, operation: &Operation<'_>) -> Vec<Violation> {
    let describe = |outcome: &&Outcome| match outcome {
        Outcome::Broken { status, kind } => Some(format!("operation {op} was answered {status} {kind}")),
        Outcome::Accepted { .. } if operation.effect == &Effect::Trespass => {
            Some(format!("operation {op} on another person's resource was accepted"))
        }
        _ => None,
    };
    let told = operation.outcomes.iter().filter_map(describe);
    told.map(|what| Violation::of(what, &[&operation.aggregate])).collect()
}

/// A repeated command is answered as the first time.
fn answered_as_before(op: Op, operation: &Operation<'_>) -> Option<Violation> {
    let first = operation.accepted().next().filter(|_| operation.is_repeatable())?;
    let other = operation.accepted().find(|accepted| *accepted != first)?;
    let what = format!("operation {op} was answered {first:?} and then {other:?}");
    Some(Violation::of(what, &[&operation.aggregate]))
}

/// The events of an accepted command stand where its version says, and belong to no other command.
fn events_stand_at_their_versions(
    record: &Record,
    operations: &BTreeMap<Op, Operation<'_>>,
) -> Vec<Violation> {
    let stored: HashMap<(Uuid, u64), &str> = record
        .ledger
        .iter()
        .map(|event| ((event.aggregate_id, event.sequence), event.kind.as_str()))
        .collect();
    let mut owners: HashMap<(Uuid, u64), Op> = HashMap::new();
    let mut violations = Vec::new();
    for (op, operation) in operations {
        let Some((aggregate, version, events)) = operation.change() else { continue };
        let first = (version + 1).saturating_sub(events.len() as u64);
        for (sequence, kind) in (first..).zip(events) {
            let found = stored.get(&(aggregate, sequence)).copied();
            if found != Some(kind.as_str()) {
                let what = format!(
                    "operation {op} was told {kind} as event {sequence} of {aggregate}; the ledger has {found:?}"
                );
                violations.push(Violation::of(what, &[&aggregate]));
            }
            if let Some(other) = owners.insert((aggregate, sequence), *op) {
                let what = format!("operations {other} and {op} were told the same event {sequence}");
                violations.push(Violation::of(what, &[&aggregate]));
            }
        }
    }
    violations
}

/// For each thing that can be asked for, the ledger has as many events as were accepted, and at most those
/// with an open outcome besides.
fn events_are_those_asked_for(record: &Record, operations: &BTreeMap<Op, Operation<'_>>) -> Vec<Violation> {
    let expected = expected(record, operations);
    let mut found: HashMap<Key, usize> = HashMap::new();
    let (chosen, removed) = (chosen_answers(operations), removed_documents(record));
    for event in &record.ledger {
        if let Some(key) = key_of_event(record, &chosen, &removed, event) {
            *found.entry(key).or_default() += 1;
        }
    }
    let keys: HashSet<&Key> = expected.keys().chain(found.keys()).collect();
    let nothing = Expected::default();
    let mut violations = Vec::new();
    for key in keys {
        let Expected { done, open, operations } = expected.get(key).unwrap_or(&nothing);
        let count = found.get(key).copied().unwrap_or_default();
        if !(*done..=done + open).contains(&count) {
            let (aggregate, kind, detail) = key;
            let what = format!(
                "{kind} {detail} of {aggregate}: {count} in the ledger, {done} accepted, {open} with an unknown outcome, operations {operations:?}"
            );
            violations.push(Violation::of(what, &[aggregate, detail]));
        }
    }
    violations
}

fn expected(record: &Record, operations: &BTreeMap<Op, Operation<'_>>) -> HashMap<Key, Expected> {
    let mut expected: HashMap<Key, Expected> = HashMap::new();
    let removed = removed_documents(record);
    for (op, operation) in operations {
        let verdict = operation.verdict();
        let is_erased = record.erased == Some(operation.who) || removed.contains(&operation.target());
        for (kind, detail) in parts(operation.effect, is_erased) {
            let entry = expected.entry((operation.target(), kind.to_owned(), detail)).or_default();
            entry.operations.push(*op);
            match verdict {
                Verdict::Done => entry.done += 1,
                Verdict::Open => entry.open += 1,
                Verdict::NotDone => {}
            }
        }
    }
    expected
}

/// Documents whose key is destroyed, or is about to be, so that their titles cannot be compared.
fn removed_documents(record: &Record) -> HashSet<Uuid> {
    let removals = record.ledger.iter().filter(|event| event.kind == "DocumentRemoved");
    removals.map(|event| event.aggregate_id).collect()
}

/// Types and details of the events of an effect. Private details are unreadable after an erasure.
fn parts(effect: &Effect, is_erased: bool) -> Vec<(&'static str, String)> {
    let private = |text: &str| if is_erased { String::new() } else { text.to_owned() };
    match effect {
        Effect::Ask { question, text } => vec![
            ("QuestionAsked", format!("{question} {}", private(text))),
            ("AnswerRequested", question.to_string()),
        ],
        Effect::Regenerate { question, answer } => {
            vec![("AnswerRequested", format!("{question} {answer}"))]
        }
        // An erasure stops the pending answers of its person as well, in their name.
        Effect::Stop { .. } if is_erased => vec![],
        Effect::Stop { answer } => vec![("AnswerStopped", answer.to_string())],
        Effect::Rename { title } => vec![("ConversationRenamed", private(title))],
        Effect::Tag { tag } => vec![("ConversationTagged", private(tag))],
        Effect::Rate { answer, comment } => vec![("AnswerRated", format!("{answer} {}", private(comment)))],
        Effect::Plain(kind) => vec![(kind, String::new())],
        Effect::Upload { title } => vec![("DocumentAdded", private(title))],
        Effect::Trespass => vec![],
    }
}

/// Ids of answers that clients chose, by regenerating.
fn chosen_answers(operations: &BTreeMap<Op, Operation<'_>>) -> HashSet<Uuid> {
    let chosen = operations.values().filter_map(|operation| match operation.effect {
        Effect::Regenerate { answer, .. } => Some(*answer),
        _ => None,
    });
    chosen.collect()
}

/// The key of an event that a person's command caused.
fn key_of_event(
    record: &Record,
    chosen: &HashSet<Uuid>,
    removed: &HashSet<Uuid>,
    event: &LedgerEvent,
) -> Option<Key> {
    let is_content = ["conversation", "document"].contains(&event.aggregate.as_str());
    if !is_content || !event.is_by_a_user() || event.kind == "ConversationStarted" {
        return None;
    }
    let of_erased = record.erased.is_some_and(|who| record.people.get(who) == Some(&event.owner));
    let is_erased = of_erased || removed.contains(&event.aggregate_id);
    let text = |field| if is_erased { "" } else { event.text(field).unwrap_or_default() };
    let id = |field| event.id(field).unwrap_or_default();
    let detail = match event.kind.as_str() {
        "QuestionAsked" => format!("{} {}", id("question_id"), text("text")),
        "AnswerRequested" if chosen.contains(&id("answer_id")) => {
            format!("{} {}", id("question_id"), id("answer_id"))
        }
        "AnswerRequested" => id("question_id").to_string(),
        "AnswerStopped" if is_erased => return None,
        "AnswerStopped" => id("answer_id").to_string(),
        "AnswerRated" => format!("{} {}", id("answer_id"), text("comment")),
        "ConversationRenamed" | "DocumentAdded" => text("title").to_owned(),
        "ConversationTagged" if is_erased => String::new(),
        "ConversationTagged" => event.private.as_ref()?["tags"][0].as_str().unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    Some((event.aggregate_id, event.kind.clone(), detail))
}
