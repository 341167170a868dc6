//! Tests of answering, from the question to the citations.

use std::time::Duration;

use futures::StreamExt as _;
use rag::answer::{AnswerChunk, AnswerError, Answerer, Author, CutOff, FinishedAnswer, MAX_ANSWER_BYTES};
use rag::generate::{ChatConfig, ChatModel, Usage};
use rag::refusal::NO_ANSWER;
use rag::vocabulary::{OwnerId, SegmentVectors, Source, Turn};
use uuid::Uuid;

use crate::model_server::{Behavior, ModelServer};
use crate::services::{document_id, indexed_documents};

fn owner() -> OwnerId {
    OwnerId::from(Uuid::from_u128(1))
}

async fn sources(answerer: &Answerer, question: &str) -> Vec<Source> {
    let hits = answerer.retrieve(question, &[], owner()).await.unwrap().hits;
    hits.into_iter().map(|hit| hit.open_with(|_, _| Err::<Vec<u8>, _>(std::fmt::Error)).unwrap()).collect()
}

async fn answered(answerer: &Answerer, question: &str) -> (Vec<String>, Result<FinishedAnswer, AnswerError>) {
    answered_from(answerer, question, sources(answerer, question).await).await
}

async fn answered_from(
    answerer: &Answerer,
    question: &str,
    sources: Vec<Source>,
) -> (Vec<String>, Result<FinishedAnswer, AnswerError>) {
    let mut stream = Box::pin(answerer.answer(question.to_owned(), Vec::new(), sources));
    let mut deltas = Vec::new();
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(AnswerChunk::Delta(delta)) => deltas.push(delta),
            Ok(AnswerChunk::Reasoning(_)) => {}
            Ok(AnswerChunk::Void | AnswerChunk::Quotation) => deltas.clear(),
            Ok(AnswerChunk::Finished(answer)) => return (deltas, Ok(*answer)),
            Err(error) => return (deltas, Err(error)),
        }
    }
    panic!("the stream ended without an end or an error")
}

async fn model(behavior: Behavior) -> (ModelServer, ChatModel) {
    let server = ModelServer::start(behavior).await;
    let model = ChatModel::new(ChatConfig::new(&server.base_url, "test-model")).unwrap();
    (server, model)
}

#[tokio::test]
async fn without_a_model_the_sentence_that_answers_is_quoted() {
    let (embedder, index) = indexed_documents("quoting").await;
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
async fn passages_that_were_indexed_without_vectors_of_their_segments_are_quoted_too() {
    let (embedder, index) = indexed_documents("quoting_alone").await;
    let answerer = Answerer::new(embedder, index, None);
    let question = "When does the night train to Vienna leave?";
    let mut sources = sources(&answerer, question).await;
    assert!(sources.iter().all(|source| !source.passage.vectors.is_empty()));
    for source in &mut sources {
        source.passage.vectors = SegmentVectors::default();
    }
    let (_, answer) = answered_from(&answerer, question, sources).await;
    assert!(answer.unwrap().text.contains("20:33"));
}

#[tokio::test]
async fn a_followup_question_is_answered_by_quotation() {
    let (embedder, index) = indexed_documents("leaning_quote").await;
    let answerer = Answerer::new(embedder, index, None);
    let history = vec![
        Turn::Question("Tell me about the night train to Vienna".into()),
        Turn::Answer("It runs.".into()),
    ];
    let question = "And when does it leave?";
    let hits = answerer.retrieve(question, &history, owner()).await.unwrap().hits;
    let sources =
        hits.into_iter().map(|hit| hit.open_with(|_, _| Err::<Vec<u8>, _>(std::fmt::Error)).unwrap());
    let chunks: Vec<_> = answerer.answer(question.into(), history, sources.collect()).collect().await;
    let Some(Ok(AnswerChunk::Finished(answer))) = chunks.last() else { panic!("not finished") };
    assert!(answer.text.contains("20:33"), "{}", answer.text);
}

#[tokio::test]
async fn the_model_rewrites_a_followup_question_for_the_search() {
    let (embedder, index) = indexed_documents("rewritten").await;
    let history =
        [Turn::Question("What is a swarm?".into()), Turn::Answer("Half of the bees of a hive.".into())];
    // The terms of both questions belong to another document; only the rewritten question leads to this one.
    let (server, chat) =
        model(Behavior::Complete(vec!["\"At how many degrees ", "is a loaf baked?\""])).await;
    let answerer = Answerer::new(embedder.clone(), index.clone(), Some(chat));
    let hits = answerer.retrieve("And how hot is that?", &history, owner()).await.unwrap().hits;
    assert_eq!(hits[0].id.document_id, document_id(1));
    let asked = server.requests().remove(0).1.to_string();
    assert!(asked.contains("What is a swarm?") && asked.contains("And how hot is that?"));
    // A question that names its subject is not sent to the model.
    answerer.retrieve("How many eggs does a queen lay in summer?", &history, owner()).await.unwrap();
    assert_eq!(server.requests().len(), 1);
    // Without the model, the question is searched with the one before it.
    let (_away, chat) = model(Behavior::Status(503)).await;
    let answerer = Answerer::new(embedder, index, Some(chat));
    let hits = answerer.retrieve("And how hot is that?", &history, owner()).await.unwrap().hits;
    assert_eq!(hits[0].id.document_id, document_id(2));
}

#[tokio::test]
async fn an_unanswerable_question_is_refused_without_citations() {
    let (embedder, index) = indexed_documents("unanswerable").await;
    let (_server, model) = model(Behavior::Complete(vec!["never asked"])).await;
    for answerer in
        [Answerer::new(embedder.clone(), index.clone(), None), Answerer::new(embedder, index, Some(model))]
    {
        let answer = answered(&answerer, "How do I file a tax return?").await.1.unwrap();
        assert_eq!(answer.text, NO_ANSWER);
        assert!(answer.citations.is_empty());
    }
}

#[tokio::test]
async fn the_answer_of_a_model_is_streamed_with_valid_citations() {
    let (embedder, index) = indexed_documents("model").await;
    let (server, model) = model(Behavior::Complete(vec!["At 20:33 ", "[", "1].", " Or not [17]", "."])).await;
    let answerer = Answerer::new(embedder, index, Some(model));
    let (deltas, answer) = answered(&answerer, "When does the night train to Vienna leave?").await;
    let answer = answer.unwrap();
    assert_eq!(answer.text, "At 20:33 [1]. Or not.");
    assert_eq!(deltas.concat(), answer.text);
    assert_eq!(answer.citations.iter().map(|c| c.number).collect::<Vec<_>>(), [1]);
    assert_eq!(answer.usage, Usage { prompt_tokens: 21, completion_tokens: 7 });
    let Author::Model { name, prompt_version, prompt_sha256, .. } = answer.provenance.author else {
        panic!("quoted")
    };
    assert_eq!((name.as_str(), prompt_version, prompt_sha256.len()), ("test-model", "answer.v1", 64));
    let body = server.requests().remove(0).1.to_string();
    assert!(body.contains("platform fourteen") && body.contains("When does the night train"));
}

#[tokio::test]
async fn usage_is_estimated_when_the_server_does_not_report_it() {
    let (embedder, index) = indexed_documents("uncounted").await;
    let (_server, model) = model(Behavior::CompleteWithoutUsage(vec!["At 20:33 [1]."])).await;
    let answerer = Answerer::new(embedder, index, Some(model));
    let answer = answered(&answerer, "When does the night train to Vienna leave?").await.1.unwrap();
    assert!(answer.usage.prompt_tokens > 50 && answer.usage.completion_tokens > 2);
}

#[tokio::test]
async fn the_sources_are_quoted_while_the_model_is_unavailable() {
    let (embedder, index) = indexed_documents("away").await;
    let (_server, model) = model(Behavior::Status(503)).await;
    let answerer = Answerer::new(embedder, index, Some(model));
    let answer = answered(&answerer, "When does the night train to Vienna leave?").await.1.unwrap();
    assert_eq!(answer.provenance.author, Author::Quoted);
    assert!(answer.text.contains("20:33"));
}

#[tokio::test]
async fn an_answer_without_end_ends_at_its_largest_size_and_the_model_is_left_alone() {
    let (embedder, index) = indexed_documents("flood").await;
    // A citation, and characters of three bytes, so that the limit is within one.
    let (server, model) = model(Behavior::Flood("€€€ as it says [1] ".repeat(100))).await;
    let answerer = Answerer::new(embedder, index, Some(model));
    let (deltas, answer) = answered(&answerer, "When does the night train to Vienna leave?").await;
    let answer = answer.unwrap();
    assert!((MAX_ANSWER_BYTES - 3..=MAX_ANSWER_BYTES).contains(&answer.text.len()), "{}", answer.text.len());
    assert_eq!(deltas.concat(), answer.text);
    assert_eq!(answer.citations.len(), 1);
    assert!(answer.usage.completion_tokens > 10_000);
    tokio::time::timeout(Duration::from_mins(1), server.all_responses_ended()).await.unwrap();
}

#[tokio::test]
async fn a_refusal_and_an_interruption_are_errors() {
    let (embedder, index) = indexed_documents("errors").await;
    for (behavior, transient) in
        [(Behavior::Status(401), false), (Behavior::CloseAfter(vec!["Half an"]), true)]
    {
        let (_server, model) = model(behavior).await;
        let answerer = Answerer::new(embedder.clone(), index.clone(), Some(model));
        let error = answered(&answerer, "When does the night train to Vienna leave?").await.1.unwrap_err();
        assert_eq!(error.is_transient(), transient, "{error}");
    }
}

/// The events of a stream.
fn events(events: &[&str]) -> Behavior {
    Behavior::Raw(events.iter().map(|event| format!("data: {event}\n\n")).collect::<Vec<_>>().concat())
}

#[tokio::test]
async fn reasoning_stays_apart_from_the_text_and_cites_nothing() {
    let (embedder, index) = indexed_documents("reasoning").await;
    for stream in [
        events(&[
            r#"{"choices":[{"delta":{"reasoning_content":"Not [2]."}}]}"#,
            r#"{"choices":[{"delta":{"content":"At 20:33 [1]."},"finish_reason":"stop"}]}"#,
        ]),
        events(&[
            r#"{"choices":[{"delta":{"content":"Not [2]."}}]}"#,
            r#"{"choices":[{"delta":{"content":"</think>\n\nAt 20:33 [1]."},"finish_reason":"stop"}]}"#,
        ]),
    ] {
        let (_server, model) = model(stream).await;
        let answerer = Answerer::new(embedder.clone(), index.clone(), Some(model));
        let (deltas, answer) = answered(&answerer, "When does the night train to Vienna leave?").await;
        let answer = answer.unwrap();
        assert_eq!((answer.text.as_str(), answer.reasoning.as_str()), ("At 20:33 [1].", "Not [2]."));
        assert_eq!(deltas.concat(), answer.text);
        let cited: Vec<u32> = answer.citations.iter().map(|citation| citation.number).collect();
        assert_eq!(cited, [1]);
    }
}

#[tokio::test]
async fn a_model_that_writes_no_text_is_replaced_by_quotation_and_a_filter_is_an_error() {
    let (embedder, index) = indexed_documents("no_text").await;
    let question = "When does the night train to Vienna leave?";
    let ends = [
        r#"{"choices":[{"delta":{"reasoning":"Hm."}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#,
    ];
    let (server, thinking) = model(events(&ends)).await;
    let answerer = Answerer::new(embedder.clone(), index.clone(), Some(thinking));
    let (deltas, answer) = answered(&answerer, question).await;
    let answer = answer.unwrap();
    assert_eq!(answer.provenance.author, Author::Quoted);
    assert_eq!((deltas.concat(), answer.reasoning.as_str()), (answer.text.clone(), ""));
    let limits: Vec<u64> =
        server.requests().iter().filter_map(|(_, body)| body["max_tokens"].as_u64()).collect();
    assert!(
        limits.len() == 2 && limits[1] > limits[0],
        "the second request leaves room for reasoning: {limits:?}"
    );
    let (_server, filtered) =
        model(events(&[r#"{"choices":[{"delta":{},"finish_reason":"content_filter"}]}"#])).await;
    let answerer = Answerer::new(embedder, index, Some(filtered));
    let (_, answer) = answered(&answerer, question).await;
    assert!(matches!(answer, Err(AnswerError::Model(ref error)) if !error.is_transient()), "{answer:?}");
}

#[tokio::test]
async fn an_answer_that_reached_its_limit_says_so() {
    let (embedder, index) = indexed_documents("cut_off").await;
    let (_server, model) =
        model(events(&[r#"{"choices":[{"delta":{"content":"At"},"finish_reason":"length"}]}"#])).await;
    let answerer = Answerer::new(embedder, index, Some(model));
    let (_, answer) = answered(&answerer, "When does the night train to Vienna leave?").await;
    assert_eq!(answer.unwrap().cut_off, Some(CutOff::Tokens));
}
