//! Documents of releases without vectors of segments are quoted all the same, and get these vectors.

use colloquy::config::Config;
use colloquy::knowledge::{models, reindex};
use colloquy::process::App;
use colloquy::roles::Role;
use qdrant_client::Qdrant;
use qdrant_client::qdrant::{Condition, DeletePayloadPointsBuilder, Filter, RetrievedPoint};
use uuid::Uuid;

use crate::support::answering::answer_to;
use crate::support::backbone::new_database;
use crate::support::dictionary::{client, payload_text, points};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::service;
use crate::support::waiting::until;

async fn upload(person: &Person, text: &str, fields: &[(&str, &str)]) -> String {
    let added = person.upload("a.txt", text.as_bytes().to_vec(), fields).await;
    let id = added.body["document_id"].as_str().unwrap().to_owned();
    person.until_shown(&format!("/v1/documents/{id}"), |row| row["status"] == "indexed").await;
    id
}

/// The index of a test as its operator reads it.
struct Index {
    index: Qdrant,
    collection: String,
}

impl Index {
    async fn of(config: &Config) -> Self {
        let collections = models::collections(&config.knowledge.qdrant).unwrap();
        let collection = collections.active().await.unwrap().unwrap();
        Self { index: client(&service("COLLOQUY_TEST_QDRANT_URL")), collection }
    }

    /// The only passage of a document.
    async fn passage(&self, document: &str) -> RetrievedPoint {
        let mut found = points(&self.index, &self.collection, "document_id", document).await;
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    /// Removes from a document what releases without vectors of segments did not write.
    async fn make_old(&self, document: &str) {
        let of_document = Filter::must([Condition::matches("document_id", document.to_owned())]);
        let keys = vec!["segments".to_owned(), "vectors".to_owned()];
        let request =
            DeletePayloadPointsBuilder::new(&self.collection, keys).points_selector(of_document).wait(true);
        self.index.delete_payload(request).await.unwrap();
    }

    async fn is_as_written_today(&self, document: &str) -> bool {
        let passage = self.passage(document).await;
        let has_vectors = payload_text(&passage, "vectors").is_some() || is_sealed(&passage);
        payload_text(&passage, "segments").as_deref() == Some("in-context-1") && has_vectors
    }
}

fn is_sealed(passage: &RetrievedPoint) -> bool {
    payload_text(passage, "sealed").is_some()
}

#[tokio::test]
async fn documents_without_vectors_of_segments_are_written_again() {
    let mut config = configuration(new_database().await);
    config.knowledge.qdrant.qdrant_prefix = format!("t{}", Uuid::now_v7().simple());
    let product = Product::on(config.clone(), &Role::ALL).await;
    let (person, admin) = (Person::new(&product).await, Person::with_role(&product, "admin").await);
    let own = upload(&person, "The password of the boathouse is pelican.", &[]).await;
    let shared =
        upload(&admin, "The ferry to Juist leaves at a quarter to eight.", &[("scope", "shared")]).await;
    let untouched =
        upload(&admin, "The ferry to Borkum leaves at half past nine.", &[("scope", "shared")]).await;
    let index = Index::of(&config).await;
    for document in [&own, &shared, &untouched] {
        assert!(index.is_as_written_today(document).await);
    }
    product.end().await;
    index.make_old(&own).await;
    index.make_old(&shared).await;
    assert!(!index.is_as_written_today(&shared).await && !index.is_as_written_today(&own).await);
    let sealed_before = payload_text(&index.passage(&own).await, "sealed");
    assert!(sealed_before.is_some());

    // By the command, while the service is away.
    let reindexed = async || {
        let app = App::new(config.app.clone(), [].into()).await.unwrap();
        let done = reindex::run(&config.knowledge, app.store(2).unwrap(), app.wake()).await.unwrap();
        (done.documents, done.replaced)
    };
    assert_eq!(reindexed().await, (2, None));
    for document in [&own, &shared, &untouched] {
        assert!(index.is_as_written_today(document).await);
    }
    assert_ne!(payload_text(&index.passage(&own).await, "sealed"), sealed_before, "it is written again");
    assert_eq!(reindexed().await, (0, None), "nothing is left to write");

    // By a worker that starts, while people ask.
    index.make_old(&shared).await;
    let product = Product::on(config.clone(), &Role::ALL).await;
    let person = person.at(&product);
    let said = answer_to(&person, "When does the ferry to Juist leave?").await;
    assert!(said["text"].as_str().unwrap().contains("quarter to eight"), "{said}");
    until("it is written again", async || index.is_as_written_today(&shared).await.then_some(())).await;
    product.end().await;
}
