use cqrs_es::test::TestFramework;
use uuid::Uuid;

use super::*;

const OWNER: UserId = UserId::new(Uuid::from_u128(7));

fn added() -> DocumentEvent {
    DocumentEvent::DocumentAdded {
        owner: OWNER,
        scope: DocumentScope::User,
        media_type: "text/markdown".into(),
        size: 12,
        sha256: "00".into(),
        private: Private::Open(DocumentTitle { title: "Notes".into() }),
    }
}

#[test]
fn a_document_that_was_removed_is_not_indexed_any_more() {
    TestFramework::<Document>::with(())
        .given(vec![added(), DocumentEvent::DocumentRemoved])
        .when(record_indexed(1))
        .then_expect_error(DocumentRefused::Removed);
}

fn record_indexed(brought: u64) -> DocumentCommand {
    let brought = Version(brought);
    DocumentCommand::RecordIndexed { brought, passages: 3, embedding_model: "m".into() }
}

fn indexed() -> DocumentEvent {
    DocumentEvent::DocumentIndexed { passages: 3, embedding_model: "m".into() }
}

#[test]
fn a_version_that_was_indexed_is_recorded_once_and_not_in_place_of_a_newer_one() {
    let test = TestFramework::<Document>::with;
    test(()).given(vec![added()]).when(record_indexed(1)).then_expect_events(vec![indexed()]);
    test(()).given(vec![added(), indexed()]).when(record_indexed(1)).then_expect_events(vec![]);
    let replaced = vec![added(), indexed(), added()];
    test(()).given(replaced.clone()).when(record_indexed(1)).then_expect_events(vec![]);
    test(()).given(replaced).when(record_indexed(3)).then_expect_events(vec![indexed()]);
}

fn add(sha256: &str) -> DocumentCommand {
    DocumentCommand::Add {
        owner: OWNER,
        scope: DocumentScope::User,
        media_type: "text/markdown".into(),
        size: 12,
        sha256: sha256.into(),
        title: "Notes".into(),
    }
}

#[test]
fn adding_the_same_bytes_again_changes_nothing() {
    TestFramework::<Document>::with(()).given(vec![added()]).when(add("00")).then_expect_events(vec![]);
}

#[test]
fn a_document_that_says_something_else_now_is_added_again() {
    let result =
        TestFramework::<Document>::with(()).given(vec![added(), indexed()]).when(add("ff")).inspect_result();
    assert!(matches!(
        result.as_deref(),
        Ok([DocumentEvent::DocumentAdded { sha256, .. }]) if sha256 == "ff"
    ));
}

#[test]
fn removing_twice_is_removing_once() {
    TestFramework::<Document>::with(())
        .given(vec![added(), DocumentEvent::DocumentRemoved])
        .when(DocumentCommand::Remove)
        .then_expect_events(vec![]);
}

#[test]
fn nothing_can_be_done_with_a_document_that_is_not_there() {
    TestFramework::<Document>::with(())
        .given_no_previous_events()
        .when(DocumentCommand::Remove)
        .then_expect_error(DocumentRefused::NotFound);
}
