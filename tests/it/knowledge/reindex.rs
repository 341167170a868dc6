//! The index is derived from files and events: it moves to another embedding model while users ask, and is
//! rebuilt after a loss.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use colloquy::config::{Config, EmbeddingConfig};
use colloquy::knowledge::{ingest, models, reindex};
use colloquy::process::App;
use colloquy::roles::Role;
use rag::index::{Collections, IndexConfig, PassageIndex};
use rag::vocabulary::DocumentId;
use uuid::Uuid;

use crate::support::answering::answer_to;
use crate::support::backbone::new_database;
use crate::support::embedding_server::{DIMENSIONS, EmbeddingServer, KEY};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::service;
use crate::support::waiting::until;

/// A configuration with collections of its own.
async fn own_collections() -> Config {
    let mut config = configuration(new_database().await);
    config.knowledge.qdrant.qdrant_prefix = format!("t{}", Uuid::now_v7().simple());
    config
}

fn collections(config: &Config) -> Collections {
    models::collections(&config.knowledge.qdrant).unwrap()
}

fn at(collection: &str) -> PassageIndex {
    let config = IndexConfig::new(service("COLLOQUY_TEST_QDRANT_URL"));
    PassageIndex::new(&config).unwrap().with_collection(collection.to_owned(), 0)
}

async fn upload(person: &Person, text: &str) -> String {
    let added = person.upload("a.txt", text.as_bytes().to_vec(), &[]).await;
    let id = added.body["document_id"].as_str().unwrap().to_owned();
    person.until_shown(&format!("/v1/documents/{id}"), |row| row["status"] == "indexed").await;
    id
}

async fn add_shared_document(config: &Config, text: &str) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(Uuid::now_v7().to_string());
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("shared.md"), text).unwrap();
    let app = App::new(config.app.clone(), std::collections::BTreeSet::new()).await.unwrap();
    let report = ingest::run(&config.knowledge, app.store(2).unwrap(), app.wake(), &[folder]).await.unwrap();
    assert_eq!(report.indexed, 1, "{report:?}");
}

async fn reindexed(config: &Config) -> reindex::Reindexed {
    let app = App::new(config.app.clone(), std::collections::BTreeSet::new()).await.unwrap();
    reindex::run(&config.knowledge, app.store(2).unwrap(), app.wake()).await.unwrap()
}

#[tokio::test]
async fn all_that_is_known_moves_to_another_embedding_model_while_people_read() {
    let config = own_collections().await;
    let product = Product::on(config.clone(), &Role::ALL).await;
    let person = Person::new(&product).await;
    let own = upload(&person, "The password of the boathouse is pelican.").await;
    add_shared_document(&config, "# Ferries\n\nThe ferry to Norderney leaves at half past nine.").await;
    let before = collections(&config).active().await.unwrap().unwrap();
    assert!(before.ends_with("_multilingual-e5-small-int8_384_t2"), "{before}");
    product.end().await;

    let server = EmbeddingServer::start().await;
    let mut config = config;
    config.knowledge.embedding = EmbeddingConfig {
        embedding_url: Some(server.url.clone()),
        embedding_name: Some("some/model".to_owned()),
        embedding_api_key: Some(KEY.into()),
        embedding_batch: 8,
        ..config.knowledge.embedding
    };
    let product = Product::on(config.clone(), &Role::ALL).await;
    let person = person.at(&product);
    let later = upload(&person, "The password of the lighthouse is cormorant.").await;
    assert_eq!(collections(&config).active().await.unwrap().unwrap(), before, "it goes on with what is full");

    let over = Arc::new(AtomicBool::new(false));
    let reading = tokio::spawn({
        let (over, person, own) = (Arc::clone(&over), person.clone(), own.clone());
        async move {
            let mut reads = 0;
            while !over.load(Ordering::Relaxed) {
                let passage = person.get(&format!("/v1/documents/{own}/passages/0")).await;
                assert_eq!(passage.status, 200, "{passage:?}");
                let said = answer_to(&person, "What is the password of the boathouse?").await;
                assert!(said["text"].as_str().unwrap().contains("pelican"), "{said}");
                reads += 1;
            }
            reads
        }
    });
    let done = reindexed(&config).await;
    over.store(true, Ordering::Relaxed);
    assert!(reading.await.unwrap() > 2);
    assert_eq!(
        done.collection,
        format!("{}_some_model_{DIMENSIONS}_t2", config.knowledge.qdrant.qdrant_prefix)
    );
    assert_eq!((done.documents, done.replaced), (3, Some(before)));
    assert_eq!(collections(&config).names().await.unwrap(), [done.collection.as_str()]);
    for id in [&own, &later] {
        let id = DocumentId::from(id.parse::<Uuid>().unwrap());
        assert_eq!(at(&done.collection).count(Some(id)).await.unwrap(), 1);
    }
    let asked = server.requests();
    let said = answer_to(&person, "When does the ferry to Norderney leave?").await;
    assert!(said["text"].as_str().unwrap().contains("half past nine"), "{said}");
    assert!(server.requests() > asked, "the question was not embedded by the new model");
    assert_eq!(reindexed(&config).await.documents, 0);
}

#[tokio::test]
async fn an_index_that_was_lost_is_made_again_from_the_files() {
    let config = own_collections().await;
    let product = Product::on(config.clone(), &Role::ALL).await;
    let person = Person::new(&product).await;
    let own = upload(&person, "The password of the boathouse is pelican.").await;
    let gone = upload(&person, "This will be removed.").await;
    add_shared_document(&config, "# Ferries\n\nThe ferry to Juist leaves at a quarter to eight.").await;
    assert_eq!(person.request("DELETE", &format!("/v1/documents/{gone}")).await.status, 202);
    let collection = collections(&config).active().await.unwrap().unwrap();
    until("the removed one is gone", async || {
        (at(&collection).count(None).await.unwrap() == 2).then_some(())
    })
    .await;

    // While the service is away: by the command.
    product.end().await;
    collections(&config).delete(&collection).await.unwrap();
    assert_eq!(reindexed(&config).await.documents, 2);
    assert_eq!(at(&collection).count(None).await.unwrap(), 2);
    // While the worker runs, without a command.
    let product = Product::on(config.clone(), &Role::ALL).await;
    let person = person.at(&product);
    collections(&config).delete(&collection).await.unwrap();
    until("all of it is there again", async || {
        (at(&collection).count(None).await.unwrap_or(0) == 2).then_some(())
    })
    .await;
    person
        .until_shown(&format!("/v1/documents/{own}/passages/0"), |passage| passage["text"].is_string())
        .await;
    for (question, text) in
        [("boathouse password", "pelican"), ("When does the ferry to Juist leave?", "quarter to eight")]
    {
        let said = answer_to(&person, question).await;
        assert!(said["text"].as_str().unwrap().contains(text), "{said}");
    }
}
