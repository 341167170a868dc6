//! The outcome of an append, whatever happens on the way: what is said to be refused is never written.

use std::time::Duration;

use aggregates::conversation::{AskQuestion, ConversationCommand, Intent};
use aggregates::{
    Actor, AggregateType, AnswerId, ConversationId, Metadata, QuestionId, QuestionText, UserId,
};
use chrono::Utc;
use colloquy::roles::Role;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use store::{ExecuteError, Store, StoreError};
use tokio::time::Instant;
use uuid::Uuid;

use crate::support::backbone::{Backbone, connect, conversation};
use crate::support::link::{Link, Loss, Step};
use crate::support::person::Person;
use crate::support::product::Product;
use crate::support::waiting::until;

/// Time within which a connection that was cut without a word is noticed.
const NOTICED_WITHIN: Duration = Duration::from_secs(10);

/// A question with ids of its own, so that it can be asked again.
#[derive(Debug, Clone, Copy)]
struct Asking {
    user: UserId,
    conversation: ConversationId,
    question: QuestionId,
    answer: AnswerId,
}

/// Answer to the caller of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Written,
    Refused,
    Unknown,
}

impl Asking {
    fn new(user: UserId, conversation: ConversationId) -> Self {
        let (question, answer) = (QuestionId::new(Uuid::now_v7()), AnswerId::new(Uuid::now_v7()));
        Self { user, conversation, question, answer }
    }

    async fn ask(self, store: &Store) -> Told {
        let intent = Intent::Ask(AskQuestion {
            question_id: self.question,
            answer_id: self.answer,
            text: QuestionText::parse("Is it written?").unwrap(),
            parent_id: None,
            documents: Vec::new(),
            by_tags: None,
            model: None,
        });
        let command =
            ConversationCommand { by: Actor::User(self.user), at: Utc::now(), expected: None, intent };
        let metadata = Metadata {
            owner: self.user,
            actor: Actor::User(self.user),
            correlation_id: Uuid::now_v7(),
            causation_id: None,
            traceparent: None,
        };
        match store.conversations().execute(self.conversation.uuid(), command, &metadata, None).await {
            Ok(_) => Told::Written,
            Err(ExecuteError::Store(StoreError::OutcomeUnknown)) => Told::Unknown,
            Err(ExecuteError::Store(error)) if error.is_unavailable() => Told::Refused,
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Number of times that the question is in the history.
    async fn times(self, backbone: &Backbone) -> usize {
        let events = backbone.store.aggregate_events(AggregateType::Conversation, self.conversation.uuid());
        let events = events.await.unwrap();
        let asked = events.iter().filter(|event| event.event.name() == "QuestionAsked");
        asked.filter(|event| format!("{:?}", event.event).contains(&self.question.to_string())).count()
    }
}

/// A history: each step is a question in one of three conversations, with the loss of a connection or none.
fn histories() -> impl Strategy<Value = Vec<(usize, Option<(Step, Loss)>)>> {
    let step =
        prop_oneof![(1_usize..4).prop_map(Step::BeforeRequest), (1_usize..4).prop_map(Step::BeforeAnswer)];
    let loss = prop_oneof![4 => Just(Loss::Reset), 1 => Just(Loss::Silence)];
    let fault = prop_oneof![1 => Just(None), 3 => (step, loss).prop_map(Some)];
    proptest::collection::vec((0_usize..3, fault), 1..6)
}

/// Runs a history against a model: the set of questions that must, and of those that must not be there.
async fn check(history: Vec<(usize, Option<(Step, Loss)>)>) {
    let backbone = Backbone::new().await;
    let user = backbone.user().await;
    let (link, url) = Link::to_database(&backbone.database_url).await;
    let remote = Backbone::on(url).await;
    let conversations = [conversation(), conversation(), conversation()];
    let mut told = Vec::new();
    for (number, fault) in &history {
        if let Some((step, loss)) = *fault {
            link.lose_at(step, loss);
        }
        let question = Asking::new(user, conversations[*number]);
        let began = Instant::now();
        told.push((question, question.ask(&remote.store).await));
        assert!(began.elapsed() < NOTICED_WITHIN + Duration::from_secs(5), "{history:?}");
        link.lose_at(Step::BeforeRequest(usize::MAX), Loss::Reset);
    }
    for (question, told) in told {
        let times = question.times(&backbone).await;
        match told {
            Told::Written => assert_eq!(times, 1, "{history:?}"),
            Told::Refused => assert_eq!(times, 0, "{history:?}"),
            Told::Unknown => {
                assert!(times <= 1, "{history:?}");
                assert_eq!(question.ask(&backbone.store).await, Told::Written);
                assert_eq!(question.times(&backbone).await, 1, "asking again settles it: {history:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_step_of_an_append_loses_its_connection_the_caller_is_told_the_truth() {
    let mut runner = TestRunner::default();
    let histories: Vec<_> = (0..24).map(|_| histories().new_tree(&mut runner).unwrap().current()).collect();
    for some in histories.chunks(8) {
        futures::future::join_all(some.iter().cloned().map(check)).await;
    }
}

#[tokio::test]
async fn a_command_that_waits_for_a_lock_is_refused_and_never_written_afterwards() {
    let product = Product::with(&[Role::Api]).await;
    let person = Person::new(&product).await;
    person.ask(Uuid::now_v7(), "before").await;
    let url = secrecy::ExposeSecret::expose_secret(&product.config.app.database_url).to_owned();
    let mut holder = PgConnection::connect(&url).await.unwrap();
    let mut lock = holder.begin().await.unwrap();
    sqlx::query("SELECT set_config('idle_in_transaction_session_timeout', '0', true)")
        .execute(&mut *lock)
        .await
        .unwrap();
    sqlx::query("LOCK TABLE keys IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    let refused = Uuid::now_v7();
    let ask = json!({"type": "ask", "question_id": Uuid::now_v7(), "text": "during"});
    let answered = person.command(refused, &ask).await;
    assert_eq!(answered.status, 503, "{answered:?}");
    assert_eq!(answered.body["type"], "urn:colloquy:problem:unavailable", "{answered:?}");
    // The statement is gone from the server, not only from the client.
    let looking = connect(&url, 1);
    until("no append waits for the lock", async || {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity
              WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%INSERT INTO events%'",
        )
        .fetch_one(&looking)
        .await
        .unwrap();
        (waiting == 0).then_some(())
    })
    .await;
    lock.rollback().await.unwrap();
    person.ask(Uuid::now_v7(), "after").await;
    let written: i64 = sqlx::query_scalar("SELECT count(*) FROM events WHERE aggregate_id = $1")
        .bind(refused)
        .fetch_one(&looking)
        .await
        .unwrap();
    assert_eq!(written, 0, "refused and yet written");
}

#[tokio::test]
async fn connections_that_are_cut_without_a_word_hold_up_commands_for_less_than_ten_seconds() {
    let backbone = Backbone::new().await;
    let user = backbone.user().await;
    let (link, url) = Link::to_database(&backbone.database_url).await;
    let remote = Backbone::on(url).await;
    let asking = (0..32).map(|_| Asking::new(user, conversation()).ask(&remote.store));
    assert!(futures::future::join_all(asking).await.iter().all(|told| *told == Told::Written));
    assert!(remote.store.connections().open > 1, "several connections are open");
    // Requests are on their way, and other connections are idle.
    let questions: Vec<_> = (0..8).map(|_| Asking::new(user, conversation())).collect();
    link.lose_at(Step::BeforeAnswer(1), Loss::Silence);
    let asking = futures::future::join_all(questions.iter().map(|question| question.ask(&remote.store)));
    link.silence();
    let began = Instant::now();
    let told = asking.await;
    until("a command is accepted", async || {
        (Asking::new(user, conversation()).ask(&remote.store).await == Told::Written).then_some(())
    })
    .await;
    assert!(began.elapsed() < NOTICED_WITHIN, "noticed after {:?}", began.elapsed());
    for (question, told) in questions.iter().zip(told) {
        let expected = match told {
            Told::Written => 1..=1,
            Told::Refused => 0..=0,
            Told::Unknown => 0..=1,
        };
        assert!(expected.contains(&question.times(&backbone).await), "{told:?}");
    }
    assert!(remote.store.connections().open <= 8, "no connection is pinned");
}
