//! Doctored histories: the checker finds each kind of broken promise, and nothing in a history that is right.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Record, violations};
use crate::failures::campaign::history::{Effect, Ending, Entry, Fact, Outcome, StreamKind};
use crate::failures::campaign::ledger::{Actor, LedgerEvent};

const ALICE: Uuid = Uuid::from_u128(1);
const BOB: Uuid = Uuid::from_u128(2);
const TALK: Uuid = Uuid::from_u128(10);
const QUESTION: Uuid = Uuid::from_u128(11);
const ANSWER: Uuid = Uuid::from_u128(12);
const ASKED: [&str; 3] = ["ConversationStarted", "QuestionAsked", "AnswerRequested"];

fn event(position: u64, kind: &str, by: &str, payload: Value, private: Option<Value>) -> LedgerEvent {
    LedgerEvent {
        position,
        aggregate: "conversation".to_owned(),
        aggregate_id: TALK,
        sequence: position,
        kind: kind.to_owned(),
        owner: ALICE,
        actor: Actor { kind: by.to_owned(), id: Some(ALICE.to_string()) },
        payload,
        private,
        erased: false,
    }
}

fn accepted(version: u64, events: &[&str]) -> Outcome {
    let events = events.iter().map(|kind| (*kind).to_owned()).collect();
    Outcome::Accepted { aggregate: TALK, version, events }
}

fn nothing() -> Outcome {
    Outcome::Nothing { kind: "unavailable".to_owned() }
}

fn unknown() -> Outcome {
    Outcome::Unknown { kind: "outcome-unknown".to_owned() }
}

fn ending(text: &str, assembled: &str) -> Fact {
    let ending = Ending {
        answer: ANSWER,
        event: "answer.completed".to_owned(),
        text: text.to_owned(),
        attempt: 1,
        assembled: assembled.to_owned(),
    };
    Fact::Ended { who: 0, stream: StreamKind::Resumed, ending }
}

fn sent(op: u64, effect: Effect) -> Fact {
    Fact::Sent { op, who: 0, aggregate: TALK, effect }
}

fn rename(op: u64, title: &str) -> Fact {
    sent(op, Effect::Rename { title: title.to_owned() })
}

/// A question, its answer, and a new title: all as promised.
fn right() -> Record {
    let ids = json!({"question_id": QUESTION, "answer_id": ANSWER});
    let done = json!({"question_id": QUESTION, "answer_id": ANSWER, "attempt": 1});
    let ledger = vec![
        event(1, "ConversationStarted", "user", json!({"owner": ALICE}), None),
        event(2, "QuestionAsked", "user", ids.clone(), Some(json!({"text": "why?"}))),
        event(3, "AnswerRequested", "user", ids, None),
        event(4, "AnswerCompleted", "worker", done, Some(json!({"text": "It is so."}))),
        event(5, "ConversationRenamed", "user", json!({"by": "user"}), Some(json!({"title": "So"}))),
    ];
    let ask = Effect::Ask { question: QUESTION, text: "why?".to_owned() };
    let facts = [
        sent(1, ask),
        Fact::Answered { op: 1, outcome: unknown() },
        Fact::Answered { op: 1, outcome: accepted(3, &ASKED) },
        Fact::Asked { who: 0, question: QUESTION },
        ending("It is so.", "It is"),
        rename(2, "So"),
        Fact::Answered { op: 2, outcome: accepted(5, &["ConversationRenamed"]) },
        Fact::ReadBack { op: 2, path: "/one".to_owned(), status: 200, shown: true },
        Fact::ReadBack { op: 2, path: "/one".to_owned(), status: 503, shown: false },
        rename(3, "Refused"),
        Fact::Answered { op: 3, outcome: nothing() },
    ];
    let history = facts.map(|fact| Entry { at: Duration::ZERO, fact }).to_vec();
    let seen = [(0, [TALK, QUESTION, ANSWER].into())].into();
    Record { history, ledger, people: vec![ALICE, BOB], erased: None, seen }
}

/// Violations that the checker finds in a record.
#[track_caller]
fn finds(record: &Record, what: &str) {
    let found = violations(record);
    assert!(found.iter().any(|violation| violation.what.contains(what)), "{what}: {found:#?}");
}

fn add(record: &mut Record, fact: Fact) {
    record.history.push(Entry { at: Duration::from_secs(1), fact });
}

#[test]
fn a_history_that_is_right_has_no_violation() {
    assert_eq!(violations(&right()), []);
}

#[test]
fn a_lost_202_is_found() {
    let mut record = right();
    record.ledger.pop();
    finds(&record, "was told ConversationRenamed as event 5");
    finds(
        &record,
        "ConversationRenamed So of 00000000-0000-0000-0000-00000000000a: 0 in the ledger, 1 accepted",
    );
}

#[test]
fn a_command_that_took_effect_twice_is_found() {
    let mut record = right();
    let again = LedgerEvent { position: 6, sequence: 6, ..record.ledger[4].clone() };
    record.ledger.push(again);
    finds(&record, "2 in the ledger, 1 accepted");
}

#[test]
fn an_effect_of_a_refused_command_is_found() {
    let mut record = right();
    let private = Some(json!({"title": "Refused"}));
    record.ledger.push(event(6, "ConversationRenamed", "user", json!({}), private));
    finds(
        &record,
        "ConversationRenamed Refused of 00000000-0000-0000-0000-00000000000a: 1 in the ledger, 0 accepted",
    );
}

#[test]
fn a_command_with_an_unknown_outcome_may_have_an_effect_or_none_but_not_two() {
    let mut record = right();
    add(&mut record, rename(4, "Maybe"));
    add(&mut record, Fact::Answered { op: 4, outcome: unknown() });
    assert_eq!(violations(&record), []);
    for position in [6, 7] {
        let private = Some(json!({"title": "Maybe"}));
        record.ledger.push(event(position, "ConversationRenamed", "user", json!({}), private));
        let found = violations(&record);
        assert_eq!(found.is_empty(), position == 6, "{found:#?}");
    }
}

#[test]
fn a_repetition_that_is_answered_differently_is_found() {
    let mut record = right();
    add(&mut record, Fact::Answered { op: 1, outcome: accepted(5, &ASKED) });
    finds(&record, "and then");
}

#[test]
fn two_commands_that_were_told_the_same_event_are_found() {
    let mut record = right();
    add(&mut record, rename(4, "So"));
    add(&mut record, Fact::Answered { op: 4, outcome: accepted(5, &["ConversationRenamed"]) });
    finds(&record, "operations 2 and 4 were told the same event 5");
}

#[test]
fn an_answer_that_ended_twice_or_never_is_found() {
    let mut record = right();
    let again = LedgerEvent { position: 6, sequence: 6, ..record.ledger[3].clone() };
    record.ledger.push(again);
    finds(&record, "requested 1 times and ended 2 times");
    let mut record = right();
    record.ledger.remove(3);
    finds(&record, "requested 1 times and ended 0 times");
}

#[test]
fn a_gap_in_the_positions_or_sequences_is_found() {
    let mut record = right();
    record.ledger[4].position = 7;
    finds(&record, "position 7 stands where 5 is due");
    let mut record = right();
    record.ledger[4].sequence = 6;
    finds(&record, "event 6 of 00000000-0000-0000-0000-00000000000a follows 4");
}

#[test]
fn a_streamed_text_that_is_no_prefix_of_the_stored_one_is_found() {
    let mut record = right();
    record.history[4].fact = ending("It is so.", "It was");
    finds(&record, "was told as \"It was\"");
    record.history[4].fact = ending("It is not.", "It is");
    finds(&record, "told as \"It is not.\"");
    record.history[4].fact = Fact::Hole { who: 0, answer: ANSWER, has: 2, offset: 5 };
    finds(&record, "has 2 bytes");
}

#[test]
fn an_ending_that_a_stream_tells_twice_or_never_is_found() {
    let mut record = right();
    add(&mut record, ending("It is so.", ""));
    finds(&record, "told 00000000-0000-0000-0000-00000000000c 2 times");
    let mut record = right();
    record.history.remove(4);
    finds(&record, "never told AnswerCompleted");
}

#[test]
fn a_read_that_does_not_show_an_accepted_command_is_found() {
    for status in [200, 404] {
        let mut record = right();
        add(&mut record, Fact::ReadBack { op: 2, path: "/one".to_owned(), status, shown: false });
        finds(&record, "/one does not show operation 2");
    }
}

#[test]
fn a_read_beside_or_after_an_erasure_need_not_show_the_text_and_one_long_before_has_to() {
    let unread = Fact::ReadBack { op: 2, path: "/one".to_owned(), status: 200, shown: false };
    let leaves = Fact::Leaves { who: 0, receipt: None };
    for (minutes, is_found) in [(0, false), (1, true)] {
        let mut record = right();
        add(&mut record, unread.clone());
        let at = Duration::from_secs(2) + Duration::from_mins(minutes);
        record.history.push(Entry { at, fact: leaves.clone() });
        let found = violations(&record);
        assert_eq!(
            found.iter().any(|violation| violation.what.contains("does not show")),
            is_found,
            "{found:#?}"
        );
    }
}

#[test]
fn a_word_or_an_id_of_another_person_is_found() {
    let mut record = right();
    let mark = "qx00n000001".to_owned();
    add(&mut record, Fact::Foreign { who: 1, mark, path: "/v1/search".to_owned() });
    finds(&record, "person 1 read the word qx00n000001");
    let mut record = right();
    record.seen.insert(1, [QUESTION].into());
    finds(&record, "person 1 was shown the id 00000000-0000-0000-0000-00000000000b");
}

#[test]
fn an_act_in_another_persons_conversation_is_found() {
    let mut record = right();
    record.ledger[4].actor.id = Some(BOB.to_string());
    finds(&record, "not by its owner");
    let mut record = right();
    add(&mut record, Fact::Sent { op: 4, who: 1, aggregate: TALK, effect: Effect::Trespass });
    add(&mut record, Fact::Answered { op: 4, outcome: accepted(5, &[]) });
    finds(&record, "on another person's resource was accepted");
}

#[test]
fn an_internal_error_and_a_condition_that_never_came_true_are_found() {
    let mut record = right();
    add(&mut record, rename(4, "Later"));
    let broken = Outcome::Broken { status: 500, kind: "internal".to_owned() };
    add(&mut record, Fact::Answered { op: 4, outcome: broken });
    finds(&record, "operation 4 was answered 500 internal");
    add(&mut record, Fact::Broken("no answer ended".to_owned()));
    finds(&record, "no answer ended");
}

/// A document that was uploaded and removed: its key is destroyed, and nobody can read its title any more.
#[test]
fn an_upload_of_a_removed_document_counts_without_its_title() {
    let document = Uuid::from_u128(20);
    let stored = |position, sequence, kind| LedgerEvent {
        aggregate: "document".to_owned(),
        aggregate_id: document,
        sequence,
        ..event(position, kind, "user", json!({}), None)
    };
    let told = |op, version, kind: &str| Fact::Answered {
        op,
        outcome: Outcome::Accepted { aggregate: document, version, events: vec![kind.to_owned()] },
    };
    let sent = |op, effect| Fact::Sent { op, who: 0, aggregate: document, effect };
    let mut record = right();
    record.seen.insert(0, [TALK, QUESTION, ANSWER, document].into());
    record.ledger.extend([stored(6, 1, "DocumentAdded"), stored(7, 2, "DocumentRemoved")]);
    add(&mut record, sent(4, Effect::Upload { title: "Gone".to_owned() }));
    add(&mut record, told(4, 1, "DocumentAdded"));
    add(&mut record, sent(5, Effect::Plain("DocumentRemoved")));
    add(&mut record, told(5, 2, "DocumentRemoved"));
    assert_eq!(violations(&record), []);
    add(&mut record, sent(6, Effect::Upload { title: "Lost".to_owned() }));
    add(&mut record, told(6, 3, "DocumentAdded"));
    finds(&record, "1 in the ledger, 2 accepted");
}
