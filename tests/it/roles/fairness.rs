//! Owners take turns: the questions of one person do not hold up those of another.

use std::time::Duration;

use aggregates::{AnswerRef, UserId, Version};
use store::{AnswerLease, AnswerRequest, NextAnswer};

use crate::support::answering::{QUESTION, at_work, completed, ending, work};
use crate::support::backbone::{Backbone, conversation};
use crate::support::model_server::{Act, ModelServer};
use crate::support::waiting::until;

const LEASE: Duration = Duration::from_secs(10);

/// Asks questions in conversations of their own, and returns the requests.
async fn requests(backbone: &Backbone, owner: UserId, questions: usize) -> Vec<AnswerRequest> {
    let mut requests = vec![];
    for _ in 0..questions {
        let conversation_id = conversation();
        let (_, answer_id) = backbone.ask(owner, conversation_id, QUESTION).await;
        let answer = AnswerRef { owner, conversation_id, answer_id };
        requests.push(AnswerRequest { answer, sequence: Version(3) });
    }
    requests
}

async fn take(backbone: &Backbone, not_of: &[UserId]) -> Option<AnswerLease> {
    match backbone.store.take_answer(not_of, LEASE).await.unwrap() {
        NextAnswer::Taken(lease, requested) => {
            assert!(requested.is_some());
            Some(lease)
        }
        NextAnswer::Nothing(_) => None,
    }
}

#[tokio::test]
async fn the_answers_of_owners_are_taken_in_turns_and_those_of_one_in_their_order() {
    let backbone = Backbone::new().await;
    let (many, one, two) = (backbone.user().await, backbone.user().await, backbone.user().await);
    let flood = requests(&backbone, many, 12).await;
    assert_eq!(backbone.store.queue_answers(&flood).await.unwrap(), 12);
    assert_eq!(backbone.store.queue_answers(&flood).await.unwrap(), 0, "each answer is queued once");
    assert_eq!(take(&backbone, &[]).await.unwrap().answer, flood[0].answer);
    backbone.store.queue_answers(&requests(&backbone, one, 1).await).await.unwrap();
    backbone.store.queue_answers(&requests(&backbone, two, 2).await).await.unwrap();

    let mut taken = vec![];
    while let Some(lease) = take(&backbone, &[]).await {
        taken.push(lease.answer);
    }
    let owners: Vec<UserId> = taken.iter().take(6).map(|answer| answer.owner).collect();
    assert_eq!(owners, [many, one, two, many, two, many]);
    let of_many: Vec<AnswerRef> = taken.into_iter().filter(|answer| answer.owner == many).collect();
    let asked: Vec<AnswerRef> = flood[1..].iter().map(|request| request.answer).collect();
    assert_eq!(of_many, asked);
}

#[tokio::test]
async fn an_owner_with_enough_answers_in_work_is_passed_over() {
    let backbone = Backbone::new().await;
    let (many, one) = (backbone.user().await, backbone.user().await);
    backbone.store.queue_answers(&requests(&backbone, many, 3).await).await.unwrap();
    backbone.store.queue_answers(&requests(&backbone, one, 1).await).await.unwrap();
    assert_eq!(take(&backbone, &[many]).await.unwrap().answer.owner, one);
    assert!(take(&backbone, &[many]).await.is_none());
    assert_eq!(take(&backbone, &[]).await.unwrap().answer.owner, many);
}

#[tokio::test]
async fn an_answer_that_was_given_back_is_taken_after_its_pause_and_one_that_ended_never() {
    let backbone = Backbone::new().await;
    let user = backbone.user().await;
    backbone.store.queue_answers(&requests(&backbone, user, 1).await).await.unwrap();
    let first = take(&backbone, &[]).await.unwrap();
    backbone.store.return_answer(&first, LEASE).await.unwrap();
    let left = backbone.store.take_answer(&[], LEASE).await.unwrap();
    assert!(matches!(left, NextAnswer::Nothing(Some(left)) if left <= LEASE), "{left:?}");
    backbone.store.return_answer(&first, Duration::ZERO).await.unwrap();
    assert!(take(&backbone, &[]).await.is_none(), "a lease that was given back has no effect");
    sqlx::query("UPDATE answer_queue SET available_at = now()").execute(&backbone.pool).await.unwrap();
    let second = take(&backbone, &[]).await.unwrap();
    assert_eq!(second.attempt, 2);
    backbone.store.remove_answer(&first).await.unwrap();
    backbone.store.remove_answer(&second).await.unwrap();
    assert!(matches!(backbone.store.take_answer(&[], LEASE).await.unwrap(), NextAnswer::Nothing(None)));
}

#[tokio::test]
async fn a_request_that_no_event_proves_is_not_answered() {
    let backbone = Backbone::new().await;
    let (user, other) = (backbone.user().await, backbone.user().await);
    let real = requests(&backbone, user, 1).await.remove(0);
    let forged = AnswerRequest { answer: AnswerRef { owner: other, ..real.answer }, ..real };
    backbone.store.queue_answers(&[forged]).await.unwrap();
    let taken = backbone.store.take_answer(&[], LEASE).await.unwrap();
    assert!(matches!(taken, NextAnswer::Taken(_, None)), "{taken:?}");
}

/// Answers of an owner that ended while another answer was pending.
const ENDED_MEANWHILE: &str = "
SELECT count(*) FROM ledger l JOIN events e USING (aggregate_type, aggregate_id, sequence)
 WHERE e.owner = $1 AND e.event_type = 'AnswerCompleted'
   AND l.position > (SELECT min(position) FROM ledger WHERE aggregate_id = $2)
   AND l.position < (SELECT position FROM ledger WHERE aggregate_id = $2 AND sequence = 4)";

#[tokio::test]
async fn sixty_questions_of_one_person_delay_the_answer_of_another_by_a_turn() {
    let backbone = at_work().await;
    let model = ModelServer::start(&[Act::SaySlowly("one two three")]).await;
    let workers = [(); 2].map(|()| work(&backbone, Some(&model)));
    let (many, one) = (backbone.user().await, backbone.user().await);
    let flood = requests(&backbone, many, 60).await;
    let first = flood[0].answer;
    completed(ending(&backbone, first.conversation_id, first.answer_id).await);
    let single = requests(&backbone, one, 1).await.remove(0).answer;
    completed(ending(&backbone, single.conversation_id, single.answer_id).await);
    for request in flood {
        let AnswerRef { conversation_id, answer_id, .. } = request.answer;
        assert_eq!(completed(ending(&backbone, conversation_id, answer_id).await).1, 1);
    }
    assert_eq!(model.requests(), 61);
    let meanwhile: i64 = until("the ledger has all ends", async || {
        let position = backbone.store.ledger_head().await.ok()?.0;
        let events: i64 =
            sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&backbone.pool).await.ok()?;
        if position.0 != events.unsigned_abs() {
            return None;
        }
        let count = sqlx::query_scalar(ENDED_MEANWHILE).bind(many.uuid());
        count.bind(single.conversation_id.uuid()).fetch_one(&backbone.pool).await.ok()
    })
    .await;
    // Eight slots, of which one person takes four: each of them can end twice while one answer is written.
    assert!(meanwhile <= 16, "{meanwhile} answers of another person came first");
    backbone.cancel.cancel();
    for worker in workers {
        worker.await.unwrap();
    }
}
