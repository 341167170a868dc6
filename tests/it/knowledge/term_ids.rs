//! The index does not tell the words of private documents to a reader with a word list, and keyword search
//! finds them all the same.

use colloquy::config::Config;
use colloquy::knowledge::{models, reindex};
use colloquy::process::App;
use colloquy::roles::Role;
use qdrant_client::Qdrant;
use qdrant_client::qdrant::{NamedVectors, PointStruct, UpsertPointsBuilder, Vector};
use rag::sparse::{SparseVector, TermSpace};
use rag::vocabulary::PassageText;
use serde_json::Value;
use uuid::Uuid;

use crate::support::answering::answer_to;
use crate::support::backbone::new_database;
use crate::support::dictionary::{client, dense_vector, payload_text, points, revealed, term_ids};
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::service;
use crate::support::waiting::until;

/// A private text, and a word list in which most of its words are.
const PRIVATE: &str =
    "The diagnosis was cancer. After the merger nobody changed the password of the archive.";
const WORDS: [&str; 9] =
    ["diagnosis", "cancer", "merger", "password", "archive", "nobody", "lighthouse", "ferry", "harbour"];

async fn own_collections() -> Config {
    let mut config = configuration(new_database().await);
    config.knowledge.qdrant.qdrant_prefix = format!("t{}", Uuid::now_v7().simple());
    config
}

fn index() -> Qdrant {
    client(&service("COLLOQUY_TEST_QDRANT_URL"))
}

async fn active(config: &Config) -> String {
    models::collections(&config.knowledge.qdrant).unwrap().active().await.unwrap().unwrap()
}

async fn upload(person: &Person, text: &str, fields: &[(&str, &str)]) -> String {
    let added = person.upload("a.txt", text.as_bytes().to_vec(), fields).await;
    let id = added.body["document_id"].as_str().unwrap().to_owned();
    person.until_shown(&format!("/v1/documents/{id}"), |row| row["status"] == "indexed").await;
    id
}

fn cites(answer: &Value, document: &str) -> bool {
    let citations = answer["citations"].as_array().unwrap();
    citations.iter().any(|citation| citation["document_id"] == document)
}

#[tokio::test]
async fn a_word_list_reveals_no_word_of_a_private_document_and_every_word_of_a_shared_one() {
    let config = own_collections().await;
    let product = Product::on(config.clone(), &Role::ALL).await;
    let (anna, bert) = (Person::new(&product).await, Person::new(&product).await);
    let admin = Person::with_role(&product, "admin").await;
    let annas = upload(&anna, PRIVATE, &[]).await;
    let berts = upload(&bert, PRIVATE, &[]).await;
    let shared = upload(&admin, "The lighthouse stands beside the harbour.", &[("scope", "shared")]).await;

    let (index, collection) = (index(), active(&config).await);
    let of = async |document: &str| points(&index, &collection, "document_id", document).await;
    let (annas_points, berts_points) = (of(&annas).await, of(&berts).await);
    assert!(term_ids(&annas_points).len() > 4, "there is something to attack");
    assert_eq!(revealed(&annas_points, &WORDS), [].into());
    assert_eq!(revealed(&of(&shared).await, &WORDS), ["lighthouse", "harbour"].into());
    // Equal texts of two owners have nothing in common either.
    assert!(term_ids(&annas_points).is_disjoint(&term_ids(&berts_points)));

    let said = answer_to(&anna, "Who changed the password of the archive?").await;
    assert!(said["text"].as_str().unwrap().contains("nobody") && cites(&said, &annas), "{said}");
    let said = answer_to(&anna, "Where does the lighthouse stand?").await;
    assert!(said["text"].as_str().unwrap().contains("harbour") && cites(&said, &shared), "{said}");
    product.end().await;
}

/// Rewrites the points of a private document as releases without keyed ids wrote them.
async fn as_before(index: &Qdrant, collection: &str, document: &str) {
    let found = points(index, collection, "document_id", document).await;
    let text = PassageText { title: "a".into(), text: PRIVATE.into(), ..PassageText::default() };
    let plain = SparseVector::of_passage(&text, TermSpace::Shared);
    let old = found.into_iter().map(|mut point| {
        point.payload.remove("terms");
        let vectors = NamedVectors::default()
            .add_vector("dense", Vector::new_dense(dense_vector(&point)))
            .add_vector("bm25", Vector::new_sparse(plain.indices.clone(), plain.values.clone()));
        PointStruct { id: point.id, payload: point.payload, vectors: Some(vectors.into()) }
    });
    let upsert = UpsertPointsBuilder::new(collection, old.collect::<Vec<_>>()).wait(true);
    index.upsert_points(upsert).await.unwrap();
}

#[tokio::test]
async fn documents_of_earlier_releases_stay_searchable_and_are_written_again_under_keyed_ids() {
    let config = own_collections().await;
    let product = Product::on(config.clone(), &Role::ALL).await;
    let person = Person::new(&product).await;
    let documents =
        [upload(&person, PRIVATE, &[]).await, upload(&person, &format!("{PRIVATE} Again."), &[]).await];
    let (index, collection) = (index(), active(&config).await);
    product.end().await;
    for document in &documents {
        as_before(&index, &collection, document).await;
        let found = points(&index, &collection, "document_id", document).await;
        assert!(revealed(&found, &WORDS).contains("cancer"), "it is as before");
    }

    // By the command, while the service is away.
    let app = App::new(config.app.clone(), [].into()).await.unwrap();
    let done = reindex::run(&config.knowledge, app.store(2).unwrap(), app.wake()).await.unwrap();
    assert_eq!((done.documents, done.replaced), (2, None));
    for document in &documents {
        let found = points(&index, &collection, "document_id", document).await;
        assert_eq!(found.len(), 1);
        assert_eq!(revealed(&found, &WORDS), [].into());
        assert_eq!(payload_text(&found[0], "terms").as_deref(), Some("owner-1"));
    }

    // By a worker that starts, while people ask.
    as_before(&index, &collection, &documents[0]).await;
    let product = Product::on(config.clone(), &Role::ALL).await;
    let person = person.at(&product);
    let said = answer_to(&person, "Who changed the password of the archive?").await;
    assert!(said["text"].as_str().unwrap().contains("password"), "{said}");
    until("it is written again", async || {
        let found = points(&index, &collection, "document_id", &documents[0]).await;
        revealed(&found, &WORDS).is_empty().then_some(())
    })
    .await;
    product.end().await;
}
