//! The ends of answers, and their ratings.

use super::*;

#[test]
fn the_workers_answer_is_recorded() {
    leads_to(&one_question(), worker(record_answer(1)), &[completed(1)]);
}

#[test]
fn a_failure_is_recorded() {
    leads_to(&one_question(), worker(record_failure(1)), &[failed(1)]);
}

#[test]
fn a_stopped_answer_keeps_the_text_that_was_written() {
    leads_to(&one_question(), owner(stop(1)), &[stopped(1)]);
}

#[test]
fn a_second_end_of_an_answer_changes_nothing() {
    for end in [completed(1), stopped(1), failed(1)] {
        let history = [one_question(), vec![end]].concat();
        changes_nothing(&history, worker(record_answer(1)));
        changes_nothing(&history, worker(record_failure(1)));
    }
}

#[test]
fn a_completed_or_failed_answer_cannot_be_stopped() {
    for end in [completed(1), failed(1)] {
        let history = [one_question(), vec![end]].concat();
        is_refused(&history, owner(stop(1)), Refused::AnswerEnded(answer(1)));
    }
}

#[test]
fn a_repeated_stop_changes_nothing_and_gives_the_first_receipt() {
    let history = [one_question(), vec![stopped(1)]].concat();
    changes_nothing(&history, owner(stop(1)));
    let later = [history, vec![Event::ConversationPinned]].concat();
    let first = Receipt { version: Version(4), events: vec!["AnswerStopped"] };
    assert_eq!(after(&later).receipt(&stop(1)), first);
}

#[test]
fn a_command_about_an_unknown_answer_is_refused() {
    let unknown = || Refused::UnknownAnswer(answer(9));
    is_refused(&one_question(), worker(record_answer(9)), unknown());
    is_refused(&one_question(), worker(record_failure(9)), unknown());
    is_refused(&one_question(), owner(stop(9)), unknown());
    is_refused(&one_question(), owner(rate(9, Rating::Up)), unknown());
}

#[test]
fn spent_tokens_are_recorded_in_any_order_also_after_the_answer_and_the_conversation_have_ended() {
    let usage = Usage { prompt_tokens: 90, completion_tokens: 4 };
    let spend = |purpose, attempt| worker(record_spending_for(answer(1), purpose, attempt));
    let counted_by = |purpose, attempt| Event::TokensSpent {
        answer_id: answer(1),
        purpose,
        attempt,
        model: "Large".into(),
        usage,
    };
    let second = counted_by(SpendingPurpose::Attempt, Some(2));
    leads_to(&one_question(), spend(SpendingPurpose::Attempt, Some(2)), std::slice::from_ref(&second));
    let counted = [one_question(), vec![second, stopped(1)]].concat();
    let first = counted_by(SpendingPurpose::Attempt, Some(1));
    leads_to(&counted, spend(SpendingPurpose::Attempt, Some(1)), std::slice::from_ref(&first));
    let erased = [counted, vec![deleted(), Event::ConversationErased]].concat();
    leads_to(&erased, spend(SpendingPurpose::Attempt, Some(1)), &[first]);
    let unknown = record_spending_for(answer(9), SpendingPurpose::Title, None);
    is_refused(&one_question(), worker(unknown), Refused::UnknownAnswer(answer(9)));
}

fn rated(rating: Rating, comment: Option<Comment>) -> Event {
    let private = Private::Open(RatingComment { comment });
    Event::AnswerRated { answer_id: answer(1), rating, private }
}

#[test]
fn a_rating_can_be_changed_and_withdrawn() {
    leads_to(&one_answer(), owner(rate(1, Rating::Up)), &[rated(Rating::Up, None)]);
    let history = [one_answer(), vec![rated(Rating::Up, None)]].concat();
    changes_nothing(&history, owner(rate(1, Rating::Up)));
    leads_to(&history, owner(rate(1, Rating::Down)), &[rated(Rating::Down, None)]);
    leads_to(&history, owner(rate(1, Rating::None)), &[rated(Rating::None, None)]);
    changes_nothing(&one_answer(), owner(rate(1, Rating::None)));
}

#[test]
fn a_stopped_and_a_failed_answer_can_be_rated_too() {
    for end in [stopped(1), failed(1)] {
        let history = [one_question(), vec![end]].concat();
        leads_to(&history, owner(rate(1, Rating::Down)), &[rated(Rating::Down, None)]);
    }
}

#[test]
fn a_comment_is_recorded_even_if_the_rating_stays_the_same() {
    let comment = Some(Comment::parse("Well put").unwrap());
    let history = [one_answer(), vec![rated(Rating::Up, None)]].concat();
    let rate = Intent::Rate { answer_id: answer(1), rating: Rating::Up, comment: comment.clone() };
    leads_to(&history, owner(rate), &[rated(Rating::Up, comment)]);
}

#[test]
fn an_answer_that_has_not_ended_cannot_be_rated() {
    is_refused(&one_question(), owner(rate(1, Rating::Up)), Refused::AnswerPending(answer(1)));
}

#[test]
fn the_end_of_an_answer_shows_in_its_state() {
    for (end, status) in [
        (completed(1), AnswerStatus::Completed),
        (stopped(1), AnswerStatus::Stopped),
        (failed(1), AnswerStatus::Failed),
    ] {
        let conversation = after(&[one_question(), vec![end]].concat());
        let known = conversation.answer(answer(1)).unwrap();
        assert_eq!((known.status, known.requested_at, known.changed_at), (status, Version(3), Version(4)));
        assert!(status.has_ended());
    }
    assert!(!AnswerStatus::Requested.has_ended());
}

#[test]
fn a_message_status_names_the_event_that_led_to_it() {
    let statuses = [
        (MessageStatus::Asked, asked(1, None)),
        (AnswerStatus::Requested.into(), requested(1, 1)),
        (AnswerStatus::Completed.into(), completed(1)),
        (AnswerStatus::Stopped.into(), stopped(1)),
        (AnswerStatus::Failed.into(), failed(1)),
    ];
    assert_eq!(statuses.len(), MessageStatus::ALL.len());
    for (status, event) in statuses {
        assert_eq!(status.event_type(), event.name());
        let is_question = matches!(event, Event::QuestionAsked { .. });
        assert_eq!(status.role() == MessageRole::User, is_question);
        assert_eq!(MessageStatus::from(status.shown()) == status, !is_question);
    }
}
