//! How answers end, and what their owner thinks of them.

use super::*;

#[test]
fn the_workers_answer_is_recorded() {
    leads_to(&one_question(), worker(record_answer(1)), &[completed(1)]);
}

#[test]
fn giving_up_is_recorded() {
    leads_to(&one_question(), worker(record_failure(1)), &[failed(1)]);
}

#[test]
fn stopping_keeps_what_was_written_so_far() {
    leads_to(&one_question(), owner(stop(1)), &[stopped(1)]);
}

#[test]
fn what_comes_after_the_end_of_an_answer_changes_nothing() {
    for end in [completed(1), stopped(1), failed(1)] {
        let history = [one_question(), vec![end]].concat();
        changes_nothing(&history, worker(record_answer(1)));
        changes_nothing(&history, worker(record_failure(1)));
    }
}

#[test]
fn an_answer_that_has_ended_by_itself_cannot_be_stopped() {
    for end in [completed(1), failed(1)] {
        let history = [one_question(), vec![end]].concat();
        is_refused(&history, owner(stop(1)), Refused::AnswerEnded(answer(1)));
    }
}

#[test]
fn stopping_twice_is_stopping_once() {
    let history = [one_question(), vec![stopped(1)]].concat();
    changes_nothing(&history, owner(stop(1)));
    let later = [history, vec![Event::ConversationPinned]].concat();
    let first = Receipt { version: Version(4), events: vec!["AnswerStopped"] };
    assert_eq!(after(&later).receipt(&stop(1)), first);
}

#[test]
fn nothing_happens_to_an_answer_that_nobody_requested() {
    let unknown = || Refused::UnknownAnswer(answer(9));
    is_refused(&one_question(), worker(record_answer(9)), unknown());
    is_refused(&one_question(), worker(record_failure(9)), unknown());
    is_refused(&one_question(), owner(stop(9)), unknown());
    is_refused(&one_question(), owner(rate(9, Rating::Up)), unknown());
}

fn rated(rating: Rating, comment: Option<Comment>) -> Event {
    let private = Private::Open(RatingComment { comment });
    Event::AnswerRated { answer_id: answer(1), rating, private }
}

#[test]
fn an_answer_is_rated_and_the_rating_taken_back() {
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
fn a_comment_is_said_even_if_the_rating_stays() {
    let comment = Some(Comment::parse("Well put").unwrap());
    let history = [one_answer(), vec![rated(Rating::Up, None)]].concat();
    let rate = Intent::Rate { answer_id: answer(1), rating: Rating::Up, comment: comment.clone() };
    leads_to(&history, owner(rate), &[rated(Rating::Up, comment)]);
}

#[test]
fn an_answer_is_rated_when_it_has_ended() {
    is_refused(&one_question(), owner(rate(1, Rating::Up)), Refused::AnswerPending(answer(1)));
}

#[test]
fn what_ends_an_answer_shows_in_its_state() {
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
