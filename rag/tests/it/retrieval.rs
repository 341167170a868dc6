//! Tests of retrieval.

use rag::ingest::Ingester;
use rag::retrieve::Retriever;
use rag::vocabulary::{Asker, OwnerId, PassageBody, Scope, TermKey, Turn};
use uuid::Uuid;

use crate::services::{BREAD, document, document_id, embedder, index, indexed_documents, passages};

fn owner(number: u128) -> OwnerId {
    OwnerId::from(Uuid::from_u128(number))
}

#[tokio::test]
async fn the_passage_that_answers_ranks_first() {
    let (embedder, index) = indexed_documents("first").await;
    let retriever = Retriever::new(embedder, index);
    for (question, number) in [
        ("How hot must the oven be for a loaf?", 1),
        ("what happens when bees have no more room", 2),
        ("couchettes", 3),
        ("Can I take my bike on the train?", 3),
    ] {
        let hits = retriever.retrieve(question, &[], owner(1)).await.unwrap().hits;
        assert_eq!(hits[0].id.document_id, document_id(number), "{question}");
        assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
    }
}

#[tokio::test]
async fn an_unrelated_question_has_no_hits() {
    let (embedder, index) = indexed_documents("nothing").await;
    let retriever = Retriever::new(embedder, index);
    for question in ["kubernetes pod stuck in CrashLoopBackOff", "photoshop layer masks", "", "?!", "\u{0}"] {
        assert!(retriever.retrieve(question, &[], owner(1)).await.unwrap().hits.is_empty(), "{question:?}");
    }
}

#[tokio::test]
async fn a_followup_question_is_searched_with_the_one_before_it() {
    let (embedder, index) = indexed_documents("leaning").await;
    let retriever = Retriever::new(embedder, index);
    let history = [
        Turn::Question("When does the night train to Vienna leave?".into()),
        Turn::Answer("At 20:33.".into()),
    ];
    let hits = retriever.retrieve("And from which platform?", &history, owner(1)).await.unwrap().hits;
    assert_eq!(hits[0].id.document_id, document_id(3));
}

#[tokio::test]
async fn private_passages_are_found_by_their_owner_alone_and_stay_encrypted() {
    let (embedder, index) = (embedder().await, index("own").await);
    let ingester = Ingester::new(embedder.clone(), index.clone());
    let seal =
        |_, bytes: Vec<u8>| Ok::<_, std::fmt::Error>(bytes.into_iter().map(|byte| byte ^ 0x5a).collect());
    let passages = passages(&embedder, BREAD);
    let key = TermKey::new([1; 32]);
    ingester.index_sealed(document(1, Scope::User(owner(1))), passages, &key, seal, |_, _| {}).await.unwrap();
    let retriever = Retriever::new(embedder, index);
    let question = "How long does sourdough rise?";
    assert!(retriever.retrieve(question, &[], owner(2)).await.unwrap().hits.is_empty());
    let asker = Asker { owner: owner(1), terms: Some(TermKey::new([1; 32])), documents: Vec::new() };
    let by_terms = retriever.retrieve(question, &[], asker).await.unwrap().hits.remove(0);
    let hit = retriever.retrieve(question, &[], owner(1)).await.unwrap().hits.remove(0);
    assert!(by_terms.relevance > hit.relevance, "the terms count only under the owner's key");
    assert!(matches!(&hit.body, PassageBody::Sealed(_)) && !format!("{hit:?}").contains("sourdough"));
    assert!(hit.clone().open_with(|_, _| Err::<Vec<u8>, _>(std::fmt::Error)).is_err());
    let source =
        hit.open_with(|_, bytes| Ok::<_, std::fmt::Error>(bytes.iter().map(|byte| byte ^ 0x5a).collect()));
    let source = source.unwrap();
    assert!(source.passage.text.contains("twelve hours"));
    assert_eq!(source.passage.title, "Bread");
}
