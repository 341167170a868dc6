//! Pending answers, for the worker's sweep and for a publisher that refills its stream.

use std::time::Duration;

use projections::messages::{oldest_pending_position, pending_answers};

use crate::database::{apply, database};
use crate::history::History;

#[tokio::test]
async fn answers_that_have_not_ended_are_returned_oldest_first() {
    let (pool, mut history) = (database().await, History::new());
    let (one, other) = (history.user(), history.user());
    let (first, second) = (history.start_conversation(one), history.start_conversation(other));
    let early = history.ask(first, None, "early");
    let late = history.ask(second, None, "late");
    let done = history.turn(first, Some(early.1), "done", "done");
    apply(&pool, &history.events, 100).await;
    let pending = pending_answers(&pool, Duration::ZERO, 10).await.unwrap();
    let found: Vec<_> =
        pending.iter().map(|answer| (answer.owner, answer.conversation_id, answer.answer_id)).collect();
    assert_eq!(found, [(one, first, early.1), (other, second, late.1)]);
    assert!(!found.iter().any(|(_, _, answer)| *answer == done.1));
    assert_eq!(oldest_pending_position(&pool).await.unwrap(), Some(pending[0].requested));
    let request =
        history.events.iter().find(|event| event.recorded.position == pending[0].requested).unwrap();
    assert_eq!(request.recorded.event.name(), "AnswerRequested");
    assert_eq!(pending_answers(&pool, Duration::ZERO, 1).await.unwrap().len(), 1);

    history.stop(first, early, "enough");
    history.fail(second, late);
    apply(&pool, &history.events, 100).await;
    assert!(pending_answers(&pool, Duration::ZERO, 10).await.unwrap().is_empty());
    assert_eq!(oldest_pending_position(&pool).await.unwrap(), None);
}

#[tokio::test]
async fn answers_are_pending_only_after_the_given_time() {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    let id = history.start_conversation(user);
    history.ask(id, None, "Question");
    let mut events = history.events.clone();
    for event in &mut events {
        event.recorded.recorded_at = chrono::Utc::now();
    }
    apply(&pool, &events, 100).await;
    assert!(pending_answers(&pool, Duration::from_mins(1), 10).await.unwrap().is_empty());
    assert_eq!(pending_answers(&pool, Duration::ZERO, 10).await.unwrap().len(), 1);
}
