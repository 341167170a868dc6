//! Durability: after an orderly end, after a crash, with a second process, with an unusable folder.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use qdrant_client::Qdrant;
use qdrant_client::qdrant::{
    Condition, CountPointsBuilder, CreateAliasBuilder, CreateFieldIndexCollectionBuilder,
    DeletePointsBuilder, FieldType, Filter, PointsIdsList, QueryPointsBuilder, ScrollPointsBuilder,
    UpsertPointsBuilder,
};
use serde_json::json;

use super::support::{PASSAGES, Server, command, hybrid, number, point, upsert_four, with_passages};
use crate::support::wait_for;

async fn stored(client: &Qdrant) -> Vec<u64> {
    let page = client.scroll(ScrollPointsBuilder::new(PASSAGES).limit(10_000)).await.unwrap();
    page.result.into_iter().map(|point| number(point.id)).collect()
}

async fn upsert(client: &Qdrant, id: u64, wait: bool) -> bool {
    let points = vec![point(id, [1.0, 0.5, 0.0, 0.0], &[1], json!({"owner": "ann"}))];
    client.upsert_points(UpsertPointsBuilder::new(PASSAGES, points).wait(wait)).await.is_ok()
}

#[tokio::test]
async fn an_orderly_end_keeps_everything() {
    let (server, client, data) = with_passages().await;
    let index = CreateFieldIndexCollectionBuilder::new(PASSAGES, "owner", FieldType::Keyword).wait(true);
    client.create_field_index(index).await.unwrap();
    upsert_four(&client).await;
    client.create_alias(CreateAliasBuilder::new(PASSAGES, "current")).await.unwrap();
    assert!(server.terminate().success());

    let server = Server::start(data.path()).await;
    let client = server.client();
    assert_eq!(stored(&client).await, [1, 2, 3, 4]);
    let info = client.collection_info("current").await.unwrap().result.unwrap();
    assert!(info.payload_schema.contains_key("owner"));
    let near = QueryPointsBuilder::new(PASSAGES).query(vec![0.0, 0.0, 1.0, 0.0]).using("dense").limit(1);
    assert_eq!(number(client.query(near).await.unwrap().result[0].id.clone()), 3);
    assert!(upsert(&client, 5, true).await);
    assert_eq!(stored(&client).await, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_crash_keeps_every_acknowledged_change() {
    let (server, client, data) = with_passages().await;
    upsert_four(&client).await;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let writing = tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        for id in 100.. {
            if !upsert(&client, id, id % 2 == 0).await {
                break;
            }
            acknowledged.push(id);
            counted.fetch_add(1, Ordering::Relaxed);
        }
        acknowledged
    });
    wait_for("acknowledged changes", || count.load(Ordering::Relaxed) > 500).await;
    server.kill();
    let acknowledged = writing.await.unwrap();

    let server = Server::start(data.path()).await;
    let client = server.client();
    let kept = stored(&client).await;
    let lost: Vec<_> = acknowledged.iter().filter(|id| !kept.contains(id)).collect();
    assert!(lost.is_empty(), "lost {lost:?}");
    assert!(kept.starts_with(&[1, 2, 3, 4]));
    let count =
        client.count(CountPointsBuilder::new(PASSAGES).exact(true)).await.unwrap().result.unwrap().count;
    assert_eq!(count, kept.len() as u64);
}

#[tokio::test]
async fn crashes_in_a_row_bring_nothing_back_and_lose_nothing() {
    let (mut server, mut client, data) = with_passages().await;
    upsert_four(&client).await;
    let mut expected = vec![1, 2, 3, 4];
    for round in 0..4_u64 {
        assert!(upsert(&client, 10 + round, true).await);
        expected.push(10 + round);
        let oldest = expected.remove(0);
        let delete =
            DeletePointsBuilder::new(PASSAGES).points(PointsIdsList { ids: vec![oldest.into()] }).wait(true);
        client.delete_points(delete).await.unwrap();
        server.kill();
        server = Server::start(data.path()).await;
        client = server.client();
        assert_eq!(stored(&client).await, expected, "round {round}");
        let ann = Filter::must([Condition::matches("owner", "ann".to_owned())]);
        let ann = client.count(CountPointsBuilder::new(PASSAGES).filter(ann)).await.unwrap();
        assert!(ann.result.unwrap().count > round);
    }
}

#[tokio::test]
async fn a_deleted_collection_stays_deleted_after_a_crash() {
    let (server, client, data) = with_passages().await;
    client.create_collection(hybrid("another")).await.unwrap();
    client.delete_collection(PASSAGES).await.unwrap();
    server.kill();
    let server = Server::start(data.path()).await;
    let names = server.client().list_collections().await.unwrap().collections;
    assert_eq!(names.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["another"]);
}

#[tokio::test]
async fn a_search_ends_in_an_answer_when_its_collection_is_deleted() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let mut searches = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let client = client.clone();
        searches.spawn(async move {
            let near = QueryPointsBuilder::new(PASSAGES).query(vec![0.0, 0.0, 1.0, 0.0]).using("dense");
            client.query(near).await.map(|found| found.result.len())
        });
    }
    assert!(client.delete_collection(PASSAGES).await.unwrap().result);
    while let Some(found) = searches.join_next().await {
        match found.unwrap() {
            Ok(points) => assert_eq!(points, 4),
            Err(error) => assert!(error.to_string().contains("doesn't exist"), "{error}"),
        }
    }
}

async fn start_and_fail(data: &Path) -> String {
    let ended = command(data).await.output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    String::from_utf8(ended.stderr).unwrap()
}

#[tokio::test]
async fn two_processes_never_share_a_folder() {
    let (_server, _client, data) = with_passages().await;
    let complaint = start_and_fail(data.path()).await;
    assert!(complaint.contains("another process is using it"), "{complaint}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let complaint = start_and_fail(&file.path().join("data")).await;
    assert!(complaint.contains("cannot be used"), "{complaint}");
    assert!(complaint.contains("Not a directory"), "{complaint}");
}
