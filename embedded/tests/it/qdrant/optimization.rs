//! Graphs are built in the background: no change is lost, also if the server ends meanwhile.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use qdrant_client::qdrant::{
    CollectionInfo, CountPointsBuilder, CreateCollectionBuilder, CreateFieldIndexCollectionBuilder,
    DeletePointsBuilder, Distance, FieldType, NamedVectors, OptimizersConfigDiffBuilder, PointStruct,
    PointsIdsList, Query, QueryPointsBuilder, UpsertPointsBuilder, VectorParamsBuilder, VectorsConfigBuilder,
};
use qdrant_client::{Payload, Qdrant};
use serde_json::json;
use tempfile::TempDir;

use super::support::{Server, number};
use crate::support::wait_for;

const NUMBERS: &str = "numbers";
const DIMENSIONS: u64 = 16;
/// Enough points to make the build of a graph observable.
const POINTS: u64 = 10_000;

/// A collection that gets a graph from 16 points on.
async fn with_numbers() -> (Server, Qdrant, TempDir) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let client = server.client();
    let mut dense = VectorsConfigBuilder::default();
    dense.add_named_vector_params("dense", VectorParamsBuilder::new(DIMENSIONS, Distance::Euclid));
    let early = OptimizersConfigDiffBuilder::default().indexing_threshold(1_u64);
    let create = CreateCollectionBuilder::new(NUMBERS).vectors_config(dense).optimizers_config(early);
    client.create_collection(create).await.unwrap();
    (server, client, data)
}

fn place(id: u64) -> Vec<f32> {
    (0..DIMENSIONS).map(|axis| f32::from(u16::try_from(id >> axis & 1).unwrap())).collect()
}

async fn upsert(client: &Qdrant, ids: std::ops::Range<u64>) {
    let point = |id: u64| {
        let vectors = NamedVectors::default().add_vector("dense", place(id));
        PointStruct::new(id, vectors, Payload::try_from(json!({"number": id, "text": "words"})).unwrap())
    };
    let points: Vec<_> = ids.map(point).collect();
    client.upsert_points(UpsertPointsBuilder::new(NUMBERS, points).wait(true)).await.unwrap();
}

async fn count(client: &Qdrant) -> u64 {
    client.count(CountPointsBuilder::new(NUMBERS).exact(true)).await.unwrap().result.unwrap().count
}

async fn nearest(client: &Qdrant, id: u64) -> u64 {
    let near = QueryPointsBuilder::new(NUMBERS).query(place(id)).using("dense").limit(1);
    number(client.query(near).await.unwrap().result[0].id.clone())
}

async fn info(client: &Qdrant) -> CollectionInfo {
    client.collection_info(NUMBERS).await.unwrap().result.unwrap()
}

async fn graph_of(client: &Qdrant, vectors: u64) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while info(client).await.indexed_vectors_count() < vectors {
        assert!(Instant::now() < deadline, "no graph of {vectors} vectors after a minute");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn build_of_a_graph(data: &Path) {
    wait_for("the build of a graph", || folders(data).contains(&"shard-2".to_owned())).await;
}

/// Sends a signal to the process that builds the graph.
async fn signal_the_build(data: &Path, signal: &str) {
    let builds = |line: &str| line.contains("qdrant.optimize") && line.contains(&*data.to_string_lossy());
    let process = || {
        let ids = std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().into_string().ok());
        ids.into_iter()
            .find(|id| std::fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|line| builds(&line)))
    };
    wait_for("the process that builds the graph", || process().is_some()).await;
    let sent = Command::new("kill").arg(format!("-{signal}")).arg(process().unwrap()).status().unwrap();
    assert!(sent.success());
}

fn folders(data: &Path) -> Vec<String> {
    let home = std::fs::read_dir(data.join("collections").join(NUMBERS)).unwrap();
    let names = home.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("shard")).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn a_graph_is_built_when_the_collection_is_left_alone_and_outlives_a_crash() {
    let (server, client, data) = with_numbers().await;
    let index = CreateFieldIndexCollectionBuilder::new(NUMBERS, "number", FieldType::Integer).wait(true);
    client.create_field_index(index).await.unwrap();
    upsert(&client, 0..500).await;
    assert_eq!(info(&client).await.indexed_vectors_count, Some(0));
    graph_of(&client, 500).await;
    assert_eq!(folders(data.path()), ["shard-2"]);
    upsert(&client, 490..600).await;
    assert_eq!(count(&client).await, 600);
    server.kill();

    let server = Server::start(data.path()).await;
    let client = server.client();
    assert_eq!(count(&client).await, 600);
    assert_eq!((nearest(&client, 123).await, nearest(&client, 595).await), (123, 595));
    assert!(info(&client).await.indexed_vectors_count() >= 490);
    // The order is refused unless every segment has the payload index.
    let last = QueryPointsBuilder::new(NUMBERS).query(Query::new_order_by("number")).limit(1);
    assert_eq!(number(client.query(last).await.unwrap().result[0].id.clone()), 0);
}

#[tokio::test]
async fn changes_made_while_a_graph_is_built_are_there_afterwards() {
    let (_server, client, data) = with_numbers().await;
    upsert(&client, 0..POINTS).await;
    build_of_a_graph(data.path()).await;
    // The build is halted, so that it cannot end before the changes.
    signal_the_build(data.path(), "STOP").await;
    let moved = 0..50;
    for id in moved.clone() {
        upsert(&client, POINTS + id..POINTS + id + 1).await;
        let ids = PointsIdsList { ids: vec![id.into()] };
        client.delete_points(DeletePointsBuilder::new(NUMBERS).points(ids).wait(true)).await.unwrap();
        assert_eq!(count(&client).await, POINTS);
    }
    signal_the_build(data.path(), "CONT").await;
    wait_for("the end of the build", || folders(data.path()) == ["shard-2"]).await;
    assert_eq!(count(&client).await, POINTS);
    assert!(info(&client).await.indexed_vectors_count() > 0);
    for id in moved {
        assert_eq!(nearest(&client, POINTS + id).await, POINTS + id);
        assert_ne!(nearest(&client, id).await, id, "a deleted point stays deleted");
    }
}

#[tokio::test]
async fn a_crash_while_a_graph_is_built_leaves_the_collection_as_it_was() {
    let (server, client, data) = with_numbers().await;
    upsert(&client, 0..POINTS).await;
    build_of_a_graph(data.path()).await;
    server.kill();
    let server = Server::start(data.path()).await;
    let client = server.client();
    assert_eq!(count(&client).await, POINTS);
    graph_of(&client, POINTS).await;
    assert_eq!(nearest(&client, 1_234).await, 1_234);
}

#[tokio::test]
async fn a_collection_is_deleted_while_its_graph_is_built() {
    let (server, client, data) = with_numbers().await;
    upsert(&client, 0..POINTS).await;
    build_of_a_graph(data.path()).await;
    assert!(client.delete_collection(NUMBERS).await.unwrap().result);
    assert!(!data.path().join("collections").join(NUMBERS).exists());
    assert!(server.terminate().success());
}
