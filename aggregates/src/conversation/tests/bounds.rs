//! The bounds of a conversation, and the branch that leads to a question.

use super::*;

const LIMITS: ConversationLimits = ConversationLimits { messages: 4 };

/// The decision on a command with few messages.
fn decided(history: &[Event], command: ConversationCommand) -> Result<usize, Refused> {
    after(history).decide(command, LIMITS).map(|events| events.len())
}

fn two_questions() -> Vec<Event> {
    [one_answer(), vec![asked(2, Some(answer(1))), requested(2, 2)]].concat()
}

#[test]
fn a_full_conversation_refuses_further_questions_and_answers() {
    let full = Err(Refused::TooManyMessages { limit: 4 });
    assert_eq!(decided(&one_answer(), owner(ask(2, None))), Ok(2));
    assert_eq!(decided(&two_questions(), owner(ask(3, None))), full);
    assert_eq!(decided(&two_questions(), owner(regenerate(1, 9))), full);
    let three_messages = [one_answer(), vec![requested(1, 5)]].concat();
    assert_eq!(decided(&three_messages, owner(ask(2, None))), full);
    assert_eq!(decided(&three_messages, owner(regenerate(1, 9))), Ok(1));
}

#[test]
fn the_answers_of_a_full_conversation_end_and_repetitions_are_accepted() {
    for intent in [record_answer(2), record_failure(2)] {
        assert_eq!(decided(&two_questions(), worker(intent)), Ok(1));
    }
    assert_eq!(decided(&two_questions(), owner(stop(2))), Ok(1));
    assert_eq!(decided(&two_questions(), owner(ask(2, None))), Ok(0));
}

#[test]
fn a_conversation_that_was_changed_too_often_can_only_be_deleted() {
    let pins = [Event::ConversationPinned, Event::ConversationUnpinned].into_iter().cycle();
    let mut history = one_question();
    history.extend(pins.take(40));
    let worn = Err(Refused::TooManyChanges { limit: 40 });
    for intent in [Intent::Archive, Intent::Tag(Tags::default()), ask(2, None), regenerate(1, 2)] {
        assert_eq!(decided(&history, owner(intent)), worn);
    }
    assert_eq!(after(&history).version(), Version(43));
    assert_eq!(LIMITS.check_changes(&after(&history)), Err(Refused::TooManyChanges { limit: 40 }));
    assert_eq!(decided(&history, owner(stop(1))), Ok(1));
    let suggested = || owner(record_spending_for(answer(1), SpendingPurpose::Suggestions, None));
    assert_eq!(decided(&history, suggested()), Ok(1), "what was spent is recorded");
    assert_eq!(decided(&history, owner(Intent::Delete)), Ok(1));
    history.push(deleted());
    assert_eq!(decided(&history, owner(Intent::Restore)), Ok(1));
    let restored = [deleted(), Event::ConversationRestored].into_iter().cycle();
    history.extend(restored.skip(1).take(40));
    assert_eq!(decided(&history, owner(Intent::Restore)), worn);
    assert_eq!(decided(&history, suggested()), worn);
    let attempt = record_spending_for(answer(1), SpendingPurpose::Attempt, Some(2));
    assert_eq!(decided(&history, worker(attempt)), Ok(1));
}

#[test]
fn the_branch_names_the_events_of_its_texts_newest_first_and_none_of_another() {
    let turn = |question, answer| TurnEvents { question: Version(question), answer: Version(answer) };
    let history = [
        one_answer(),
        vec![asked(2, Some(answer(1))), requested(2, 2), completed(2)],
        vec![asked(3, Some(answer(1))), requested(3, 3), stopped(3)],
        vec![asked(4, Some(answer(3))), requested(4, 4)],
    ];
    let conversation = after(&history.concat());
    assert_eq!(conversation.asked_by(question(4)), Some(Version(11)));
    let turns: Vec<_> = conversation.turns_before(question(4)).collect();
    assert_eq!(turns, [turn(8, 10), turn(2, 4)]);
    assert_eq!(conversation.turns_before(question(1)).count(), 0);
}

#[test]
fn a_question_without_an_answer_text_is_left_out_of_the_branch() {
    let history = [one_answer(), vec![asked(2, Some(answer(1))), requested(2, 2), failed(2)]].concat();
    let history = [history, vec![asked(3, Some(answer(2))), requested(3, 3)]].concat();
    let turns: Vec<_> = after(&history).turns_before(question(3)).map(|turn| turn.answer).collect();
    assert_eq!(turns, [Version(4)]);
}
