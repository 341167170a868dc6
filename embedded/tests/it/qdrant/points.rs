//! Points: stored, read back, counted, paged through, deleted.

use qdrant_client::qdrant::{
    Condition, CountPointsBuilder, DeletePointsBuilder, Filter, GetPointsBuilder, PointStruct, PointsIdsList,
    ScrollPointsBuilder, UpdateMode, UpdateStatus, UpsertPointsBuilder, Vector, vector_output,
};
use qdrant_client::{Payload, Qdrant};
use serde_json::json;
use tonic::Code;

use super::support::{PASSAGES, number, point, refusal, upsert_four, with_passages};

async fn count(client: &Qdrant) -> u64 {
    client.count(CountPointsBuilder::new(PASSAGES).exact(true)).await.unwrap().result.unwrap().count
}

#[tokio::test]
async fn an_upsert_is_completed_or_acknowledged_as_the_caller_waits_or_not() {
    let (_server, client, _data) = with_passages().await;
    let points = || vec![point(1, [1.0, 0.0, 0.0, 0.0], &[1], json!({}))];
    let waited = client.upsert_points(UpsertPointsBuilder::new(PASSAGES, points()).wait(true)).await.unwrap();
    assert_eq!(waited.result.unwrap().status(), UpdateStatus::Completed);
    let sent = client.upsert_points(UpsertPointsBuilder::new(PASSAGES, points()).wait(false)).await.unwrap();
    assert_eq!(sent.result.unwrap().status(), UpdateStatus::Acknowledged);
    assert_eq!(count(&client).await, 1, "the second replaced the first");
}

#[tokio::test]
async fn points_are_returned_in_the_requested_order_with_the_requested_parts() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let ids = vec![3.into(), 99.into(), 1.into()];
    let plain = client.get_points(GetPointsBuilder::new(PASSAGES, ids.clone())).await.unwrap().result;
    assert_eq!(plain.iter().map(|p| number(p.id.clone())).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(plain[1].payload["owner"].as_str().unwrap(), "ann");
    assert_eq!(plain[1].payload["page"].as_integer(), Some(1));
    assert_eq!(plain[1].payload["tags"].as_list().unwrap().len(), 2);
    assert!(plain[0].vectors.is_none());

    let full = GetPointsBuilder::new(PASSAGES, ids).with_payload(false).with_vectors(true);
    let full = client.get_points(full).await.unwrap().result;
    assert!(full[0].payload.is_empty());
    let vectors = full[1].vectors.as_ref().unwrap();
    let Some(vector_output::Vector::Dense(dense)) = vectors.get_vector_by_name("dense") else { panic!() };
    assert_eq!(dense.data, [1.0, 0.0, 0.0, 0.0]);
    let Some(vector_output::Vector::Sparse(sparse)) = vectors.get_vector_by_name("bm25") else { panic!() };
    assert_eq!((sparse.indices, sparse.values), (vec![1, 10], vec![1.0, 1.0]));
}

#[tokio::test]
async fn uuids_are_ids_too_and_nothing_else_is() {
    let (_server, client, _data) = with_passages().await;
    let id = "0198c2f0-0000-7000-8000-000000000001";
    let vectors = || point(1, [1.0; 4], &[1], json!({})).vectors.unwrap();
    let good = PointStruct::new(id, vectors(), Payload::new());
    client.upsert_points(UpsertPointsBuilder::new(PASSAGES, vec![good]).wait(true)).await.unwrap();
    let found = client.get_points(GetPointsBuilder::new(PASSAGES, vec![id.into()])).await.unwrap().result;
    assert_eq!(found[0].id, Some(id.into()));
    let bad = PointStruct::new("nonsense", vectors(), Payload::new());
    let refused = refusal(client.upsert_points(UpsertPointsBuilder::new(PASSAGES, vec![bad])).await);
    assert_eq!(refused, (Code::InvalidArgument, "Unable to parse UUID: nonsense".to_owned()));
}

#[tokio::test]
async fn vectors_that_do_not_fit_are_refused_in_the_servers_words() {
    let (_server, client, _data) = with_passages().await;
    let named = |name: &str, vector: Vector| {
        let vectors = qdrant_client::qdrant::NamedVectors::default().add_vector(name, vector);
        UpsertPointsBuilder::new(PASSAGES, vec![PointStruct::new(1, vectors, Payload::new())])
    };
    let refused = refusal(client.upsert_points(named("dense", vec![1.0; 3].into()).wait(true)).await);
    let why = "Wrong input: Vector dimension error: expected dim: 4, got 3";
    assert_eq!(refused, (Code::InvalidArgument, why.to_owned()));
    let refused = refusal(client.upsert_points(named("colour", vec![1.0; 4].into()).wait(true)).await);
    let why = "Wrong input: Not existing vector name error: colour";
    assert_eq!(refused, (Code::InvalidArgument, why.to_owned()));
    let refused = refusal(client.upsert_points(named("bm25", vec![1.0; 4].into()).wait(true)).await);
    assert_eq!(refused.0, Code::InvalidArgument);
    let twice = Vector::new_sparse(vec![7, 7], vec![1.0, 2.0]);
    assert_eq!(refusal(client.upsert_points(named("bm25", twice).wait(true)).await).0, Code::InvalidArgument);
    // Without `wait` the error is not reported: the Qdrant server answers before it applies the change.
    let unheard = client.upsert_points(named("dense", vec![1.0; 3].into()).wait(false)).await.unwrap();
    assert_eq!(unheard.result.unwrap().status(), UpdateStatus::Acknowledged);
    assert_eq!(count(&client).await, 0);
    let none = refusal(client.upsert_points(UpsertPointsBuilder::new(PASSAGES, vec![]).wait(true)).await);
    assert_eq!(none, (Code::InvalidArgument, "Bad request: Empty update request".to_owned()));
}

#[tokio::test]
async fn an_upsert_may_insert_only_or_update_only() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let points = |page: u64| [1, 5].map(|id| point(id, [1.0; 4], &[1], json!({"page": page}))).to_vec();
    let insert =
        UpsertPointsBuilder::new(PASSAGES, points(50)).update_mode(UpdateMode::InsertOnly).wait(true);
    client.upsert_points(insert).await.unwrap();
    let found =
        client.get_points(GetPointsBuilder::new(PASSAGES, vec![1.into(), 5.into()])).await.unwrap().result;
    let pages: Vec<_> = found.iter().map(|p| p.payload["page"].as_integer().unwrap()).collect();
    assert_eq!(pages, [1, 50]);
}

#[tokio::test]
async fn points_are_deleted_by_id_and_by_filter() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let by_id = DeletePointsBuilder::new(PASSAGES).points(PointsIdsList { ids: vec![1.into(), 99.into()] });
    let deleted = client.delete_points(by_id.wait(true)).await.unwrap();
    assert_eq!(deleted.result.unwrap().status(), UpdateStatus::Completed);
    assert_eq!(count(&client).await, 3);
    let eve = Filter::must([Condition::matches("owner", "eve".to_owned())]);
    client.delete_points(DeletePointsBuilder::new(PASSAGES).points(eve).wait(true)).await.unwrap();
    assert_eq!(count(&client).await, 2);
    let nothing = DeletePointsBuilder::new(PASSAGES).wait(true);
    assert_eq!(refusal(client.delete_points(nothing).await).0, Code::InvalidArgument);
}

#[tokio::test]
async fn scrolling_goes_through_all_points_in_the_order_of_their_ids() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let first = client.scroll(ScrollPointsBuilder::new(PASSAGES).limit(3)).await.unwrap();
    assert_eq!(first.result.iter().map(|p| number(p.id.clone())).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(first.result[0].payload.contains_key("owner"), "payloads come by default");
    let next = first.next_page_offset.unwrap();
    assert_eq!(number(Some(next.clone())), 4);
    let last = client.scroll(ScrollPointsBuilder::new(PASSAGES).limit(3).offset(next)).await.unwrap();
    assert_eq!(last.result.iter().map(|p| number(p.id.clone())).collect::<Vec<_>>(), [4]);
    assert!(last.next_page_offset.is_none());
    let ann = Filter::must([Condition::matches("owner", "ann".to_owned())]);
    let own =
        client.scroll(ScrollPointsBuilder::new(PASSAGES).filter(ann).with_payload(false)).await.unwrap();
    assert_eq!(own.result.iter().map(|p| number(p.id.clone())).collect::<Vec<_>>(), [1, 2]);
    assert!(own.result[0].payload.is_empty());
    assert_eq!(
        refusal(client.scroll(ScrollPointsBuilder::new(PASSAGES).limit(0)).await).0,
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn many_writers_at_once_lose_nothing() {
    let (_server, client, _data) = with_passages().await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8_u64 {
        let client = client.clone();
        writers.spawn(async move {
            for turn in 0..10_u64 {
                let points = vec![point(writer * 100 + turn, [1.0; 4], &[1], json!({}))];
                client.upsert_points(UpsertPointsBuilder::new(PASSAGES, points).wait(true)).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    assert_eq!(count(&client).await, 80);
}
