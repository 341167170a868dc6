//! Tests of the local embedding model.

use rag::embed::{DIMENSIONS, EmbedError, Embedder, EmbedderConfig, cosine};
use rag::split::{MAX_TOKENS, Splitter};
use rag::vocabulary::{Markup, PassageText};
use tokenizers::Tokenizer;

use crate::services::{BEES, BREAD, embedder};

#[tokio::test]
async fn a_question_is_nearer_to_the_passage_that_answers_it() {
    let embedder = embedder().await;
    let question = embedder.embed_query("How long does dough need to rise?").await.unwrap();
    let passage = |text: &str| PassageText { text: text.into(), ..PassageText::default() };
    let vectors = embedder.embed_passages(&[passage(BREAD), passage(BEES)]).await.unwrap();
    assert_eq!(question.len(), DIMENSIONS);
    assert!((cosine(&question, &question) - 1.0).abs() < 1e-3);
    assert!(cosine(&question, &vectors[0]) > cosine(&question, &vectors[1]) + 0.05);
}

#[tokio::test]
async fn each_segment_has_a_vector_in_the_context_of_its_passage() {
    let embedder = embedder().await;
    let (rises, hive) = ("It rises for twelve hours.", "The old queen leaves the hive.");
    let passage = || PassageText {
        heading: vec!["Bread and bees".into()],
        text: format!("A loaf of *sourdough* is slow. {rises} {hive}"),
        ..PassageText::default()
    };
    let (read, vector) = embedder.embed_in_segments(vec![passage()]).await.unwrap().remove(0);
    assert_eq!([vector].as_slice(), embedder.embed_passages(&[passage()]).await.unwrap());
    let question = embedder.embed_query("How long does sourdough rise?").await.unwrap();
    let nearness = |segment: &str| cosine(&question, &read.vectors.get(segment).unwrap());
    assert!(nearness("Bread and bees") > 0.5 && nearness("A loaf of sourdough is slow.") > 0.5);
    assert!(nearness(rises) > nearness(hive));
}

#[tokio::test]
async fn a_vector_does_not_depend_on_the_other_texts_of_the_call() {
    let embedder = embedder().await;
    let alone = embedder.embed(vec!["a short text".into()]).await.unwrap().remove(0);
    let among =
        embedder.embed(vec!["word ".repeat(300), "a short text".into(), String::new()]).await.unwrap();
    assert_eq!(alone, among[1]);
}

#[tokio::test]
async fn concurrent_calls_all_return_vectors() {
    let embedder = embedder().await;
    let questions = (0..20).map(|number| {
        let embedder = embedder.clone();
        tokio::spawn(async move { embedder.embed_query(&format!("question {number}")).await })
    });
    for question in questions {
        assert_eq!(question.await.unwrap().unwrap().len(), DIMENSIONS);
    }
}

#[tokio::test]
async fn passages_are_split_by_the_tokens_of_the_model() {
    let embedder = embedder().await;
    let splitter = Splitter::from_file(embedder.tokenizer_file()).unwrap();
    let mut tokenizer = Tokenizer::from_bytes(embedder.tokenizer_file()).unwrap();
    tokenizer.with_truncation(None).unwrap();
    let document = format!("# Title\n\n{}", BREAD.replace('#', "").repeat(30));
    let passages = splitter.split(Markup::Markdown, &document);
    assert!(passages.len() > 4);
    for passage in passages {
        assert!(tokenizer.encode(passage.text, false).unwrap().len() <= MAX_TOKENS);
    }
}

/// Vectors of the same weights by the engine that they were published with, in C.
const RECORDED: &str = include_str!("recorded_vectors.json");

#[derive(serde::Deserialize)]
struct Recorded {
    text: String,
    vector: Vec<f32>,
}

#[tokio::test]
async fn the_converted_model_has_the_vectors_of_the_engine_it_came_from() {
    let embedder = embedder().await;
    for Recorded { text, vector } in serde_json::from_str::<Vec<Recorded>>(RECORDED).unwrap() {
        let computed = embedder.embed(vec![text.clone()]).await.unwrap().remove(0);
        let cosine = cosine(&computed, &vector);
        assert!(cosine > 0.99, "{text}: {cosine}");
    }
}

#[tokio::test]
async fn a_question_finds_its_passage_in_another_language() {
    let embedder = embedder().await;
    let passage = |text: &str| PassageText { text: text.into(), ..PassageText::default() };
    let passages = [passage("退货的运费由买方承担。"), passage("商店在冬天关门。")];
    let vectors = embedder.embed_passages(&passages).await.unwrap();
    let question = embedder.embed_query("Wer zahlt den Rückversand?").await.unwrap();
    assert!(cosine(&question, &vectors[0]) > cosine(&question, &vectors[1]));
}

#[tokio::test]
async fn the_error_names_a_missing_file() {
    let error = Embedder::load(EmbedderConfig::new("/nowhere", "/nowhere/lib.so")).await.err().unwrap();
    assert!(matches!(&error, EmbedError::File { .. }) && error.to_string().contains("/nowhere"), "{error}");
}
