//! Collections, aliases and payload indexes.

use qdrant_client::Payload;
use qdrant_client::qdrant::{
    CollectionStatus, CreateAliasBuilder, CreateCollectionBuilder, CreateFieldIndexCollectionBuilder,
    DeleteFieldIndexCollectionBuilder, Distance, FieldType, KeywordIndexParamsBuilder, PayloadSchemaType,
    PointStruct, QueryPointsBuilder, RenameAliasBuilder, ScalarQuantizationBuilder, UpdateCollectionBuilder,
    UpdateStatus, UpsertPointsBuilder, VectorParamsBuilder, payload_index_params::IndexParams, vector_output,
    vectors_config::Config,
};
use tonic::Code;

use super::support::{PASSAGES, hybrid, refusal, upsert_four, with_passages};

#[tokio::test]
async fn the_health_check_names_a_version_that_clients_understand() {
    let (_server, client, _data) = with_passages().await;
    let health = client.health_check().await.unwrap();
    assert_eq!(health.title, "qdrant - vector search engine");
    assert!(health.version.starts_with("1.17."), "{}", health.version);
}

#[tokio::test]
async fn a_collection_is_created_listed_described_and_deleted() {
    let (_server, client, _data) = with_passages().await;
    assert!(client.create_collection(hybrid("another")).await.unwrap().result);
    let names: Vec<_> = client.list_collections().await.unwrap().collections;
    assert_eq!(names.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["another", PASSAGES]);
    assert!(client.collection_exists("another").await.unwrap());

    upsert_four(&client).await;
    let info = client.collection_info(PASSAGES).await.unwrap().result.unwrap();
    assert_eq!(
        (info.status(), info.points_count, info.segments_count),
        (CollectionStatus::Green, Some(4), 1)
    );
    let params = info.config.unwrap().params.unwrap();
    let Some(Config::ParamsMap(vectors)) = params.vectors_config.unwrap().config else { panic!("no names") };
    assert_eq!((vectors.map["dense"].size, vectors.map["dense"].distance()), (4, Distance::Cosine));
    assert!(params.sparse_vectors_config.unwrap().map.contains_key("bm25"));

    assert!(client.delete_collection("another").await.unwrap().result);
    assert!(!client.collection_exists("another").await.unwrap());
    assert!(!client.delete_collection("another").await.unwrap().result, "it was gone already");
    assert!(client.create_collection(hybrid("another")).await.unwrap().result, "its name is free again");
}

#[tokio::test]
async fn creating_a_collection_twice_says_that_it_exists() {
    let (_server, client, _data) = with_passages().await;
    let refused = refusal(client.create_collection(hybrid(PASSAGES)).await);
    assert_eq!(
        refused,
        (Code::AlreadyExists, "Wrong input: Collection `passages` already exists!".to_owned())
    );
}

#[tokio::test]
async fn a_missing_collection_is_not_found_by_any_call() {
    let (_server, client, _data) = with_passages().await;
    let missing = (Code::NotFound, "Not found: Collection `none` doesn't exist!".to_owned());
    assert_eq!(refusal(client.collection_info("none").await), missing);
    assert_eq!(
        refusal(client.scroll(qdrant_client::qdrant::ScrollPointsBuilder::new("none")).await),
        missing
    );
    assert_eq!(refusal(client.count(qdrant_client::qdrant::CountPointsBuilder::new("none")).await), missing);
    assert_eq!(refusal(client.query(qdrant_client::qdrant::QueryPointsBuilder::new("none")).await), missing);
    let index = CreateFieldIndexCollectionBuilder::new("none", "owner", FieldType::Keyword);
    assert_eq!(refusal(client.create_field_index(index).await), missing);
}

#[tokio::test]
async fn invalid_settings_and_functions_that_are_not_offered_are_refused() {
    let (_server, client, _data) = with_passages().await;
    let (code, message) = refusal(client.create_collection(hybrid("a/b")).await);
    assert_eq!(code, Code::InvalidArgument);
    assert!(message.contains("collection name cannot contain \"/\" char"), "{message}");
    let flat =
        CreateCollectionBuilder::new("flat").vectors_config(VectorParamsBuilder::new(0, Distance::Dot));
    assert_eq!(refusal(client.create_collection(flat).await).0, Code::InvalidArgument);
    let small = hybrid("small").quantization_config(ScalarQuantizationBuilder::default());
    assert_eq!(refusal(client.create_collection(small).await).0, Code::Unimplemented);
    let update = UpdateCollectionBuilder::new(PASSAGES);
    assert_eq!(refusal(client.update_collection(update).await).0, Code::Unimplemented);
}

#[tokio::test]
async fn ordinary_names_are_taken_and_those_that_lead_elsewhere_are_refused() {
    let (_server, client, _data) = with_passages().await;
    for name in ["passages_minilm-l6-v2-int8_384", "über", "a.b", ".hidden"] {
        assert!(client.create_collection(hybrid(name)).await.unwrap().result, "{name}");
    }
    for name in ["", ".", "..", "../x", "a\\b", "a\0b", "a:b", &"x".repeat(256)] {
        assert_eq!(refusal(client.create_collection(hybrid(name)).await).0, Code::InvalidArgument, "{name}");
    }
}

#[tokio::test]
async fn an_alias_stands_for_its_collection_until_either_is_deleted() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    client.create_alias(CreateAliasBuilder::new(PASSAGES, "current")).await.unwrap();
    assert!(client.collection_exists("current").await.unwrap());
    assert_eq!(client.collection_info("current").await.unwrap().result.unwrap().points_count, Some(4));
    assert_eq!(refusal(client.create_collection(hybrid("current")).await).0, Code::InvalidArgument);
    assert_eq!(refusal(client.create_alias(CreateAliasBuilder::new("none", "x")).await).0, Code::NotFound);

    client.rename_alias(RenameAliasBuilder::new("current", "latest")).await.unwrap();
    let aliases = client.list_collection_aliases(PASSAGES).await.unwrap().aliases;
    assert_eq!(aliases.iter().map(|alias| alias.alias_name.as_str()).collect::<Vec<_>>(), ["latest"]);
    assert_eq!(client.list_aliases().await.unwrap().aliases.len(), 1);

    assert!(client.delete_collection(PASSAGES).await.unwrap().result);
    assert!(client.list_aliases().await.unwrap().aliases.is_empty());
}

#[tokio::test]
async fn a_payload_index_is_created_reported_and_deleted() {
    let (_server, client, _data) = with_passages().await;
    upsert_four(&client).await;
    let tenant = KeywordIndexParamsBuilder::default().is_tenant(true);
    let owner = CreateFieldIndexCollectionBuilder::new(PASSAGES, "owner", FieldType::Keyword)
        .field_index_params(tenant)
        .wait(true);
    let created = client.create_field_index(owner).await.unwrap();
    assert_eq!(created.result.unwrap().status(), UpdateStatus::Completed);
    let page = CreateFieldIndexCollectionBuilder::new(PASSAGES, "page", FieldType::Integer).wait(true);
    client.create_field_index(page).await.unwrap();

    let schema = client.collection_info(PASSAGES).await.unwrap().result.unwrap().payload_schema;
    assert_eq!(schema["owner"].data_type(), PayloadSchemaType::Keyword);
    assert_eq!(schema["owner"].points, Some(4));
    let Some(IndexParams::KeywordIndexParams(params)) = schema["owner"].params.clone().unwrap().index_params
    else {
        panic!("{schema:?}")
    };
    assert_eq!(params.is_tenant, Some(true));
    assert_eq!(schema["page"].data_type(), PayloadSchemaType::Integer);

    let delete = DeleteFieldIndexCollectionBuilder::new(PASSAGES, "owner").wait(true);
    client.delete_field_index(delete).await.unwrap();
    let schema = client.collection_info(PASSAGES).await.unwrap().result.unwrap().payload_schema;
    assert_eq!(schema.keys().collect::<Vec<_>>(), ["page"]);
}

#[tokio::test]
async fn a_collection_may_have_one_vector_without_a_name() {
    let (_server, client, _data) = with_passages().await;
    let plain =
        CreateCollectionBuilder::new("plain").vectors_config(VectorParamsBuilder::new(2, Distance::Euclid));
    client.create_collection(plain).await.unwrap();
    let points = [(1, [0.0, 0.0]), (2, [3.0, 4.0])]
        .map(|(id, vector)| PointStruct::new(id, vector.to_vec(), Payload::new()));
    client.upsert_points(UpsertPointsBuilder::new("plain", points).wait(true)).await.unwrap();
    let near = QueryPointsBuilder::new("plain").query(vec![3.0, 0.0]).with_vectors(true);
    let found = client.query(near).await.unwrap().result;
    assert_eq!(
        found.iter().map(|point| point.score).collect::<Vec<_>>(),
        [3.0, 4.0],
        "the smaller distance first"
    );
    let Some(vector_output::Vector::Dense(vector)) = found[0].vectors.as_ref().unwrap().get_vector() else {
        panic!()
    };
    assert_eq!(vector.data, [0.0, 0.0]);
}
