//! Questions, branches, and further answers to a question.

use super::*;
use crate::ModelName;

#[test]
fn the_first_question_starts_the_conversation() {
    leads_to(&[], owner(ask(1, None)), &[started(), asked(1, None), requested(1, 1)]);
}

#[test]
fn a_question_follows_the_newest_answer() {
    leads_to(&one_answer(), owner(ask(2, None)), &[asked(2, Some(answer(1))), requested(2, 2)]);
}

#[test]
fn the_newest_answer_is_the_last_requested_one_even_before_it_ends() {
    let history = [one_answer(), vec![requested(1, 5)]].concat();
    leads_to(&history, owner(ask(2, None)), &[asked(2, Some(answer(5))), requested(2, 2)]);
}

#[test]
fn a_question_after_an_older_answer_starts_a_branch() {
    let history = [one_answer(), vec![asked(2, Some(answer(1))), requested(2, 2), completed(2)]].concat();
    leads_to(&history, owner(ask(3, Some(answer(1)))), &[asked(3, Some(answer(1))), requested(3, 3)]);
}

#[test]
fn a_message_has_a_bounded_number_of_siblings() {
    // Numbers whose questions and answers have different ids.
    let others = || (2..=MAX_SIBLINGS as u128).map(|number| number * 1_000);
    let answers = others().map(|number| requested(1, number)).collect();
    let history = [one_answer(), answers].concat();
    let regenerate = Intent::Regenerate { question_id: question(1), answer_id: answer(1_000), model: None };
    is_refused(&history, owner(regenerate), Refused::TooManySiblings);

    let questions = others()
        .chain([500_000])
        .flat_map(|number| [asked(number, Some(answer(1))), requested(number, number)])
        .collect();
    let history = [one_answer(), questions].concat();
    is_refused(&history, owner(ask(1_000, Some(answer(1)))), Refused::TooManySiblings);
    let next = [asked(1_000, Some(answer(500_000))), requested(1_000, 1_000)];
    leads_to(&history, owner(ask(1_000, None)), &next);
}

#[test]
fn a_question_cannot_follow_an_unknown_answer() {
    is_refused(&[], owner(ask(1, Some(answer(9)))), Refused::UnknownParent(answer(9)));
    is_refused(&one_answer(), owner(ask(2, Some(answer(9)))), Refused::UnknownParent(answer(9)));
}

#[test]
fn a_repeated_question_changes_nothing_and_gives_the_first_receipt() {
    changes_nothing(&one_answer(), owner(ask(1, None)));
    let begun = Receipt {
        version: Version(3),
        events: vec!["ConversationStarted", "QuestionAsked", "AnswerRequested"],
    };
    assert_eq!(after(&one_question()).receipt(&ask(1, None)), begun);
    assert_eq!(after(&one_answer()).receipt(&ask(1, None)), begun);
    let history = [one_answer(), vec![asked(2, Some(answer(1))), requested(2, 2), completed(2)]].concat();
    let went_on = Receipt { version: Version(6), events: vec!["QuestionAsked", "AnswerRequested"] };
    assert_eq!(after(&history).receipt(&ask(2, None)), went_on);
}

#[test]
fn an_id_belongs_to_one_message_only() {
    let with_ids = |question_id, answer_id| {
        let text = QuestionText::parse("Why?").unwrap();
        owner(Intent::Ask(AskQuestion {
            question_id,
            answer_id,
            text,
            parent_id: None,
            documents: Vec::new(),
            by_tags: None,
            model: None,
        }))
    };
    let as_question = |id: AnswerId| QuestionId::new(id.uuid());
    let as_answer = |id: QuestionId| AnswerId::new(id.uuid());
    is_refused(&one_answer(), with_ids(question(2), answer(1)), Refused::AnswerIdTaken(answer(1)));
    is_refused(
        &one_answer(),
        with_ids(question(2), as_answer(question(1))),
        Refused::AnswerIdTaken(as_answer(question(1))),
    );
    is_refused(&one_answer(), with_ids(as_question(answer(1)), answer(2)), Refused::AnswerIdTaken(answer(1)));
    is_refused(&[], with_ids(as_question(answer(2)), answer(2)), Refused::AnswerIdTaken(answer(2)));
    let itself =
        Intent::Regenerate { question_id: question(1), answer_id: as_answer(question(1)), model: None };
    is_refused(&one_answer(), owner(itself), Refused::AnswerIdTaken(as_answer(question(1))));
}

#[test]
fn a_further_answer_to_a_question_is_requested_once() {
    leads_to(&one_answer(), owner(regenerate(1, 2)), &[requested(1, 2)]);
    let history = [one_answer(), vec![requested(1, 2)]].concat();
    changes_nothing(&history, owner(regenerate(1, 2)));
    let first = Receipt { version: Version(5), events: vec!["AnswerRequested"] };
    assert_eq!(after(&history).receipt(&regenerate(1, 2)), first);
    let later = [history, vec![completed(1)]].concat();
    assert_eq!(after(&later).receipt(&regenerate(1, 2)), first);
}

#[test]
fn a_further_answer_needs_a_known_question_and_a_free_id() {
    is_refused(&one_answer(), owner(regenerate(9, 2)), Refused::UnknownQuestion(question(9)));
    let history = [one_answer(), vec![asked(2, Some(answer(1))), requested(2, 2)]].concat();
    is_refused(&history, owner(regenerate(2, 1)), Refused::AnswerIdTaken(answer(1)));
}

#[test]
fn siblings_are_in_the_order_of_their_events() {
    let history = [
        one_answer(),
        vec![requested(1, 5), requested(1, 4)],
        vec![asked(3, Some(answer(1))), requested(3, 3), asked(2, Some(answer(1))), requested(2, 2)],
    ]
    .concat();
    let conversation = after(&history);
    assert_eq!(conversation.answers_to(question(1)), [answer(1), answer(5), answer(4)]);
    assert_eq!(conversation.questions_beside(question(2)), [question(3), question(2)]);
    assert_eq!(conversation.questions_beside(question(9)), [question(9)]);
}

#[test]
fn the_model_of_a_question_answers_the_later_ones_and_that_of_a_further_answer_only_this_one() {
    let named = |name: &str| Some(ModelName::try_from(name.to_owned()).unwrap());
    let with_model = |number, model| {
        let Intent::Ask(asked) = ask(number, None) else { panic!() };
        owner(Intent::Ask(AskQuestion { model, ..asked }))
    };
    let mut conversation = Conversation::default();
    let mut chosen = |command| {
        let events = conversation.decide(command, ConversationLimits::default()).unwrap();
        for event in &events {
            conversation.record(event);
        }
        events.into_iter().find_map(|event| match event {
            Event::AnswerRequested { model, .. } => Some(model),
            _ => None,
        })
    };
    assert_eq!(chosen(with_model(1, None)), Some(None));
    assert_eq!(chosen(with_model(2, named("large"))), Some(named("large")));
    let again = Intent::Regenerate { question_id: question(1), answer_id: answer(90), model: named("small") };
    assert_eq!(chosen(owner(again)), Some(named("small")));
    assert_eq!(chosen(with_model(3, None)), Some(named("large")));
}
