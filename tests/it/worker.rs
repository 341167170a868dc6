//! Questions on their way to answers: cited, stopped, retried, given up, and whatever dies on the way.

use std::time::{Duration, Instant};

use aggregates::conversation::{Answer, Citation, ConversationEvent, FailureReason, Intent};
use async_nats::jetstream;
use colloquy::config::WorkerConfig;
use futures::StreamExt as _;
use nats::{LiveKind, Subjects};

use crate::support::answering::{
    Heard, QUESTION, WorkerProcess, backbone_named, ending, endings, teach, work, worker_config,
};
use crate::support::backbone::{Backbone, conversation};
use crate::support::model_server::{Act, ModelServer};
use crate::support::waiting::until;

const WRITTEN: &str = "It has sixty-one bars of rosewood [1], as far as anybody knows.";

/// A text, its citations and its attempt.
fn completed(event: ConversationEvent) -> (Answer, u32) {
    match event {
        ConversationEvent::AnswerCompleted { private, attempt, .. } => {
            (private.open().unwrap().clone(), attempt)
        }
        other => panic!("not completed: {other:?}"),
    }
}

fn failed(event: &ConversationEvent) -> (FailureReason, u32) {
    match event {
        ConversationEvent::AnswerFailed { reason, attempt, .. } => (*reason, *attempt),
        other => panic!("not failed: {other:?}"),
    }
}

/// A backbone at work, with something to know.
async fn at_work() -> Backbone {
    let backbone = Backbone::new().await;
    backbone.seal();
    teach(&backbone).await;
    backbone
}

#[tokio::test]
async fn without_a_model_the_answer_is_quoted_cited_and_streamed_as_it_is_recorded() {
    let backbone = at_work().await;
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    let heard = Heard::listen(&backbone, user, id, answer).await;
    let worker = work(&backbone, worker_config(None));

    let event = ending(&backbone, id, answer).await;
    let ConversationEvent::AnswerCompleted { provenance, .. } = &event else { panic!("{event:?}") };
    assert!(provenance.quoted && provenance.language_model.is_none());
    assert!(!provenance.passages.is_empty());
    let (recorded, attempt) = completed(event);
    assert!(recorded.text.contains("sixty-one"), "not what was asked");
    assert!(recorded.text.contains("[1]") || recorded.text.contains("[2]"));
    assert!(recorded.citations.iter().any(|citation| citation.title.contains("marimba of Zanthor")));

    until("all deltas have come", async || (heard.text(attempt) == recorded.text).then_some(())).await;
    let messages = heard.all();
    assert!(matches!(messages.first(), Some((1, LiveKind::Started, _))));
    let sources = messages.iter().find(|(_, kind, _)| *kind == LiveKind::Sources).unwrap();
    let sources: Vec<Citation> = serde_json::from_slice(&sources.2).unwrap();
    assert!(recorded.citations.iter().all(|cited| sources.iter().any(|source| {
        (source.number, source.document_id, source.passage)
            == (cited.number, cited.document_id, cited.passage)
    })));
    backbone.cancel.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_model_writes_the_answer_and_what_it_cost_and_was_made_of_is_recorded() {
    let backbone = at_work().await;
    let model = ModelServer::start(&[Act::Say(WRITTEN)]).await;
    work(&backbone, worker_config(Some(&model)));
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    let event = ending(&backbone, id, answer).await;
    let ConversationEvent::AnswerCompleted { provenance, usage, .. } = &event else { panic!("{event:?}") };
    assert_eq!(provenance.language_model.as_deref(), Some("scripted"));
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (21, 7));
    assert_eq!((provenance.prompt_sha256.len(), provenance.quoted), (64, false));
    let (recorded, _) = completed(event);
    assert_eq!((recorded.text.as_str(), recorded.citations.len()), (WRITTEN, 1));
}

#[tokio::test]
async fn a_model_that_is_away_is_replaced_by_quoting() {
    let backbone = at_work().await;
    let model = ModelServer::start(&[Act::Status(503)]).await;
    work(&backbone, worker_config(Some(&model)));
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    let event = ending(&backbone, id, answer).await;
    assert!(matches!(&event, ConversationEvent::AnswerCompleted { provenance, .. } if provenance.quoted));
    assert!(completed(event).0.text.contains("sixty-one"));
}

#[tokio::test]
async fn a_model_that_breaks_off_is_asked_again_and_the_new_attempt_voids_the_old() {
    let backbone = at_work().await;
    let model = ModelServer::start(&[Act::BreakOff("Perhaps a hundred "), Act::Say(WRITTEN)]).await;
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    let heard = Heard::listen(&backbone, user, id, answer).await;
    work(&backbone, worker_config(Some(&model)));
    let (recorded, attempt) = completed(ending(&backbone, id, answer).await);
    assert_eq!((recorded.text.as_str(), attempt), (WRITTEN, 2));
    until("the new attempt was heard", async || (heard.text(2) == WRITTEN).then_some(())).await;
    assert!(heard.text(1).starts_with("Perhaps"));
}

#[tokio::test]
async fn a_model_that_always_breaks_off_fails_the_answer_visibly_after_five_attempts() {
    let backbone = at_work().await;
    let model = ModelServer::start(&[Act::BreakOff("Perhaps ")]).await;
    work(&backbone, worker_config(Some(&model)));
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    let event = ending(&backbone, id, answer).await;
    assert_eq!(failed(&event), (FailureReason::ModelUnavailable, 5));
    assert_eq!(model.requests(), 5);

    let dead =
        jetstream::new(backbone.nats.clone()).get_stream(backbone.subjects.dead_stream()).await.unwrap();
    let letter = until("there is a dead letter", async || {
        dead.get_last_raw_message_by_subject(&backbone.subjects.dead("answers")).await.ok()
    })
    .await;
    let letter: serde_json::Value = serde_json::from_slice(&letter.payload).unwrap();
    assert_eq!(letter["answer_id"], answer.to_string());
    assert_eq!(letter["reason"], "model_unavailable");
    assert!(!letter.to_string().contains("marimba"));
}

#[tokio::test]
async fn a_model_that_refuses_fails_the_answer_at_once() {
    let backbone = at_work().await;
    let model = ModelServer::start(&[Act::Status(401)]).await;
    work(&backbone, worker_config(Some(&model)));
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    let event = ending(&backbone, id, answer).await;
    assert_eq!(failed(&event), (FailureReason::ModelRefused, 1));
}

#[tokio::test]
async fn with_the_index_away_the_answer_fails_and_says_so() {
    let backbone = Backbone::new().await;
    backbone.seal();
    let nobody = format!("http://{}", embedded::free_port().unwrap());
    work(&backbone, WorkerConfig { qdrant_url: nobody, ..worker_config(None) });
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    let event = ending(&backbone, id, answer).await;
    assert_eq!(failed(&event), (FailureReason::KnowledgeUnavailable, 5));
}

#[tokio::test]
async fn a_stop_ends_the_work_within_200_milliseconds() {
    let backbone = at_work().await;
    let model = ModelServer::start(&[Act::Stall("Let me think ")]).await;
    work(&backbone, worker_config(Some(&model)));
    let mut fastest = Duration::MAX;
    // Of several, since a busy machine may hold up any one of them.
    for _ in 0..3 {
        let (user, id) = (backbone.user().await, conversation());
        let (_, answer) = backbone.ask(user, id, QUESTION).await;
        let heard = Heard::listen(&backbone, user, id, answer).await;
        until("the model answers", async || model.is_answering().then_some(())).await;
        until("it was heard", async || heard.text(1).starts_with("Let me").then_some(())).await;
        let so_far = Answer { text: heard.text(1), citations: vec![] };
        let stopped = Instant::now();
        backbone.command(user, id, Intent::Stop { answer_id: answer, so_far }).await;
        until("the model is left alone", async || (!model.is_answering()).then_some(())).await;
        fastest = fastest.min(stopped.elapsed());
        let event = ending(&backbone, id, answer).await;
        assert!(matches!(event, ConversationEvent::AnswerStopped { .. }));
    }
    assert!(fastest < Duration::from_millis(200), "it took {fastest:?}");
}

#[tokio::test]
async fn a_worker_killed_in_mid_answer_is_replaced_and_the_answer_ends_once() {
    let (backbone, prefix) = backbone_named().await;
    backbone.seal();
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
async fn an_answer_whose_workers_have_died_five_times_fails_visibly() {
    let backbone = at_work().await;
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    sqlx::query("INSERT INTO answer_leases VALUES ($1, 5, $2, now() - interval '1 second')")
        .bind(answer.uuid())
        .bind(user.uuid())
        .execute(backbone.store.pool())
        .await
        .unwrap();
    work(&backbone, worker_config(None));
    let event = ending(&backbone, id, answer).await;
    assert_eq!(failed(&event), (FailureReason::AttemptsExhausted, 5));
}

#[tokio::test]
async fn several_workers_share_the_questions_and_none_is_answered_twice() {
    let backbone = at_work().await;
    let model = ModelServer::start(&[Act::Say(WRITTEN)]).await;
    let workers = [(); 3].map(|()| work(&backbone, worker_config(Some(&model))));
    let user = backbone.user().await;
    let mut asked = vec![];
    for _ in 0..30 {
        let id = conversation();
        let (_, answer) = backbone.ask(user, id, QUESTION).await;
        asked.push((id, answer));
    }
    for (id, answer) in asked {
        let (_, attempt) = completed(ending(&backbone, id, answer).await);
        assert_eq!(attempt, 1);
    }
    assert_eq!(model.requests(), 30);
    let leases: i64 = until("no lease is left", async || {
        let count = sqlx::query_scalar("SELECT count(*) FROM answer_leases");
        let count: i64 = count.fetch_one(backbone.store.pool()).await.ok()?;
        (count == 0).then_some(count)
    })
    .await;
    assert_eq!(leases, 0);
    backbone.cancel.cancel();
    for worker in workers {
        worker.await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_survives_a_postgres_that_is_away_when_it_is_finished() {
    let data = embedded::DataDir::temporary().unwrap();
    let parts = embedded::Parts::locate(embedded::WithModel::No).await.unwrap();
    let postgres = embedded::Postgres::start(&parts, &data).await.unwrap();
    let database_url = postgres.create_database("away").await.unwrap();
    colloquy::store::migrate(&database_url).await.unwrap();
    let backbone = Backbone::on(database_url).await;
    backbone.seal();
    teach(&backbone).await;
    let model =
        ModelServer::start(&[Act::SaySlowly("one two three four five six seven eight nine ten")]).await;
    work(&backbone, worker_config(Some(&model)));
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
async fn a_follow_up_is_answered_with_what_was_said_before() {
    let backbone = at_work().await;
    let model = ModelServer::start(&[Act::Say(WRITTEN)]).await;
    work(&backbone, worker_config(Some(&model)));
    let (user, id) = (backbone.user().await, conversation());
    let (_, first) = backbone.ask(user, id, QUESTION).await;
    completed(ending(&backbone, id, first).await);
    let (_, second) = backbone.ask(user, id, "And who built it?").await;
    completed(ending(&backbone, id, second).await);
    assert_eq!(model.requests(), 3, "the second question was written anew before it was searched for");
    let said: Vec<String> = model.last_messages();
    assert!(said.iter().any(|message| message == QUESTION), "the first question is not remembered");
    assert!(said.iter().any(|message| message == WRITTEN), "the first answer is not remembered");
    assert!(said.last().unwrap().contains("And who built it?"));
}

#[tokio::test]
async fn a_worker_that_is_asked_to_end_finishes_its_answers_first() {
    let backbone = at_work().await;
    let model =
        ModelServer::start(&[Act::SaySlowly("one two three four five six seven eight nine ten")]).await;
    let worker = work(&backbone, worker_config(Some(&model)));
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    until("the model answers", async || model.is_answering().then_some(())).await;
    backbone.cancel.cancel();
    worker.await.unwrap();
    let (recorded, _) = completed(endings(&backbone, id, answer).await.pop().unwrap());
    assert!(recorded.text.ends_with("ten"));
}

#[tokio::test]
async fn with_jetstream_wiped_in_mid_answer_the_answer_is_whole_and_heard_once_more_from_its_beginning() {
    let data = embedded::DataDir::temporary().unwrap();
    let parts = embedded::Parts::locate(embedded::WithModel::No).await.unwrap();
    let server = embedded::Nats::start(&parts, &data).await.unwrap();
    let client = nats::connect(&server.url(), "test").await.unwrap();
    let backbone = Backbone { nats: client, ..Backbone::new().await };
    backbone.seal();
    backbone.project();
    teach(&backbone).await;
    let words =
        "a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h i j k l m n o p q r s t end";
    let model = ModelServer::start(&[Act::SaySlowly(words)]).await;
    work(&backbone, worker_config(Some(&model)));
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
    assert_eq!(first.kind, LiveKind::Started, "the new stream knows the answer from its beginning");
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
        .execute(backbone.store.pool())
        .await
        .unwrap();
    // A worker on subjects of its own hears of nothing.
    let deaf =
        Backbone { subjects: Subjects::new("deaf"), ..Backbone::on(backbone.database_url.clone()).await };
    work(&deaf, worker_config(None));
    let (recorded, _) = completed(ending(&backbone, id, answer).await);
    assert!(recorded.text.contains("sixty-one"));
}

#[tokio::test]
async fn a_new_consumer_passes_over_history_and_answers_what_is_pending() {
    let backbone = at_work().await;
    let (user, id) = (backbone.user().await, conversation());
    let mut answers = vec![];
    for _ in 0..150 {
        let (_, answer) = backbone.ask(user, id, QUESTION).await;
        let so_far = Answer { text: "enough".into(), citations: vec![] };
        backbone.command(user, id, Intent::Stop { answer_id: answer, so_far }).await;
        answers.push(answer);
    }
    let (_, pending) = backbone.ask(user, id, QUESTION).await;
    work(&backbone, worker_config(None));
    completed(ending(&backbone, id, pending).await);
    for answer in answers {
        assert_eq!(endings(&backbone, id, answer).await.len(), 1);
    }
}
