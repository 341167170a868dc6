//! The list of documents.

use std::time::Duration;

use aggregates::document::{
    DocumentEvent, DocumentOmissions, DocumentScope, DocumentStatus, Omission, OmissionCause, OmittedPart,
};
use aggregates::{DocumentId, Private, Version};
use projections::documents::{self, DocumentRow};

use crate::database::{apply, database};
use crate::history::History;

#[tokio::test]
async fn a_document_shows_its_newest_state_until_it_is_removed() {
    let (pool, mut history) = (database().await, History::new());
    let user = history.user();
    let id = history.add_document(user, "Notes");
    let row = async |history: &History| -> DocumentRow {
        apply(&pool, &history.events, 100).await;
        let sealed = documents::get(&pool, user, id).await.unwrap().unwrap();
        sealed.open(Some(history.document_key(id)))
    };
    let added = row(&history).await;
    assert_eq!((added.title.as_str(), added.scope), ("Notes", DocumentScope::User));
    assert_eq!((added.status, added.passages, added.version), (DocumentStatus::Added, 0, Version(1)));

    let indexed = DocumentEvent::DocumentIndexed {
        passages: 3,
        embedding_model: "model".into(),
        pages: Some(2),
        language: Some("en".into()),
        omitted: 0,
        private: Private::Sealed,
    };
    history.append_to_document(id, indexed);
    let indexed = row(&history).await;
    assert_eq!((indexed.status, indexed.passages), (DocumentStatus::Indexed, 3));
    assert_eq!((indexed.warning, indexed.omissions), (None, Vec::new()));

    let omission = Omission {
        part: OmittedPart::Pages { first: 41, last: 90 },
        file: None,
        cause: OmissionCause::RecognitionLimit,
    };
    let omissions = vec![omission];
    let in_part = DocumentEvent::DocumentIndexed {
        passages: 2,
        embedding_model: "model".into(),
        pages: Some(40),
        language: Some("en".into()),
        omitted: 1,
        private: Private::Open(DocumentOmissions { omissions: omissions.clone() }),
    };
    history.append_to_document(id, in_part);
    let in_part = row(&history).await;
    assert_eq!((in_part.passages, in_part.omissions), (2, omissions));
    let words = "Pages 41 to 90 could not be recognised within the limit.";
    assert_eq!(in_part.warning.as_deref(), Some(words));

    history.append_to_document(id, DocumentEvent::DocumentRejected { reason: "The file is empty.".into() });
    let rejected = row(&history).await;
    assert_eq!((rejected.status, rejected.passages), (DocumentStatus::Rejected, 0));
    assert_eq!((rejected.reason.as_deref(), rejected.warning), (Some("The file is empty."), None));

    history.append_to_document(id, DocumentEvent::DocumentRemoved);
    let removed = row(&history).await;
    assert_eq!((removed.status, removed.title.as_str()), (DocumentStatus::Removed, ""));
    assert!(documents::list(&pool, user, None, 10).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn pages_contain_each_document_once_newest_first() {
    let (pool, mut history) = (database().await, History::new());
    let (user, other) = (history.user(), history.user());
    let mut ids: Vec<DocumentId> = (0..7).map(|_| history.add_document(user, "Title")).collect();
    history.add_document(other, "Title");
    apply(&pool, &history.events, 100).await;
    ids.reverse();
    let (mut read, mut after) = (vec![], None);
    loop {
        let page = documents::list(&pool, user, after, 3).await.unwrap();
        read.extend(page.items.iter().map(|row| row.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(read, ids);
}

#[tokio::test]
async fn documents_await_indexing_until_they_are_indexed() {
    let (pool, mut history) = (database().await, History::new());
    let (user, other) = (history.user(), history.user());
    let (first, second) = (history.add_document(user, "First"), history.add_document(user, "Second"));
    let third = history.add_document(other, "Third");
    apply(&pool, &history.events, 100).await;
    let awaiting = async |limit| documents::awaiting_indexing(&pool, Duration::ZERO, limit).await.unwrap();
    // The first one of each owner comes before the second one of any.
    assert_eq!(awaiting(10).await, [(user, first), (other, third), (user, second)]);
    assert_eq!(awaiting(1).await, [(user, first)]);
    let age = Duration::from_hours(100 * 365 * 24);
    assert!(documents::awaiting_indexing(&pool, age, 10).await.unwrap().is_empty());
    let indexed = DocumentEvent::DocumentIndexed {
        passages: 3,
        embedding_model: "model".into(),
        pages: Some(2),
        language: Some("en".into()),
        omitted: 0,
        private: Private::Sealed,
    };
    history.append_to_document(first, indexed);
    apply(&pool, &history.events, 100).await;
    assert_eq!(awaiting(10).await, [(user, second), (other, third)]);
}

#[tokio::test]
async fn a_document_is_found_by_its_hash_in_its_owners_documents_alone() {
    let (pool, mut history) = (database().await, History::new());
    let (user, other) = (history.user(), history.user());
    let id = history.add_document(user, "Title");
    apply(&pool, &history.events, 100).await;
    let hash = "00".repeat(32);
    assert_eq!(documents::find_by_sha256(&pool, user, &hash).await.unwrap(), Some((id, Version(1))));
    assert_eq!(documents::find_by_sha256(&pool, user, &"11".repeat(32)).await.unwrap(), None);
    assert_eq!(documents::find_by_sha256(&pool, other, &hash).await.unwrap(), None);
    history.append_to_document(id, DocumentEvent::DocumentRemoved);
    apply(&pool, &history.events, 100).await;
    assert_eq!(documents::find_by_sha256(&pool, user, &hash).await.unwrap(), None);
}
