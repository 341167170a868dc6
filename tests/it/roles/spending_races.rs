//! Tokens of answers whose ends, stops and erasures race count exactly once.

use aggregates::conversation::{
    Answer, ConversationCommand, ConversationEvent, Intent, SpendingPurpose, Usage,
};
use aggregates::{Actor, AggregateType, ConversationId, Event, Metadata, UserId};
use chrono::Utc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support::answering::{QUESTION, teach, work};
use crate::support::backbone::{Backbone, conversation};
use crate::support::model_server::{Act, ModelServer};
use crate::support::waiting::until;

/// The tokens that the events of a conversation tell beside completed answers.
async fn spent(backbone: &Backbone, id: ConversationId) -> Vec<(SpendingPurpose, Option<u32>, Usage)> {
    let events = backbone.store.aggregate_events(AggregateType::Conversation, id.uuid()).await.unwrap();
    let spent = events.into_iter().filter_map(|recorded| match recorded.event {
        Event::Conversation(ConversationEvent::TokensSpent { purpose, attempt, usage, .. }) => {
            Some((purpose, attempt, usage))
        }
        _ => None,
    });
    spent.collect()
}

/// A worker that holds an answer back, and hears of no event from now on.
struct Deaf {
    backbone: Backbone,
    model: ModelServer,
    worker: JoinHandle<()>,
    user: UserId,
    id: ConversationId,
    answer: aggregates::AnswerId,
}

impl Deaf {
    async fn answering() -> Self {
        let backbone = Backbone::new().await;
        let sequencer = backbone.sequence();
        teach(&backbone).await;
        let model = ModelServer::start(&[Act::Hold("It has sixty-one ", "bars [1].")]).await;
        let worker = work(&backbone, Some(&model));
        let (user, id) = (backbone.user().await, conversation());
        let (_, answer) = backbone.ask(user, id, QUESTION).await;
        until("the model answers", async || model.is_answering().then_some(())).await;
        sequencer.abort();
        let _ = sequencer.await;
        Self { backbone, model, worker, user, id, answer }
    }

    /// Lets the model end its answer; returns the tokens that are recorded then, and stay so.
    async fn spent_in_the_end(self) -> Vec<(SpendingPurpose, Option<u32>, Usage)> {
        self.model.release();
        until("the tokens are recorded", async || {
            (!spent(&self.backbone, self.id).await.is_empty()).then_some(())
        })
        .await;
        self.backbone.cancel.cancel();
        self.worker.await.unwrap();
        spent(&self.backbone, self.id).await
    }
}

/// What the server reports of the answer.
const REPORTED: Usage = Usage { prompt_tokens: 21, completion_tokens: 7 };

#[tokio::test]
async fn an_answer_that_was_stopped_just_before_its_end_counts() {
    let deaf = Deaf::answering().await;
    let stop = Intent::Stop { answer_id: deaf.answer, so_far: Answer::default() };
    assert_eq!(deaf.backbone.command(deaf.user, deaf.id, stop).await, ["AnswerStopped"]);
    assert_eq!(deaf.spent_in_the_end().await, [(SpendingPurpose::Attempt, Some(1), REPORTED)]);
}

#[tokio::test]
async fn an_answer_whose_conversation_was_erased_just_before_its_end_counts_and_its_texts_stay_away() {
    let deaf = Deaf::answering().await;
    let (backbone, user, id) = (&deaf.backbone, deaf.user, deaf.id);
    backbone.command(user, id, Intent::Delete).await;
    let erase =
        ConversationCommand { by: Actor::System, at: Utc::now(), expected: None, intent: Intent::Erase };
    let metadata = Metadata {
        owner: user,
        actor: Actor::System,
        correlation_id: Uuid::now_v7(),
        causation_id: None,
        traceparent: None,
    };
    backbone.store.conversations().execute(id.uuid(), erase, &metadata, None).await.unwrap();
    let again = Backbone::on(backbone.database_url.clone()).await;
    assert_eq!(deaf.spent_in_the_end().await, [(SpendingPurpose::Attempt, Some(1), REPORTED)]);
    // The read models count them, and have no row of the conversation.
    again.sequence();
    again.project();
    let day = until("the usage counts them", async || {
        let days = projections::usage::days(again.store.read_models(), user, None, None).await.unwrap();
        days.into_iter().find(|day| day.prompt_tokens > 0)
    })
    .await;
    assert_eq!((day.answers, day.prompt_tokens, day.completion_tokens), (0, 21, 7));
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM conversations WHERE id = $1")
        .bind(id.uuid())
        .fetch_one(&again.pool)
        .await
        .unwrap();
    assert_eq!(rows, 0);
    again.cancel.cancel();
}
