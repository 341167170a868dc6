//! Ingested files: added once, replaced when they change, rejected without text.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use aggregates::document::DocumentEvent;
use aggregates::{AggregateType, Event, Position, Private};
use colloquy::knowledge::ingest::{self, Report};
use colloquy::process::App;
use colloquy::roles::Role;
use rag::index::{IndexConfig, PassageIndex};
use rag::vocabulary::DocumentId;
use serde_json::Value;
use uuid::Uuid;

use crate::support::backbone::Backbone;
use crate::support::files::each_kind;
use crate::support::person::Person;
use crate::support::product::{Product, knowledge_config};
use crate::support::service;
use crate::support::waiting::until;

async fn bring(backbone: &Backbone, folder: &Path) -> Report {
    let (store, wake) = (backbone.store.clone(), backbone.wake.clone());
    ingest::run(&knowledge_config(), store, wake, &[folder.to_owned()]).await.unwrap()
}

/// A folder with a name of its own, so that no other test has the same documents.
fn folder() -> (tempfile::TempDir, std::path::PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(Uuid::now_v7().to_string());
    fs::create_dir(&folder).unwrap();
    (root, folder)
}

/// Document ids with their events, opened, in the order of the ledger.
async fn events(backbone: &Backbone) -> Vec<(Uuid, DocumentEvent)> {
    let mut ids = vec![];
    for recorded in backbone.store.events_after(Position(0), 1_000).await.unwrap() {
        if recorded.aggregate == AggregateType::Document && !ids.contains(&recorded.aggregate_id) {
            ids.push(recorded.aggregate_id);
        }
    }
    let mut opened = vec![];
    for id in ids {
        let mut events = backbone.store.aggregate_events(AggregateType::Document, id).await.unwrap();
        backbone.store.decrypt_events(&mut events).await.unwrap();
        opened.extend(events.into_iter().filter_map(|recorded| match recorded.event {
            Event::Document(event) => Some((id, event)),
            _ => None,
        }));
    }
    opened
}

fn index() -> PassageIndex {
    PassageIndex::new(&IndexConfig::new(service("COLLOQUY_TEST_QDRANT_URL"))).unwrap()
}

fn long(subject: &str) -> String {
    let sentence = format!("The {subject} is described here at some length, with many words about it. ");
    format!("# The {subject}\n\n{}", sentence.repeat(60))
}

#[tokio::test]
async fn an_unchanged_file_is_not_ingested_again() {
    let backbone = Backbone::new().await;
    backbone.sequence();
    let (_root, folder) = folder();
    fs::write(folder.join("a.md"), long("astrolabe")).unwrap();
    fs::write(folder.join("b.txt"), "A plain note about barometers and their needles.").unwrap();
    let first = bring(&backbone, &folder).await;
    assert_eq!((first.indexed, first.unchanged), (2, 0));
    let again = bring(&backbone, &folder).await;
    assert_eq!((again.indexed, again.unchanged), (0, 2));

    fs::write(folder.join("a.md"), "# The astrolabe\n\nIt measures the height of stars.").unwrap();
    let changed = bring(&backbone, &folder).await;
    assert_eq!((changed.indexed, changed.unchanged, changed.passages), (1, 1, 1));

    backbone.sealed(1 + 4 + 2).await;
    let events = events(&backbone).await;
    let (id, _) = events.iter().find(|(_, event)| named(event) == Some("The astrolabe")).unwrap();
    let names: Vec<_> =
        events.iter().filter(|(other, _)| other == id).map(|(_, event)| event.name()).collect();
    assert_eq!(names, ["DocumentAdded", "DocumentIndexed", "DocumentAdded", "DocumentIndexed"]);
    assert_eq!(index().count(Some(DocumentId::from(*id))).await.unwrap(), 1, "old passages are left over");
}

fn named(event: &DocumentEvent) -> Option<&str> {
    match event {
        DocumentEvent::DocumentAdded { private: Private::Open(private), .. } => Some(&private.title),
        _ => None,
    }
}

#[tokio::test]
async fn a_lost_passage_is_ingested_again() {
    let backbone = Backbone::new().await;
    backbone.sequence();
    let (_root, folder) = folder();
    fs::write(folder.join("c.md"), "# Chronometers\n\nA chronometer keeps the time of its home port.")
        .unwrap();
    bring(&backbone, &folder).await;
    backbone.sealed(3).await;
    let (id, _) = events(&backbone).await.pop().unwrap();
    index().delete_document(DocumentId::from(id)).await.unwrap();
    assert_eq!(bring(&backbone, &folder).await.indexed, 1);
}

#[tokio::test]
async fn files_without_text_are_rejected_and_others_come_in_all_the_same() {
    let backbone = Backbone::new().await;
    backbone.sequence();
    let (_root, folder) = folder();
    fs::write(folder.join("broken.md"), b"\x00\x01not text").unwrap();
    fs::write(folder.join("empty.md"), "").unwrap();
    fs::write(folder.join("good.md"), "# Sextants\n\nA sextant measures angles between stars.").unwrap();
    fs::write(folder.join("picture.png"), b"\x89PNG").unwrap();
    std::os::unix::fs::symlink(folder.join("nowhere.md"), folder.join("dangling.md")).unwrap();
    let report = bring(&backbone, &folder).await;
    let names: Vec<_> = report.rejected.iter().map(|rejected| rejected.name.rsplit('/').next()).collect();
    assert_eq!(names, [Some("broken.md"), Some("dangling.md"), Some("empty.md")]);
    let expected = Report { indexed: 1, passages: 1, unchanged: 0, skipped: 1, ..report.clone() };
    assert_eq!(report, expected);
    let again = bring(&backbone, &folder).await;
    assert_eq!(again, Report { indexed: 0, passages: 0, unchanged: 1, ..expected });
    backbone.sealed(1 + 2 + 2).await;
    let rejected = events(&backbone).await;
    assert_eq!(rejected.iter().filter(|(_, event)| event.name() == "DocumentRejected").count(), 1);
}

#[tokio::test]
async fn an_ingested_document_is_shared_and_can_be_added_again_after_its_removal() {
    let product = Product::with(&Role::ALL).await;
    let (person, admin) = (Person::new(&product).await, Person::with_role(&product, "admin").await);
    let (_root, folder) = folder();
    let says = "The narwhal keeps its ledger in the observatory.";
    for (name, bytes, _) in each_kind(says) {
        fs::write(folder.join(name), bytes).unwrap();
    }
    fs::write(folder.join("copy.md"), fs::read(folder.join("a.md")).unwrap()).unwrap();
    let ingest = async || {
        let app = App::new(product.config.app.clone(), BTreeSet::new()).await.unwrap();
        let (store, wake) = (app.store(2).unwrap(), app.wake());
        ingest::run(&product.config.knowledge, store, wake, std::slice::from_ref(&folder)).await.unwrap()
    };
    let report = ingest().await;
    assert_eq!((report.indexed, report.unchanged, report.rejected), (5, 1, vec![]));
    let listed = |path: &'static str, count| {
        let person = person.clone();
        async move {
            let shown = |page: &Value| {
                let items = page["items"].as_array().unwrap();
                items.len() == count && items.iter().all(|row| row["status"] == "indexed")
            };
            person.until_shown(path, shown).await["items"].as_array().unwrap().clone()
        }
    };
    let rows = listed("/v1/documents?scope=shared", 5).await;
    assert_eq!(person.get("/v1/documents").await.body["items"], serde_json::json!([]));
    for row in &rows {
        let path = format!("/v1/documents/{}/passages/0", row["id"].as_str().unwrap());
        let passage = person.get(&path).await;
        assert!(passage.body["text"].as_str().unwrap().contains("ledger in the observatory"), "{passage:?}");
    }
    let path = format!("/v1/documents/{}", rows[0]["id"].as_str().unwrap());
    assert_eq!(person.request("DELETE", &path).await.status, 403);
    assert_eq!(admin.request("DELETE", &path).await.status, 202);
    listed("/v1/documents?scope=shared", 4).await;
    until("its passages are gone", async || {
        let id = DocumentId::from(rows[0]["id"].as_str().unwrap().parse::<Uuid>().unwrap());
        (index().count(Some(id)).await.unwrap() == 0).then_some(())
    })
    .await;
    let report = ingest().await;
    assert_eq!(report.rejected, vec![]);
    assert_eq!(report.indexed + report.unchanged, 6);
    listed("/v1/documents?scope=shared", 5).await;
}
