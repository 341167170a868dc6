//! Changes of payloads.

use std::collections::BTreeSet;

use qdrant_client::Qdrant;
use qdrant_client::qdrant::{
    ClearPayloadPointsBuilder, Condition, DeletePayloadPointsBuilder, Filter, GetPointsBuilder,
    PointsIdsList, SetPayloadPointsBuilder,
};
use serde_json::json;
use tonic::Code;

use super::support::{PASSAGES, refusal, upsert_four, with_passages};

async fn keys(client: &Qdrant, id: u64) -> BTreeSet<String> {
    let found = client.get_points(GetPointsBuilder::new(PASSAGES, vec![id.into()])).await.unwrap().result;
    found.into_iter().next().unwrap().payload.into_keys().collect()
}

fn these(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn only(id: u64) -> PointsIdsList {
    PointsIdsList { ids: vec![id.into()] }
}

fn payload(value: serde_json::Value) -> qdrant_client::Payload {
    qdrant_client::Payload::try_from(value).unwrap()
}

#[tokio::test]
async fn setting_adds_keys_and_overwriting_replaces_them_all() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let set = SetPayloadPointsBuilder::new(PASSAGES, payload(json!({"lang": "en"}))).points_selector(only(1));
    client.set_payload(set.wait(true)).await.unwrap();
    assert_eq!(keys(&client, 1).await, these(&["lang", "owner", "page", "tags"]));
    let overwrite = SetPayloadPointsBuilder::new(PASSAGES, payload(json!({"lang": "de"})));
    client.overwrite_payload(overwrite.points_selector(only(1)).wait(true)).await.unwrap();
    assert_eq!(keys(&client, 1).await, these(&["lang"]));
}

#[tokio::test]
async fn a_payload_is_set_for_the_points_of_a_filter() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let ann = Filter::must([Condition::matches("owner", "ann".to_owned())]);
    let set = SetPayloadPointsBuilder::new(PASSAGES, payload(json!({"read": true}))).points_selector(ann);
    client.set_payload(set.wait(true)).await.unwrap();
    assert!(keys(&client, 2).await.contains("read"));
    assert!(!keys(&client, 3).await.contains("read"));
}

#[tokio::test]
async fn keys_are_deleted_one_by_one_or_all_at_once() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let delete = DeletePayloadPointsBuilder::new(PASSAGES, vec!["page".to_owned()]).points_selector(only(1));
    client.delete_payload(delete.wait(true)).await.unwrap();
    assert_eq!(keys(&client, 1).await, these(&["owner", "tags"]));
    client.clear_payload(ClearPayloadPointsBuilder::new(PASSAGES).points(only(1)).wait(true)).await.unwrap();
    assert_eq!(keys(&client, 1).await, these(&[]));
}

#[tokio::test]
async fn a_payload_for_a_missing_point_is_not_found() {
    let (_server, client, _data) = with_passages().await;
    let set = SetPayloadPointsBuilder::new(PASSAGES, payload(json!({"a": 1}))).points_selector(only(7));
    let refused = refusal(client.set_payload(set.wait(true)).await);
    assert_eq!(refused, (Code::NotFound, "Not found: No point with id 7 found".to_owned()));
}
