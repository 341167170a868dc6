//! Files on their way into the knowledge: brought in once, replaced when they change, refused when they hold no text.

use std::fs;
use std::path::Path;

use aggregates::document::DocumentEvent;
use aggregates::{AggregateType, Event, Position, Private};
use colloquy::ingest::{self, Report};
use rag::index::{IndexConfig, PassageIndex};
use rag::passage::DocumentId;
use uuid::Uuid;

use crate::support::answering::worker_config;
use crate::support::backbone::Backbone;
use crate::support::service;

async fn bring(backbone: &Backbone, folder: &Path) -> Report {
    let (store, wake) = (backbone.store.clone(), backbone.wake.clone());
    ingest::run(&worker_config(None), store, wake, &[folder.to_owned()]).await.unwrap()
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
        backbone.store.open(&mut events).await.unwrap();
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
async fn what_was_brought_in_is_not_brought_in_again_unless_it_says_something_else() {
    let backbone = Backbone::new().await;
    backbone.seal();
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
async fn what_the_index_has_lost_is_brought_in_again() {
    let backbone = Backbone::new().await;
    backbone.seal();
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
    backbone.seal();
    let (_root, folder) = folder();
    fs::write(folder.join("broken.md"), b"\xff\xfe\x00not text").unwrap();
    fs::write(folder.join("empty.md"), "").unwrap();
    fs::write(folder.join("good.md"), "# Sextants\n\nA sextant measures angles between stars.").unwrap();
    fs::write(folder.join("picture.png"), b"\x89PNG").unwrap();
    std::os::unix::fs::symlink(folder.join("nowhere.md"), folder.join("dangling.md")).unwrap();
    let report = bring(&backbone, &folder).await;
    let expected = Report { indexed: 1, passages: 1, unchanged: 0, rejected: 2, skipped: 1 };
    assert_eq!(report, expected);
    let again = bring(&backbone, &folder).await;
    assert_eq!(again, Report { indexed: 0, passages: 0, unchanged: 1, ..expected });
    backbone.sealed(1 + 2 + 2 + 2).await;
    let rejected = events(&backbone).await;
    assert_eq!(rejected.iter().filter(|(_, event)| event.name() == "DocumentRejected").count(), 2);
}
