//! A new attempt continues the text that an interrupted one has shown.

use std::time::Duration;

use aggregates::conversation::ConversationEvent;
use colloquy::config::OfferedModel;
use colloquy::roles::Role;
use nats::LiveKind;
use rag::generate::{ChatConfig, Continuation};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::answering::{
    self, Heard, QUESTION, WRITTEN, WorkerProcess, at_work, backbone_named, completed, ending,
    owner_of_knowledge, teach, work_continuing,
};
use crate::support::backbone::conversation;
use crate::support::model_server::{Act, ModelServer};
use crate::support::person::Told;
use crate::support::product::Product;
use crate::support::waiting::until;

/// A product whose model continues answers, and counts as silent after a second.
async fn continuing(model: &ModelServer) -> Product {
    let offered = answering::offered("Large", model, 1.0);
    let (continuation, idle_timeout) = (Some(Continuation::ContinueFinalMessage), Duration::from_secs(1));
    let chat = ChatConfig { continuation, idle_timeout, ..offered.chat };
    let mut config = answering::offering(vec![OfferedModel { chat, ..offered }]).await;
    config.worker.model.model_titles = false;
    Product::on(config, &Role::ALL).await
}

/// The text of a stream's answer as a client has it, which never has a hole; and where its attempts began.
fn joined(told: &[Told]) -> (String, Vec<(u64, usize)>) {
    let (mut text, mut begun) = (String::new(), Vec::new());
    for Told { event, data, .. } in told {
        if event == "answer.started" {
            let from = usize::try_from(data["from"].as_u64().unwrap()).unwrap();
            text.truncate(from);
            assert_eq!(text.len(), from, "the client has the text that is kept");
            begun.push((data["attempt"].as_u64().unwrap(), from));
        }
        if event == "answer.delta" {
            assert_eq!(data["offset"], json!(text.len()));
            text.push_str(data["text"].as_str().unwrap());
        }
    }
    (text, begun)
}

fn has_ended(told: &Told) -> bool {
    ["answer.completed", "answer.failed", "answer.stopped"].contains(&told.event.as_str())
}

#[tokio::test]
async fn after_silence_in_a_citation_mark_the_text_stays_and_every_token_counts_once() {
    let model =
        ModelServer::start(&[Act::Stall("It has sixty-one bars ["), Act::Say(" [1] of rosewood [7].")]).await;
    let product = continuing(&model).await;
    let person = owner_of_knowledge(&product).await;
    let conversation = Uuid::now_v7();
    person.ask(conversation, QUESTION).await;
    let path = format!("/v1/conversations/{conversation}/stream");
    let interrupted = async {
        let mut told: Vec<Told> = person.listen(&path, None, |_| true).await;
        while !has_ended(told.last().unwrap()) {
            let last = told.last().unwrap().id.clone();
            told.extend(person.listen(&path, Some(&last), |_| true).await);
        }
        told
    };
    let (told, interrupted) = tokio::join!(person.listen(&path, None, has_ended), interrupted);
    let text = "It has sixty-one bars [1] of rosewood.";
    let kept = "It has sixty-one bars".len();
    assert_eq!(joined(&told), (text.to_owned(), vec![(1, 0), (2, kept)]));
    assert_eq!(joined(&interrupted).0, text);
    let finished = &told.last().unwrap().data;
    assert_eq!((&finished["text"], &finished["model"]), (&json!(text), &json!("Large")));
    assert_eq!(finished["citations"].as_array().unwrap().len(), 1);
    assert_eq!(model.continued(), [None, Some("It has sixty-one bars".to_owned())]);
    // The server reports 7 tokens of the second attempt. The text of the first is estimated.
    let estimated = "It has sixty-one bars [".len().div_ceil(3);
    let of_model = |page: &Value| {
        let days = page["items"].as_array().unwrap();
        let day = days.iter().find(|day| day["model"] == "Large")?;
        Some((day["completion_tokens"].as_u64()?, day["answers"].as_u64()?))
    };
    let expected = Some((7 + estimated as u64, 1));
    person.until_shown("/v1/usage", |page| of_model(page) == expected).await;
    product.end().await;
}

#[tokio::test]
async fn reasoning_alone_is_not_continued_and_stays_with_the_text_behind_it() {
    let (backbone, prefix) = backbone_named().await;
    backbone.sequence();
    teach(&backbone).await;
    let acts = [
        Act::Stall("<think>Source 1 counts "),
        Act::BreakOff("<think>Sixty-one.</think>It has "),
        Act::Say(" sixty-one bars [1]."),
    ];
    let model = ModelServer::start(&acts).await;
    let mut killed = WorkerProcess::start_with(&backbone, &prefix, &model, "message");
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    let heard = Heard::listen(&backbone, user, id, answer).await;
    until("the model thinks", async || {
        let is_reasoning = |kind: &LiveKind| matches!(kind, LiveKind::Reasoning { .. });
        heard.all().iter().any(|(_, kind, _)| is_reasoning(kind)).then_some(())
    })
    .await;
    let _replacement = WorkerProcess::start_with(&backbone, &prefix, &model, "message");
    killed.kill();
    let (recorded, attempt) = completed(ending(&backbone, id, answer).await);
    assert_eq!((recorded.text.as_str(), attempt), ("It has sixty-one bars [1].", 3));
    assert_eq!((recorded.reasoning.as_str(), recorded.citations.len()), ("Sixty-one.", 1));
    // A title is requested afterwards.
    assert_eq!(model.continued()[..3], [None, None, Some("It has".to_owned())]);
}

#[tokio::test]
async fn a_worker_that_takes_over_continues_the_text_of_the_one_that_was_killed() {
    let (backbone, prefix) = backbone_named().await;
    backbone.sequence();
    teach(&backbone).await;
    let model = ModelServer::start(&[Act::Stall("It has sixty-one "), Act::Say(" bars [1].")]).await;
    let mut killed = WorkerProcess::start_with(&backbone, &prefix, &model, "message");
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    let heard = Heard::listen(&backbone, user, id, answer).await;
    until("the answer has begun", async || heard.text(1).contains("sixty-one").then_some(())).await;
    let _replacement = WorkerProcess::start_with(&backbone, &prefix, &model, "message");
    killed.kill();
    let (recorded, attempt) = completed(ending(&backbone, id, answer).await);
    assert_eq!((recorded.text.as_str(), attempt), ("It has sixty-one bars [1].", 2));
    assert_eq!(recorded.citations.len(), 1);
    until("the whole text was sent", async || (heard.text(2) == recorded.text).then_some(())).await;
    let from = heard.all().into_iter().find_map(|(attempt, kind, _)| match kind {
        LiveKind::Started { from, .. } if attempt == 2 => Some(from),
        _ => None,
    });
    assert_eq!(from, Some("It has sixty-one".len() as u64));
}

#[tokio::test]
async fn an_answer_that_begins_again_is_void_and_the_model_is_not_asked_to_continue_any_more() {
    let backbone = at_work().await;
    let broken = Act::BreakOff("It has sixty-one bars ");
    let model =
        ModelServer::start(&[broken, Act::Say(WRITTEN), Act::Say(WRITTEN), broken, Act::Say(WRITTEN)]).await;
    work_continuing(&backbone, &model);
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    let event = ending(&backbone, id, answer).await;
    let ConversationEvent::AnswerCompleted { usage, .. } = &event else { panic!("{event:?}") };
    // The repetition was left before its end; of the new answer the server reports 7 tokens.
    assert!(usage.completion_tokens > 7, "{usage:?}");
    let (recorded, attempt) = completed(event);
    assert_eq!((recorded.text.as_str(), attempt), (WRITTEN, 2));
    let (_, second) = backbone.ask(user, conversation(), QUESTION).await;
    assert_eq!(model.continued()[..3], [None, Some("It has sixty-one bars".to_owned()), None]);
    until("the second answer was asked for again", async || (model.requests() == 5).then_some(())).await;
    assert_eq!(model.continued()[3..], [None, None], "{second}");
}

#[tokio::test]
async fn a_server_that_refuses_the_text_is_asked_for_a_new_answer_and_that_is_remembered() {
    let backbone = at_work().await;
    let broken = Act::BreakOff("Perhaps a hundred ");
    let model =
        ModelServer::start(&[broken, Act::Status(400), Act::Say(WRITTEN), broken, Act::Say(WRITTEN)]).await;
    work_continuing(&backbone, &model);
    let (user, id) = (backbone.user().await, conversation());
    for requests in [3, 5] {
        let (_, answer) = backbone.ask(user, id, QUESTION).await;
        let (recorded, attempt) = completed(ending(&backbone, id, answer).await);
        assert_eq!((recorded.text.as_str(), attempt, model.requests()), (WRITTEN, 2, requests));
    }
    let begun = Some("Perhaps a hundred".to_owned());
    assert_eq!(model.continued(), [None, begun, None, None, None]);
}
