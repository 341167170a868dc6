//! Questions on their way to answers: cited, stopped, retried, given up.

use std::time::{Duration, Instant};

use aggregates::conversation::{Answer, Citation, ConversationEvent, FailureReason, Intent};
use async_nats::jetstream;
use nats::LiveKind;

use crate::support::answering::{
    Heard, QUESTION, WRITTEN, at_work, completed, ending, failed, work, work_on,
};
use crate::support::backbone::{Backbone, conversation};
use crate::support::model_server::{Act, ModelServer};
use crate::support::product::knowledge_config;
use crate::support::waiting::until;

#[tokio::test]
async fn without_a_model_the_answer_is_quoted_cited_and_streamed_as_it_is_recorded() {
    let backbone = at_work().await;
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    let heard = Heard::listen(&backbone, user, id, answer).await;
    let worker = work(&backbone, None);

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
    assert!(matches!(messages.first(), Some((1, LiveKind::Started { .. }, _))));
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
async fn a_model_writes_the_answer_and_its_usage_and_provenance_are_recorded() {
    let backbone = at_work().await;
    let model = ModelServer::start(&[Act::Say(WRITTEN)]).await;
    work(&backbone, Some(&model));
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
    work(&backbone, Some(&model));
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
    work(&backbone, Some(&model));
    let (recorded, attempt) = completed(ending(&backbone, id, answer).await);
    assert_eq!((recorded.text.as_str(), attempt), (WRITTEN, 2));
    until("the new attempt was heard", async || (heard.text(2) == WRITTEN).then_some(())).await;
    assert!(heard.text(1).starts_with("Perhaps"));
}

#[tokio::test]
async fn a_model_that_always_breaks_off_fails_the_answer_visibly_after_five_attempts() {
    let backbone = at_work().await;
    let model = ModelServer::start(&[Act::BreakOff("Perhaps ")]).await;
    work(&backbone, Some(&model));
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
    work(&backbone, Some(&model));
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    let event = ending(&backbone, id, answer).await;
    assert_eq!(failed(&event), (FailureReason::ModelRefused, 1));
}

#[tokio::test]
async fn with_the_index_away_the_answer_fails_and_says_so() {
    let backbone = Backbone::new().await;
    backbone.sequence();
    let nobody = format!("http://{}", embedded::free_port().unwrap());
    let mut knowledge = knowledge_config();
    knowledge.qdrant.qdrant_url = nobody;
    work_on(&backbone, None, knowledge);
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    let event = ending(&backbone, id, answer).await;
    assert_eq!(failed(&event), (FailureReason::KnowledgeUnavailable, 5));
}

#[tokio::test]
async fn a_stop_ends_the_work_within_200_milliseconds() {
    let backbone = at_work().await;
    let model = ModelServer::start(&[Act::Stall("Let me think ")]).await;
    work(&backbone, Some(&model));
    let mut fastest = Duration::MAX;
    // Of several, since a busy machine may hold up any one of them.
    for _ in 0..3 {
        let (user, id) = (backbone.user().await, conversation());
        let (_, answer) = backbone.ask(user, id, QUESTION).await;
        let heard = Heard::listen(&backbone, user, id, answer).await;
        until("the model answers", async || model.is_answering().then_some(())).await;
        until("it was heard", async || heard.text(1).starts_with("Let me").then_some(())).await;
        let so_far = Answer { text: heard.text(1), ..Answer::default() };
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
async fn several_workers_share_the_questions_and_none_is_answered_twice() {
    let backbone = at_work().await;
    let model = ModelServer::start(&[Act::Say(WRITTEN)]).await;
    let workers = [(); 3].map(|()| work(&backbone, Some(&model)));
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
    let leases: i64 = until("the queue is empty", async || {
        let count = sqlx::query_scalar("SELECT count(*) FROM answer_queue");
        let count: i64 = count.fetch_one(&backbone.pool).await.ok()?;
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
async fn a_follow_up_is_answered_with_the_earlier_turns() {
    let backbone = at_work().await;
    let model = ModelServer::start(&[Act::Say(WRITTEN)]).await;
    work(&backbone, Some(&model));
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
async fn a_question_is_answered_with_the_newest_turns_of_its_branch_in_their_order() {
    let backbone = at_work().await;
    let (user, id) = (backbone.user().await, conversation());
    let mut expected = vec![];
    for number in 0..20 {
        let question = format!("Question {number} about the marimba");
        let (_, answer) = backbone.ask(user, id, &question).await;
        let text = format!("Answer {number} about the marimba");
        let so_far = Answer { text: text.clone(), ..Answer::default() };
        backbone.command(user, id, Intent::Stop { answer_id: answer, so_far }).await;
        expected.extend([question, text]);
    }
    let model = ModelServer::start(&[Act::Say(WRITTEN)]).await;
    work(&backbone, Some(&model));
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    completed(ending(&backbone, id, answer).await);
    let said = model.last_messages();
    assert_eq!(said[1..said.len() - 1], expected, "20 short turns fit, read in three pages");
}
