//! Collections in Qdrant: those of earlier releases get what they lack, new ones the configured placement.

use colloquy::config::{Config, QdrantConfig};
use colloquy::knowledge::models;
use colloquy::roles::Role;
use qdrant_client::Qdrant;
use qdrant_client::qdrant::{CollectionInfo, DeleteFieldIndexCollectionBuilder};
use rag::index::{IndexConfig, PassageIndex, Placement};
use uuid::Uuid;

use crate::support::backbone::new_database;
use crate::support::dictionary::{client, points};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::service;
use crate::support::waiting::until;

async fn info(index: &Qdrant, collection: &str) -> CollectionInfo {
    index.collection_info(collection).await.unwrap().result.unwrap()
}

async fn upload(person: &Person, text: &str, id: &str) {
    let added = person.upload("a.txt", text.as_bytes().to_vec(), &[("document_id", id)]).await;
    assert_eq!(added.status, 202, "{added:?}");
}

#[tokio::test]
async fn a_collection_of_an_earlier_release_gets_its_missing_payload_indexes_and_keeps_its_points() {
    let mut config: Config = configuration(new_database().await);
    let prefix = format!("t{}", Uuid::now_v7().simple());
    config.knowledge.qdrant = QdrantConfig::new(service("COLLOQUY_TEST_QDRANT_URL"), prefix);
    let product = Product::on(config.clone(), &Role::ALL).await;
    let person = Person::new(&product).await;
    let id = Uuid::now_v7().to_string();
    upload(&person, "The first version.", &id).await;
    person.until_shown(&format!("/v1/documents/{id}"), |row| row["status"] == "indexed").await;
    product.end().await;

    let index = client(&service("COLLOQUY_TEST_QDRANT_URL"));
    let collections = models::collections(&config.knowledge.qdrant).unwrap();
    let collection = collections.active().await.unwrap().unwrap();
    let before = points(&index, &collection, "document_id", &id).await;
    for field in ["generation", "ordinal"] {
        index
            .delete_field_index(DeleteFieldIndexCollectionBuilder::new(&collection, field).wait(true))
            .await
            .unwrap();
    }

    let product = Product::on(config, &Role::ALL).await;
    let person = person.at(&product);
    until("the indexes are there", async || {
        let schema = info(&index, &collection).await.payload_schema;
        ["generation", "ordinal"].iter().all(|&field| schema.contains_key(field)).then_some(())
    })
    .await;
    assert_eq!(points(&index, &collection, "document_id", &id).await, before);
    // Deleting the passages of the first version filters by version, as the strict mode of the engine sees.
    upload(&person, "The second version.", &id).await;
    until("the second version has replaced the first", async || {
        let found = points(&index, &collection, "document_id", &id).await;
        (found.len() == 1 && found[0].id != before[0].id).then_some(())
    })
    .await;
    product.end().await;
}

#[tokio::test]
async fn a_new_collection_has_the_configured_placement() {
    let url = service("COLLOQUY_TEST_QDRANT_URL");
    let placement =
        Placement { replication_factor: Some(3), write_consistency_factor: Some(2), shard_number: Some(6) };
    let collection = format!("t{}", Uuid::now_v7().simple());
    let config = IndexConfig { placement, collection: collection.clone(), ..IndexConfig::new(&url) };
    assert!(PassageIndex::new(&config).unwrap().ensure_collection().await.unwrap());
    let params = info(&client(&url), &collection).await.config.unwrap().params.unwrap();
    assert_eq!(
        (params.shard_number, params.replication_factor, params.write_consistency_factor),
        (6, Some(3), Some(2))
    );
}
