//! What answering promises, from question to citations.

use futures::StreamExt as _;
use rag::answer::{AnswerChunk, AnswerError, Answerer, Author, FinishedAnswer};
use rag::generate::{ChatConfig, ChatModel, Usage};
use rag::vocabulary::{NO_ANSWER, OwnerId, Source, Turn};
use uuid::Uuid;

use crate::model_server::{Act, ModelServer};
use crate::services::{document_id, library};

fn somebody() -> OwnerId {
    OwnerId::from(Uuid::from_u128(1))
}

async fn sources(answerer: &Answerer, question: &str) -> Vec<Source> {
    let hits = answerer.retrieve(question, &[], somebody()).await.unwrap();
    hits.into_iter().map(|hit| hit.open_with(|_, _| Err::<Vec<u8>, _>(std::fmt::Error)).unwrap()).collect()
}

async fn answered(answerer: &Answerer, question: &str) -> (Vec<String>, Result<FinishedAnswer, AnswerError>) {
    let sources = sources(answerer, question).await;
    let mut stream = Box::pin(answerer.answer(question.to_owned(), Vec::new(), sources));
    let mut deltas = Vec::new();
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(AnswerChunk::Delta(delta)) => deltas.push(delta),
            Ok(AnswerChunk::Finished(answer)) => return (deltas, Ok(*answer)),
            Err(error) => return (deltas, Err(error)),
        }
    }
    panic!("the answer ended without saying how")
}

async fn model(act: Act) -> (ModelServer, ChatModel) {
    let server = ModelServer::start(act).await;
    let model = ChatModel::new(ChatConfig::new(&server.base_url, "test-model")).unwrap();
    (server, model)
}

#[tokio::test]
async fn without_a_model_the_sentence_that_answers_is_quoted() {
    let (embedder, index) = library("quoting").await;
    let answerer = Answerer::new(embedder, index.clone(), None);
    let (deltas, answer) = answered(&answerer, "When does the night train to Vienna leave?").await;
    let answer = answer.unwrap();
    assert!(answer.text.contains("20:33") && answer.text.contains("[1]"), "{}", answer.text);
    assert!(deltas.len() > 2);
    assert_eq!(deltas.concat(), answer.text);
    assert_eq!(answer.citations[0].number, 1);
    assert_eq!(answer.citations[0].document_id, document_id(3));
    assert_eq!(answer.citations[0].title, "Night trains");
    assert!(answer.citations[0].snippet.starts_with("The night train"));
    assert_eq!(answer.provenance.author, Author::Quoted);
    assert_eq!(answer.provenance.index_version, index.collection());
    assert_eq!(answer.usage, Usage::default());
}

#[tokio::test]
async fn a_question_that_leans_on_the_conversation_is_answered_by_quoting() {
    let (embedder, index) = library("leaning_quote").await;
    let answerer = Answerer::new(embedder, index, None);
    let history = vec![
        Turn::Question("Tell me about the night train to Vienna".into()),
        Turn::Answer("It runs.".into()),
    ];
    let question = "And when does it leave?";
    let hits = answerer.retrieve(question, &history, somebody()).await.unwrap();
    let sources =
        hits.into_iter().map(|hit| hit.open_with(|_, _| Err::<Vec<u8>, _>(std::fmt::Error)).unwrap());
    let chunks: Vec<_> = answerer.answer(question.into(), history, sources.collect()).collect().await;
    let Some(Ok(AnswerChunk::Finished(answer))) = chunks.last() else { panic!("not finished") };
    assert!(answer.text.contains("20:33"), "{}", answer.text);
}

#[tokio::test]
async fn a_model_writes_a_leaning_question_anew_and_that_is_searched_for() {
    let (embedder, index) = library("rewritten").await;
    let history =
        [Turn::Question("What is a swarm?".into()), Turn::Answer("Half of the bees of a hive.".into())];
    // Its terms and those of the question before lead elsewhere; only what the model makes of it leads there.
    let (server, chat) = model(Act::Say(vec!["\"At how many degrees ", "is a loaf baked?\""])).await;
    let answerer = Answerer::new(embedder.clone(), index.clone(), Some(chat));
    let hits = answerer.retrieve("And how hot is that?", &history, somebody()).await.unwrap();
    assert_eq!(hits[0].id.document_id, document_id(1));
    let asked = server.requests().remove(0).1.to_string();
    assert!(asked.contains("What is a swarm?") && asked.contains("And how hot is that?"));
    // A question that stands alone is not sent.
    answerer.retrieve("How many eggs does a queen lay in summer?", &history, somebody()).await.unwrap();
    assert_eq!(server.requests().len(), 1);
    // Without the model's help the terms of the conversation have to do.
    let (_away, chat) = model(Act::Status(503)).await;
    let answerer = Answerer::new(embedder, index, Some(chat));
    let hits = answerer.retrieve("And how hot is that?", &history, somebody()).await.unwrap();
    assert_eq!(hits[0].id.document_id, document_id(2));
}

#[tokio::test]
async fn where_nothing_answers_that_is_said_and_nothing_cited() {
    let (embedder, index) = library("unanswerable").await;
    let (_server, model) = model(Act::Say(vec!["never asked"])).await;
    for answerer in
        [Answerer::new(embedder.clone(), index.clone(), None), Answerer::new(embedder, index, Some(model))]
    {
        let answer = answered(&answerer, "How do I file a tax return?").await.1.unwrap();
        assert_eq!(answer.text, NO_ANSWER);
        assert!(answer.citations.is_empty());
    }
}

#[tokio::test]
async fn a_models_answer_is_streamed_and_its_citations_checked() {
    let (embedder, index) = library("model").await;
    let (server, model) = model(Act::Say(vec!["At 20:33 ", "[", "1].", " Or not [17]", "."])).await;
    let answerer = Answerer::new(embedder, index, Some(model));
    let (deltas, answer) = answered(&answerer, "When does the night train to Vienna leave?").await;
    let answer = answer.unwrap();
    assert_eq!(answer.text, "At 20:33 [1]. Or not.");
    assert_eq!(deltas.concat(), answer.text);
    assert_eq!(answer.citations.iter().map(|c| c.number).collect::<Vec<_>>(), [1]);
    assert_eq!(answer.usage, Usage { prompt_tokens: 21, completion_tokens: 7 });
    let Author::Model { name, prompt_version, prompt_sha256 } = answer.provenance.author else {
        panic!("quoted")
    };
    assert_eq!((name.as_str(), prompt_version, prompt_sha256.len()), ("test-model", "answer.v1", 64));
    let body = server.requests().remove(0).1.to_string();
    assert!(body.contains("platform fourteen") && body.contains("When does the night train"));
}

#[tokio::test]
async fn usage_is_estimated_when_the_model_does_not_count() {
    let (embedder, index) = library("uncounted").await;
    let (_server, model) = model(Act::SayUncounted(vec!["At 20:33 [1]."])).await;
    let answerer = Answerer::new(embedder, index, Some(model));
    let answer = answered(&answerer, "When does the night train to Vienna leave?").await.1.unwrap();
    assert!(answer.usage.prompt_tokens > 50 && answer.usage.completion_tokens > 2);
}

#[tokio::test]
async fn while_the_model_is_away_the_sources_are_quoted() {
    let (embedder, index) = library("away").await;
    let (_server, model) = model(Act::Status(503)).await;
    let answerer = Answerer::new(embedder, index, Some(model));
    let answer = answered(&answerer, "When does the night train to Vienna leave?").await.1.unwrap();
    assert_eq!(answer.provenance.author, Author::Quoted);
    assert!(answer.text.contains("20:33"));
}

#[tokio::test]
async fn a_model_that_refuses_or_breaks_off_is_an_error() {
    let (embedder, index) = library("errors").await;
    for (act, transient) in [(Act::Status(401), false), (Act::Drop(vec!["Half an"]), true)] {
        let (_server, model) = model(act).await;
        let answerer = Answerer::new(embedder.clone(), index.clone(), Some(model));
        let error = answered(&answerer, "When does the night train to Vienna leave?").await.1.unwrap_err();
        assert_eq!(error.is_transient(), transient, "{error}");
    }
}
