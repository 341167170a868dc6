//! Answers end once and complete, although workers die and streams are lost.

use aggregates::conversation::{Answer, FailureReason, Intent};
use async_nats::jetstream;
use futures::StreamExt as _;
use nats::{LiveKind, Subjects};

use crate::support::answering::{
    Heard, QUESTION, WRITTEN, WorkerProcess, at_work, backbone_named, completed, ending, endings, failed,
    teach, work,
};
use crate::support::backbone::{Backbone, connect_nats, conversation};
use crate::support::model_server::{Act, ModelServer};
use crate::support::waiting::until;

#[tokio::test]
async fn a_worker_killed_in_mid_answer_is_replaced_and_the_answer_ends_once() {
    let (backbone, prefix) = backbone_named().await;
    backbone.sequence();
    teach(&backbone).await;
    let model = ModelServer::start(&[Act::Stall("It has "), Act::Say(WRITTEN)]).await;
    let mut killed = WorkerProcess::start(&backbone, &prefix, &model);
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    let heard = Heard::listen(&backbone, user, id, answer).await;
    until("the answer has begun", async || heard.text(1).starts_with("It has").then_some(())).await;
    let _replacement = WorkerProcess::start(&backbone, &prefix, &model);
    killed.kill();
    let (recorded, attempt) = completed(ending(&backbone, id, answer).await);
    assert_eq!((recorded.text.as_str(), attempt), (WRITTEN, 2));
}

#[tokio::test]
async fn an_answer_whose_workers_died_five_times_fails_visibly() {
    let backbone = at_work().await;
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    sqlx::query(
        "INSERT INTO answer_queue (conversation_id, answer_id, owner, sequence, turn, attempt)
         VALUES ($1, $2, $3, 3, 1, 5)",
    )
    .bind(id.uuid())
    .bind(answer.uuid())
    .bind(user.uuid())
    .execute(&backbone.pool)
    .await
    .unwrap();
    work(&backbone, None);
    let event = ending(&backbone, id, answer).await;
    assert_eq!(failed(&event), (FailureReason::AttemptsExhausted, 5));
}

#[tokio::test]
async fn an_answer_survives_a_postgres_that_is_away_when_it_is_finished() {
    let data = embedded::DataDir::temporary().unwrap();
    let parts = embedded::Parts::locate(embedded::WithModel::No).await.unwrap();
    let postgres = embedded::Postgres::start(&parts, &data).await.unwrap();
    let database_url = postgres.create_database("away").await.unwrap();
    store::migrate(&database_url.as_str().into()).await.unwrap();
    let backbone = Backbone::on(database_url).await;
    backbone.sequence();
    teach(&backbone).await;
    let model =
        ModelServer::start(&[Act::SaySlowly("one two three four five six seven eight nine ten")]).await;
    work(&backbone, Some(&model));
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    until("the model answers", async || model.is_answering().then_some(())).await;
    postgres.kill().await.unwrap();
    until("the model has answered", async || (!model.is_answering()).then_some(())).await;
    postgres.start().await.unwrap();
    let (recorded, attempt) = completed(ending(&backbone, id, answer).await);
    assert!(recorded.text.ends_with("ten"));
    assert_eq!((attempt, model.requests()), (1, 1));
}

#[tokio::test]
async fn a_worker_that_is_asked_to_end_finishes_its_answers_first() {
    let backbone = at_work().await;
    let model =
        ModelServer::start(&[Act::SaySlowly("one two three four five six seven eight nine ten")]).await;
    let worker = work(&backbone, Some(&model));
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    until("the model answers", async || model.is_answering().then_some(())).await;
    backbone.cancel.cancel();
    worker.await.unwrap();
    let (recorded, _) = completed(endings(&backbone, id, answer).await.pop().unwrap());
    assert!(recorded.text.ends_with("ten"));
}

#[tokio::test]
async fn with_jetstream_wiped_during_an_answer_the_answer_is_complete_and_streamed_again_from_its_start() {
    let data = embedded::DataDir::temporary().unwrap();
    let parts = embedded::Parts::locate(embedded::WithModel::No).await.unwrap();
    let server = embedded::Nats::start(&parts, &data).await.unwrap();
    let client = connect_nats(server.url()).await;
    let backbone = Backbone { nats: client, ..Backbone::new().await };
    backbone.sequence();
    backbone.project();
    teach(&backbone).await;
    let words =
        "a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h i j k l m n o p q r s t end";
    let model = ModelServer::start(&[Act::SaySlowly(words)]).await;
    work(&backbone, Some(&model));
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    let before = Heard::listen(&backbone, user, id, answer).await;
    until("the answer has begun", async || (before.text(1).len() > 6).then_some(())).await;
    server.wipe().await.unwrap();

    let (recorded, attempt) = completed(ending(&backbone, id, answer).await);
    assert_eq!((recorded.text.as_str(), attempt), (words, 1));
    let live =
        jetstream::new(backbone.nats.clone()).get_stream(backbone.subjects.live_stream()).await.unwrap();
    let consumer = live
        .create_consumer(jetstream::consumer::pull::OrderedConfig {
            filter_subject: backbone.subjects.live(user, id, answer),
            ..Default::default()
        })
        .await
        .unwrap();
    let first = consumer.messages().await.unwrap().next().await.unwrap().unwrap();
    let first = nats::LiveMessage::from_bytes(&first.payload).unwrap();
    let begins = matches!(first.kind, LiveKind::Started { from: 0, .. });
    assert!(begins, "the new stream knows the answer from its beginning");
    until("all of it was heard", async || (before.text(1) == words).then_some(())).await;

    // And the next question travels as if nothing had happened.
    let (_, next) = backbone.ask(user, id, QUESTION).await;
    completed(ending(&backbone, id, next).await);
}

#[tokio::test]
async fn an_answer_that_nothing_delivers_is_found_and_ended() {
    let backbone = at_work().await;
    backbone.project();
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    backbone.projected(2 + 2 + 3).await;
    sqlx::query("UPDATE messages SET created_at = created_at - interval '2 minutes'")
        .execute(&backbone.pool)
        .await
        .unwrap();
    // A worker on subjects of its own hears of nothing.
    let deaf =
        Backbone { subjects: Subjects::new("deaf"), ..Backbone::on(backbone.database_url.clone()).await };
    work(&deaf, None);
    let (recorded, _) = completed(ending(&backbone, id, answer).await);
    assert!(recorded.text.contains("sixty-one"));
}

#[tokio::test]
async fn a_new_consumer_skips_history_and_answers_pending_questions() {
    let backbone = at_work().await;
    let (user, id) = (backbone.user().await, conversation());
    let mut answers = vec![];
    for _ in 0..150 {
        let (_, answer) = backbone.ask(user, id, QUESTION).await;
        let so_far = Answer { text: "enough".into(), ..Answer::default() };
        backbone.command(user, id, Intent::Stop { answer_id: answer, so_far }).await;
        answers.push(answer);
    }
    let (_, pending) = backbone.ask(user, id, QUESTION).await;
    work(&backbone, None);
    completed(ending(&backbone, id, pending).await);
    for answer in answers {
        assert_eq!(endings(&backbone, id, answer).await.len(), 1);
    }
}
