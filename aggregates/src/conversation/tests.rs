//! Conversations in given/when/then: every command, every refusal, and the invariants of any
//! sequence of commands.

mod answers;
mod asking;
mod bounds;
mod guarding;
mod properties;
mod tidying;

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::test::TestFramework;
use uuid::Uuid;

use super::*;
use crate::{Comment, QuestionId, QuestionText, Tags, Title, Version};

const OWNER: UserId = UserId::new(Uuid::from_u128(7));
const STRANGER: UserId = UserId::new(Uuid::from_u128(8));

fn question(number: u128) -> QuestionId {
    QuestionId::new(Uuid::from_u128(100 + number))
}

fn answer(number: u128) -> AnswerId {
    AnswerId::new(Uuid::from_u128(200 + number))
}

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn command(by: Actor, intent: Intent) -> ConversationCommand {
    ConversationCommand { by, at: noon(), expected: None, intent }
}

/// A command of the owner.
fn owner(intent: Intent) -> ConversationCommand {
    command(Actor::User(OWNER), intent)
}

/// A command of the worker.
fn worker(intent: Intent) -> ConversationCommand {
    command(Actor::Worker, intent)
}

fn ask(number: u128, parent_id: Option<AnswerId>) -> Intent {
    Intent::Ask(AskQuestion {
        question_id: question(number),
        answer_id: answer(number),
        text: QuestionText::parse("Why?").unwrap(),
        parent_id,
        documents: Vec::new(),
        by_tags: None,
        model: None,
    })
}

fn regenerate(question_number: u128, answer_number: u128) -> Intent {
    Intent::Regenerate {
        question_id: question(question_number),
        answer_id: answer(answer_number),
        model: None,
    }
}

fn written() -> Answer {
    Answer { text: "Because.".into(), ..Answer::default() }
}

fn stop(number: u128) -> Intent {
    Intent::Stop { answer_id: answer(number), so_far: written() }
}

fn rate(number: u128, rating: Rating) -> Intent {
    Intent::Rate { answer_id: answer(number), rating, comment: None }
}

fn record_answer(number: u128) -> Intent {
    Intent::RecordAnswer(RecordAnswer {
        answer_id: answer(number),
        attempt: 1,
        provenance: Provenance::default(),
        usage: Usage { prompt_tokens: 9, completion_tokens: 3 },
        answer: written(),
    })
}

fn record_failure(number: u128) -> Intent {
    Intent::RecordFailure { answer_id: answer(number), attempt: 5, reason: FailureReason::ModelUnavailable }
}

fn record_spending_for(answer_id: AnswerId, purpose: SpendingPurpose, attempt: Option<u32>) -> Intent {
    let usage = Usage { prompt_tokens: 90, completion_tokens: 4 };
    Intent::RecordSpending(RecordSpending { answer_id, purpose, attempt, model: "Large".into(), usage })
}

fn started() -> Event {
    Event::ConversationStarted { owner: OWNER }
}

fn asked(number: u128, parent_id: Option<AnswerId>) -> Event {
    let private = Private::Open(Question {
        text: QuestionText::parse("Why?").unwrap(),
        documents: Vec::new(),
        by_tags: None,
    });
    Event::QuestionAsked { question_id: question(number), parent_id, private }
}

fn requested(question_number: u128, answer_number: u128) -> Event {
    Event::AnswerRequested {
        question_id: question(question_number),
        answer_id: answer(answer_number),
        model: None,
    }
}

fn completed(number: u128) -> Event {
    Event::AnswerCompleted {
        answer_id: answer(number),
        question_id: question(number),
        attempt: 1,
        provenance: Provenance::default(),
        usage: Usage { prompt_tokens: 9, completion_tokens: 3 },
        private: Private::Open(written()),
    }
}

fn stopped(number: u128) -> Event {
    Event::AnswerStopped {
        answer_id: answer(number),
        question_id: question(number),
        private: Private::Open(written()),
    }
}

fn failed(number: u128) -> Event {
    Event::AnswerFailed {
        answer_id: answer(number),
        question_id: question(number),
        attempt: 5,
        reason: FailureReason::ModelUnavailable,
    }
}

fn deleted() -> Event {
    Event::ConversationDeleted { at: noon() }
}

/// A question whose answer is requested.
fn one_question() -> Vec<Event> {
    vec![started(), asked(1, None), requested(1, 1)]
}

/// A question with a completed answer.
fn one_answer() -> Vec<Event> {
    [one_question(), vec![completed(1)]].concat()
}

/// Asserts that after a history a command leads to these events.
fn leads_to(history: &[Event], command: ConversationCommand, events: &[Event]) {
    TestFramework::<Conversation>::with(ConversationLimits::default())
        .given(history.to_vec())
        .when(command)
        .then_expect_events(events.to_vec());
}

/// Asserts that after a history a command changes nothing.
fn changes_nothing(history: &[Event], command: ConversationCommand) {
    leads_to(history, command, &[]);
}

/// Asserts that after a history a command is refused.
fn is_refused(history: &[Event], command: ConversationCommand, refusal: Refused) {
    TestFramework::<Conversation>::with(ConversationLimits::default())
        .given(history.to_vec())
        .when(command)
        .then_expect_error(refusal);
}

/// The state after a history.
fn after(history: &[Event]) -> Conversation {
    let mut conversation = Conversation::default();
    for event in history {
        conversation.record(event);
    }
    conversation
}
