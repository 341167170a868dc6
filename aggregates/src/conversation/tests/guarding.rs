//! Permissions and expected versions.

use super::*;

/// One intent of each kind.
pub(super) fn every_intent() -> Vec<Intent> {
    vec![
        ask(2, None),
        regenerate(1, 2),
        stop(1),
        rate(1, Rating::Up),
        Intent::Rename(Title::parse("New").unwrap()),
        Intent::ProposeTitle(Title::parse("New").unwrap()),
        Intent::Pin,
        Intent::Unpin,
        Intent::Archive,
        Intent::Unarchive,
        Intent::Tag(Tags::default()),
        Intent::Delete,
        Intent::Restore,
        Intent::Erase,
        record_answer(1),
        record_failure(1),
    ]
}

#[test]
fn a_stranger_and_an_auditor_do_not_learn_that_a_conversation_exists() {
    for intent in every_intent() {
        for by in [Actor::User(STRANGER), Actor::Auditor(STRANGER), Actor::Auditor(OWNER)] {
            is_refused(&one_question(), command(by, intent.clone()), Refused::NotFound);
            let gone = [one_question(), vec![deleted()]].concat();
            is_refused(&gone, command(by, intent.clone()), Refused::NotFound);
        }
    }
}

#[test]
fn a_new_conversation_accepts_only_a_question_of_a_user() {
    for intent in every_intent() {
        if !matches!(intent, Intent::Ask(_)) {
            is_refused(&[], owner(intent.clone()), Refused::NotFound);
        }
        is_refused(&[], worker(intent), Refused::NotFound);
    }
}

#[test]
fn a_command_with_the_expected_version_is_accepted() {
    let pin = ConversationCommand { expected: Some(Version(4)), ..owner(Intent::Pin) };
    leads_to(&one_answer(), pin, &[Event::ConversationPinned]);
    let begin = ConversationCommand { expected: Some(Version(0)), ..owner(ask(1, None)) };
    leads_to(&[], begin, &one_question());
}

#[test]
fn a_command_with_another_expected_version_is_refused_with_the_current_one() {
    for expected in [Version(3), Version(5)] {
        let pin = ConversationCommand { expected: Some(expected), ..owner(Intent::Pin) };
        is_refused(&one_answer(), pin, Refused::VersionMismatch { current: Version(4) });
    }
}

#[test]
fn a_repeated_command_is_not_refused_for_its_expected_version() {
    let again = ConversationCommand { expected: Some(Version(0)), ..owner(ask(1, None)) };
    changes_nothing(&one_question(), again);
}

#[test]
fn every_refusal_is_a_statement() {
    let refusals = [
        Refused::NotFound,
        Refused::Deleted,
        Refused::RestoreTooLate,
        Refused::VersionMismatch { current: Version(4) },
        Refused::UnknownAnswer(answer(1)),
        Refused::UnknownQuestion(question(1)),
        Refused::UnknownParent(answer(1)),
        Refused::AnswerEnded(answer(1)),
        Refused::AnswerPending(answer(1)),
        Refused::AnswerIdTaken(answer(1)),
    ];
    for refusal in refusals {
        let message = refusal.to_string();
        assert!(message.starts_with(char::is_lowercase) && !message.ends_with('.'), "{message}");
    }
}
