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
fn a_removed_document_is_no_longer_indexed() {
    TestFramework::<Document>::with(())
        .given(vec![added(), DocumentEvent::DocumentRemoved])
        .when(record_indexed(1))
        .then_expect_error(DocumentRefused::Removed);
}

fn record_indexed(content_version: u64) -> DocumentCommand {
    let content_version = Version(content_version);
    DocumentCommand::RecordIndexed {
        content_version,
        passages: 3,
        embedding_model: "m".into(),
        pages: None,
        language: None,
        omissions: Vec::new(),
    }
}

fn indexed() -> DocumentEvent {
    DocumentEvent::DocumentIndexed {
        passages: 3,
        embedding_model: "m".into(),
        pages: None,
        language: None,
        omitted: 0,
        private: Private::Sealed,
    }
}

#[test]
fn the_parts_that_were_left_out_are_recorded_and_counted() {
    let file = Omission {
        part: OmittedPart::File { name: "b.bin".into() },
        file: None,
        cause: OmissionCause::Damaged,
    };
    let more = Omission { part: OmittedPart::More { count: 4 }, ..file.clone() };
    let mut command = record_indexed(1);
    let DocumentCommand::RecordIndexed { omissions, .. } = &mut command else { return };
    *omissions = vec![file, more];
    let private = Private::Open(DocumentOmissions { omissions: omissions.clone() });
    let mut recorded = indexed();
    let DocumentEvent::DocumentIndexed { omitted, private: parts, .. } = &mut recorded else { return };
    (*omitted, *parts) = (5, private);
    TestFramework::<Document>::with(()).given(vec![added()]).when(command).then_expect_events(vec![recorded]);
}

#[test]
fn an_indexed_version_is_recorded_once_and_never_replaces_a_newer_one() {
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
        tags: Tags::default(),
    }
}

#[test]
fn a_document_is_added_with_its_tags_and_the_same_content_only_replaces_them() {
    let test = TestFramework::<Document>::with;
    let tags = Tags::parse(&["marimba"]).unwrap();
    let mut with_tags = add("00");
    let DocumentCommand::Add { tags: given, .. } = &mut with_tags else { return };
    *given = tags.clone();
    let tagged = DocumentEvent::DocumentTagged { private: Private::Open(DocumentTags { tags }) };
    test(())
        .given_no_previous_events()
        .when(with_tags.clone())
        .then_expect_events(vec![added(), tagged.clone()]);
    test(()).given(vec![added()]).when(with_tags).then_expect_events(vec![tagged]);
    test(()).given(vec![added()]).when(add("00")).then_expect_events(vec![]);
}

#[test]
fn a_document_of_one_owner_is_no_document_to_another() {
    for (given, sha256) in [(vec![added()], "00"), (vec![added(), DocumentEvent::DocumentRemoved], "01")] {
        let DocumentCommand::Add { scope, media_type, size, title, tags, .. } = add(sha256) else { return };
        let owner = UserId::new(Uuid::from_u128(8));
        let by_another =
            DocumentCommand::Add { owner, scope, media_type, size, sha256: sha256.into(), title, tags };
        TestFramework::<Document>::with(())
            .given(given)
            .when(by_another)
            .then_expect_error(DocumentRefused::NotFound);
    }
}

#[test]
fn adding_the_same_bytes_again_changes_nothing() {
    TestFramework::<Document>::with(()).given(vec![added()]).when(add("00")).then_expect_events(vec![]);
}

#[test]
fn a_document_with_new_content_is_added_again() {
    let result =
        TestFramework::<Document>::with(()).given(vec![added(), indexed()]).when(add("ff")).inspect_result();
    assert!(matches!(
        result.as_deref(),
        Ok([DocumentEvent::DocumentAdded { sha256, .. }]) if sha256 == "ff"
    ));
}

#[test]
fn a_repeated_removal_changes_nothing() {
    TestFramework::<Document>::with(())
        .given(vec![added(), DocumentEvent::DocumentRemoved])
        .when(DocumentCommand::Remove)
        .then_expect_events(vec![]);
}

#[test]
fn a_command_to_a_document_that_was_never_added_is_refused() {
    TestFramework::<Document>::with(())
        .given_no_previous_events()
        .when(DocumentCommand::Remove)
        .then_expect_error(DocumentRefused::NotFound);
}

fn reindex() -> DocumentCommand {
    DocumentCommand::Reindex {
        scope: DocumentScope::User,
        media_type: "text/markdown".into(),
        size: 12,
        title: "Notes".into(),
    }
}

#[test]
fn a_document_that_was_indexed_or_rejected_is_indexed_again_as_a_new_version() {
    let test = TestFramework::<Document>::with;
    let rejected = DocumentEvent::DocumentRejected { reason: "The file is a scan.".into() };
    for ended in [indexed(), rejected] {
        let given = vec![added(), ended];
        test(()).given(given.clone()).when(reindex()).then_expect_events(vec![added()]);
        let again = [given, vec![added()]].concat();
        test(()).given(again.clone()).when(reindex()).then_expect_events(vec![]);
        test(()).given(again).when(record_indexed(3)).then_expect_events(vec![indexed()]);
    }
}

#[test]
fn tags_change_neither_the_content_nor_the_status() {
    let tags = Tags::parse(&["ferries"]).unwrap();
    let tagged =
        DocumentEvent::DocumentTagged { private: Private::Open(DocumentTags { tags: tags.clone() }) };
    let test = TestFramework::<Document>::with;
    test(()).given(vec![added()]).when(DocumentCommand::Tag(tags)).then_expect_events(vec![tagged.clone()]);
    test(()).given(vec![added(), tagged]).when(record_indexed(1)).then_expect_events(vec![indexed()]);
}
