//! Tests of the passage index.

use std::time::Duration;

use rag::index::{IndexConfig, PassageIndex};
use rag::ingest::{DocumentVersion, Ingester, SealedIngestError};
use rag::vocabulary::{ContentVersion, OwnerId, Scope, TermKey};
use uuid::Uuid;

use crate::services::{BREAD, document, document_id, embedder, index, passages};

#[tokio::test]
async fn indexing_again_replaces_passages_and_deleting_removes_all() {
    let (embedder, index) = (embedder().await, index("replace").await);
    let long = format!("{BREAD}\n## More\n\n{}\n", "Flour, water and salt are weighed. ".repeat(80));
    let (long, short) = (passages(&embedder, &long), passages(&embedder, BREAD));
    let ingester = Ingester::new(embedder.clone(), index.clone());
    let first = document(1, Scope::Shared);
    let many = ingester.index_shared(first, long.clone(), |_, _| {}).await.unwrap();
    assert!(many > 2);
    for _ in 0..2 {
        assert_eq!(index.count(Some(document_id(1))).await.unwrap(), u64::from(many));
        ingester.index_shared(first, long.clone(), |_, _| {}).await.unwrap();
    }
    let next = DocumentVersion { version: ContentVersion(2), ..first };
    let progress = std::sync::Mutex::new(vec![]);
    let count = |done, all| progress.lock().unwrap().push((done, all));
    let few = ingester.index_shared(next, short.clone(), count).await.unwrap();
    assert!(few < many);
    assert_eq!(progress.into_inner().unwrap(), [(0, few), (few, few)]);
    assert_eq!(index.count(Some(document_id(1))).await.unwrap(), u64::from(many + few));
    let of_version = index.count_version(document_id(1), ContentVersion(2), &embedder);
    assert_eq!(of_version.await.unwrap(), u64::from(few));
    index.delete_other_versions(document_id(1), ContentVersion(2)).await.unwrap();
    assert_eq!(index.count(Some(document_id(1))).await.unwrap(), u64::from(few));
    ingester.index_shared(document(2, Scope::Shared), short, |_, _| {}).await.unwrap();
    index.delete_document(document_id(1)).await.unwrap();
    assert_eq!(index.count(Some(document_id(1))).await.unwrap(), 0);
    assert!(index.count(None).await.unwrap() > 0);
}

#[tokio::test]
async fn the_collection_can_be_created_concurrently() {
    let index = index("ensure").await;
    let all = (0..4).map(|_| {
        let index = index.clone();
        tokio::spawn(async move { index.ensure_collection().await })
    });
    for one in all {
        one.await.unwrap().unwrap();
    }
    assert_eq!(index.count(None).await.unwrap(), 0);
}

#[tokio::test]
async fn a_passage_that_cannot_be_encrypted_is_not_indexed() {
    let (embedder, index) = (embedder().await, index("unsealed").await);
    let owner = OwnerId::from(Uuid::from_u128(1));
    let passages = passages(&embedder, BREAD);
    let done = Ingester::new(embedder, index.clone())
        .index_sealed(
            document(1, Scope::User(owner)),
            passages,
            &TermKey::new([1; 32]),
            |_, _| Err::<Vec<u8>, _>(std::fmt::Error),
            |_, _| {},
        )
        .await;
    assert!(matches!(done, Err(SealedIngestError::Seal(_))));
    assert_eq!(index.count(None).await.unwrap(), 0);
}

#[tokio::test]
async fn an_unreachable_index_is_a_transient_error() {
    let mut config = IndexConfig::new("http://127.0.0.1:9");
    config.timeout = Duration::from_secs(2);
    let error = PassageIndex::new(&config).unwrap().count(None).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}
