//! A document on its way into the index: watched, replaced while people search, and cut off in the middle.

use secrecy::ExposeSecret as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use colloquy::knowledge::indexing::versions_of;
use colloquy::roles::Role;
use rag::embed::{Embedder, EmbedderConfig};
use rag::index::{IndexConfig, PassageIndex};
use rag::retrieve::Retriever;
use rag::vocabulary::{DocumentId, OwnerId, PassageBody};
use serde_json::Value;
use uuid::Uuid;

use crate::support::answering::WorkerProcess;
use crate::support::backbone::Backbone;
use crate::support::person::{Person, read_until};
use crate::support::product::Product;
use crate::support::service;
use crate::support::waiting::until;

/// Some hundred passages, each with this word.
fn book(word: &str, chapters: u32) -> Vec<u8> {
    let chapter = |number: u32| {
        let sentence =
            format!("In chapter {number} the {word} of the lighthouse keeper is described once more. ");
        format!("## Chapter {number}\n\n{}\n\n", sentence.repeat(12))
    };
    let chapters: String = (1..=chapters).map(chapter).collect();
    format!("# The book of the {word}\n\n{chapters}").into_bytes()
}

fn index() -> PassageIndex {
    PassageIndex::new(&IndexConfig::new(service("COLLOQUY_TEST_QDRANT_URL"))).unwrap()
}

/// The passages of a document; none before a worker has created the collection.
async fn passages(id: Uuid) -> u64 {
    index().count(Some(DocumentId::from(id))).await.unwrap_or_default()
}

async fn indexed(person: &Person, id: Uuid, version: u64) -> u64 {
    let done = |row: &Value| row["status"] == "indexed" && row["version"].as_u64() >= Some(version);
    let row = person.until_shown(&format!("/v1/documents/{id}"), done).await;
    row["passages"].as_u64().unwrap()
}

#[tokio::test]
async fn the_stream_tells_how_far_a_document_is_and_how_it_ends() {
    let product = Product::with(&Role::ALL).await;
    let (person, other) = (Person::new(&product).await, Person::new(&product).await);
    // An open stream has its listener.
    let (own, others) = (person.open("/v1/stream", None).await, other.open("/v1/stream", None).await);
    let listening = tokio::spawn(read_until(own, |told| told.data["status"] == "indexed"));
    let heard = tokio::spawn(read_until(others, |told| told.event == "conversation"));
    let added = person.upload("book.md", book("lantern", 30), &[]).await;
    let told = listening.await.unwrap();
    let rows: Vec<_> = told.iter().filter(|told| told.event == "document").collect();
    assert_eq!(rows[0].data["status"], "added", "{told:?}");
    assert_eq!(rows.last().unwrap().data["id"], added.body["document_id"]);
    let progress: Vec<_> = told.iter().filter(|told| told.event == "document.progress").collect();
    for stage in ["extracting", "splitting", "embedding", "indexing"] {
        assert!(progress.iter().any(|told| told.data["stage"] == stage), "{stage}: {progress:?}");
    }
    let embedding: Vec<_> = progress.iter().filter(|told| told.data["stage"] == "embedding").collect();
    assert!(embedding.is_sorted_by_key(|told| told.data["done"].as_u64()));
    assert!(embedding.iter().all(|told| told.data["total"].as_u64() >= Some(30)));
    other.ask(Uuid::now_v7(), "Did I hear of anything?").await;
    let heard = heard.await.unwrap();
    assert!(heard.iter().all(|told| !told.event.starts_with("document")), "{heard:?}");
}

#[tokio::test]
async fn a_search_finds_the_old_version_or_the_new_one_and_never_a_mixture() {
    let product = Product::with(&Role::ALL).await;
    let admin = Person::with_role(&product, "admin").await;
    let id = Uuid::now_v7();
    let id_text = id.to_string();
    let fields = [("document_id", id_text.as_str()), ("scope", "shared")];
    let word = format!("w{}", Uuid::now_v7().simple());
    let text = |version: &str| book(&format!("{word} {version}"), 25);
    admin.upload("book.md", text("first"), &fields).await;
    indexed(&admin, id, 2).await;

    let store = Backbone::on(product.config.app.database_url.expose_secret().to_owned()).await.store;
    let files = EmbedderConfig::new(service("EMBEDDING_MODEL_DIR"), service("ORT_DYLIB_PATH"));
    let retriever = Retriever::new(Embedder::load(files).await.unwrap(), index());
    let retriever = retriever.with_versions(versions_of(store));
    let over = Arc::new(AtomicBool::new(false));
    let searching = tokio::spawn({
        let (over, word) = (Arc::clone(&over), word.clone());
        let question = format!("What is {word} of the lighthouse keeper?");
        async move {
            let (mut first, mut second) = (0, 0);
            loop {
                let last = over.load(Ordering::Relaxed);
                let retrieving = retriever.retrieve(&question, &[], OwnerId::from(Uuid::nil()));
                let hits = retrieving.await.unwrap().hits;
                let texts: Vec<String> = hits
                    .into_iter()
                    .filter_map(|hit| match hit.body {
                        PassageBody::Open(passage) if passage.text.contains(&word) => Some(passage.text),
                        _ => None,
                    })
                    .collect();
                assert!(!texts.is_empty(), "nothing was found for a moment");
                let new = texts.iter().filter(|text| text.contains(&format!("{word} second"))).count();
                assert!(new == 0 || new == texts.len(), "{new} of {} are of the new version", texts.len());
                if new == 0 {
                    first += 1;
                } else {
                    second += 1;
                }
                // The processor belongs to the indexing.
                tokio::time::sleep(Duration::from_millis(20)).await;
                if last {
                    return (first, second);
                }
            }
        }
    });
    admin.upload("book.md", text("second"), &fields).await;
    let now = indexed(&admin, id, 4).await;
    until("the old passages are gone", async || (passages(id).await == now).then_some(())).await;
    over.store(true, Ordering::Relaxed);
    let (first, second) = searching.await.unwrap();
    assert!(first > 0 && second > 0, "{first} searches before, {second} after");
}

#[tokio::test]
async fn a_document_of_a_killed_worker_is_completed_by_another_without_duplicates() {
    let product = Product::start().await;
    let person = Person::new(&product).await;
    let mut worker = WorkerProcess::of(&product.config);
    let id = Uuid::now_v7();
    person.upload("book.md", book("sextant", 100), &[("document_id", &id.to_string())]).await;
    until("some passages are written", async || (passages(id).await > 0).then_some(())).await;
    worker.kill();
    let left = passages(id).await;
    assert_eq!(person.get(&format!("/v1/documents/{id}")).await.body["status"], "added");
    let _another = WorkerProcess::of(&product.config);
    until("the work goes on", async || (passages(id).await > left).then_some(())).await;
    let counted = indexed(&person, id, 2).await;
    assert!(counted > left && counted >= 100, "{counted} passages, {left} were left");
    assert_eq!(passages(id).await, counted);
    assert_eq!(person.request("DELETE", &format!("/v1/documents/{id}")).await.status, 202);
    until("none is left", async || (passages(id).await == 0).then_some(())).await;
}
