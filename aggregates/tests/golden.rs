//! Golden files: every version of every event, as it is stored, decodes to its meaning today.
//!
//! A file never changes. A new version of an event gets a file of its own beside that of the old version.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

mod filled;
mod meanings;

use std::collections::BTreeSet;
use std::path::PathBuf;

use aggregates::audit_trail::{AuditTrailEvent, Through};
use aggregates::conversation::{
    Answer, Citation, ConversationEvent, FailureReason, PassageScore, Provenance, Question, Rating,
    RatingComment, SpendingPurpose, Tagged, Titled, TitledBy, Usage,
};
use aggregates::{
    AggregateType, AnswerId, Comment, DocumentId, Event, Instructed, Instructions, Private, QuestionId,
    QuestionText, Tags, Title, UserId,
};
use chrono::DateTime;
use cqrs_es::DomainEvent as _;
use filled::filled_meanings;
use meanings::{of_accounts, of_documents, of_operations};
use serde_json::{Value, json};
use uuid::Uuid;

const OWNER: UserId = UserId::new(Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0001));
const QUESTION: QuestionId = QuestionId::new(Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0002));
const ANSWER: AnswerId = AnswerId::new(Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0003));
const DOCUMENT: DocumentId = DocumentId::new(Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0004));

fn answer() -> Private<Answer> {
    Private::Open(Answer {
        text: "A value has one owner [1].".into(),
        citations: vec![Citation {
            number: 1,
            document_id: DOCUMENT,
            title: "Ownership".into(),
            passage: 3,
            place: None,
            snippet: "Each value has an owner.".into(),
            score: 0.75,
        }],
        ..Answer::default()
    })
}

fn asking() -> Vec<ConversationEvent> {
    let question = Question {
        text: QuestionText::parse("What is ownership?").unwrap(),
        documents: Vec::new(),
        by_tags: None,
    };
    vec![
        ConversationEvent::ConversationStarted { owner: OWNER },
        ConversationEvent::QuestionAsked {
            question_id: QUESTION,
            parent_id: Some(ANSWER),
            private: Private::Open(question),
        },
        ConversationEvent::AnswerRequested { question_id: QUESTION, answer_id: ANSWER, model: None },
    ]
}

fn answering() -> Vec<ConversationEvent> {
    let (answer_id, question_id) = (ANSWER, QUESTION);
    let provenance = Provenance {
        embedding_model: "minilm-l6-v2-int8".into(),
        index_version: "passages_minilm-l6-v2-int8_384".into(),
        passages: vec![PassageScore { document_id: DOCUMENT, passage: 3, score: 0.75 }],
        language_model: Some("some-model".into()),
        prompt_version: "1".into(),
        prompt_sha256: "00ff".into(),
        quoted: false,
        found: vec![],
        instructions: vec![],
        temperature: None,
        timings: None,
    };
    let usage = Usage { prompt_tokens: 900, completion_tokens: 110 };
    let comment = Some(Comment::parse("Well put").unwrap());
    vec![
        ConversationEvent::AnswerCompleted {
            answer_id,
            question_id,
            attempt: 2,
            provenance,
            usage,
            private: answer(),
        },
        ConversationEvent::AnswerStopped { answer_id, question_id, private: answer() },
        ConversationEvent::AnswerFailed {
            answer_id,
            question_id,
            attempt: 5,
            reason: FailureReason::KnowledgeUnavailable,
        },
        ConversationEvent::TokensSpent {
            answer_id,
            purpose: SpendingPurpose::Suggestions,
            attempt: None,
            model: "some-model".into(),
            usage,
        },
        ConversationEvent::AnswerRated {
            answer_id,
            rating: Rating::Up,
            private: Private::Open(RatingComment { comment }),
        },
    ]
}

fn tidying() -> Vec<ConversationEvent> {
    let title = Title::parse("Ownership").unwrap();
    let tags = Tags::parse(&["rust", "memory"]).unwrap();
    vec![
        ConversationEvent::ConversationRenamed {
            by: TitledBy::User,
            private: Private::Open(Titled { title }),
        },
        ConversationEvent::ConversationPinned,
        ConversationEvent::ConversationUnpinned,
        ConversationEvent::ConversationArchived,
        ConversationEvent::ConversationUnarchived,
        ConversationEvent::ConversationTagged { private: Private::Open(Tagged { tags }) },
        ConversationEvent::ConversationInstructed {
            temperature: None,
            private: Private::Open(Instructed {
                instructions: Some(Instructions::parse("Answer in verse.").unwrap()),
            }),
        },
        ConversationEvent::ConversationDeleted { at: DateTime::from_timestamp(1_800_000_000, 0).unwrap() },
        ConversationEvent::ConversationRestored,
        ConversationEvent::ConversationErased,
    ]
}

fn accessed(through: Through) -> AuditTrailEvent {
    AuditTrailEvent::AuditAccessed {
        auditor: OWNER,
        what: "events".into(),
        filter: json!({ "after": 41, "type": "QuestionAsked" }),
        through,
    }
}

fn of_audit_trails() -> Vec<AuditTrailEvent> {
    vec![accessed(Through::CommandLine)]
}

/// The meanings of the files of old versions.
fn old_meanings() -> Vec<(AggregateType, String, Event)> {
    vec![(AggregateType::AuditTrail, "1".to_owned(), Event::AuditTrail(accessed(Through::Api)))]
}

/// The meanings of the files of current versions: the aggregate, the version in the file's name, the event.
fn meanings() -> Vec<(AggregateType, String, Event)> {
    let conversation = [asking(), answering(), tidying()]
        .concat()
        .into_iter()
        .map(|event| (AggregateType::Conversation, event.event_version(), Event::Conversation(event)));
    let account = of_accounts()
        .into_iter()
        .map(|event| (AggregateType::Account, event.event_version(), Event::Account(event)));
    let document = of_documents()
        .into_iter()
        .map(|event| (AggregateType::Document, event.event_version(), Event::Document(event)));
    let audit_trail = of_audit_trails()
        .into_iter()
        .map(|event| (AggregateType::AuditTrail, event.event_version(), Event::AuditTrail(event)));
    let operation = of_operations()
        .into_iter()
        .map(|event| (AggregateType::Operation, event.event_version(), Event::Operation(event)));
    conversation.chain(account).chain(document).chain(audit_trail).chain(operation).collect()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn file(aggregate: AggregateType, event: &Event, version: &str) -> PathBuf {
    folder().join(aggregate.name()).join(format!("{}.v{version}.json", event.name()))
}

/// The stored form of an event: the payload, and the private part, which the store encrypts.
fn stored(event: &Event) -> Value {
    let mut payload = match event {
        Event::Conversation(event) => serde_json::to_value(event),
        Event::Account(event) => serde_json::to_value(event),
        Event::Document(event) => serde_json::to_value(event),
        Event::AuditTrail(event) => serde_json::to_value(event),
        Event::Operation(event) => serde_json::to_value(event),
    }
    .unwrap();
    let private = payload.as_object_mut().unwrap().remove("private");
    private.map_or_else(
        || json!({ "payload": payload }),
        |private| json!({ "payload": payload, "private": private }),
    )
}

#[test]
fn every_version_of_every_event_decodes_to_its_meaning() {
    let all = meanings().into_iter().chain(old_meanings()).chain(filled_meanings());
    for (aggregate, version, meaning) in all {
        let path = file(aggregate, &meaning, &version);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|_| {
            panic!("{} is missing; the file of a new event contains:\n{:#}", path.display(), stored(&meaning))
        });
        let golden: Value = serde_json::from_str(&text).unwrap();
        let (version, _) = version.split_once('.').unwrap_or((&version, ""));
        let mut event = Event::from_stored(aggregate, version, golden["payload"].clone()).unwrap();
        assert_eq!(event.has_private(), golden.get("private").is_some(), "{}", path.display());
        if let Some(private) = golden.get("private") {
            assert_ne!(event, meaning, "{}: the private part is not in the payload", path.display());
            event.open_private(private.to_string().as_bytes()).unwrap();
        }
        assert_eq!(event, meaning, "{}", path.display());
    }
}

#[test]
fn an_event_is_stored_as_in_its_newest_file() {
    for (aggregate, version, meaning) in meanings().into_iter().chain(filled_meanings()) {
        let text = std::fs::read_to_string(file(aggregate, &meaning, &version)).unwrap();
        let golden: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(stored(&meaning), golden, "{}", meaning.name());
    }
}

#[test]
fn every_file_has_a_meaning() {
    let known: BTreeSet<PathBuf> = meanings()
        .iter()
        .chain(&old_meanings())
        .chain(&filled_meanings())
        .map(|(aggregate, version, event)| file(*aggregate, event, version))
        .collect();
    for aggregate in std::fs::read_dir(folder()).unwrap() {
        for file in std::fs::read_dir(aggregate.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            assert!(known.contains(&file), "{} has no meaning", file.display());
        }
    }
}

#[test]
fn an_event_is_readable_without_its_private_part() {
    for (aggregate, version, meaning) in meanings() {
        let text = std::fs::read_to_string(file(aggregate, &meaning, &version)).unwrap();
        let golden: Value = serde_json::from_str(&text).unwrap();
        let sealed = Event::from_payload(aggregate, golden["payload"].clone()).unwrap();
        assert_eq!(sealed.name(), meaning.name());
        let broken = sealed.clone().open_private(b"{\"unexpected\":1}");
        assert_eq!(
            broken.is_err(),
            meaning.has_private() && meaning.name() != "AnswerRated",
            "{}",
            meaning.name()
        );
    }
}

#[test]
fn every_version_but_the_newest_has_a_meaning_of_its_own() {
    let old: BTreeSet<_> =
        old_meanings().iter().map(|(_, version, event)| (event.name(), version.clone())).collect();
    for (_, newest, event) in meanings() {
        let newest: u32 = newest.parse().unwrap();
        for version in 1..newest {
            assert!(old.contains(&(event.name(), version.to_string())), "{} v{version}", event.name());
        }
    }
}

/// The names of an aggregate's events, from the error message of its decoder.
fn known(aggregate: AggregateType) -> BTreeSet<String> {
    let refused = Event::from_payload(aggregate, json!({ "type": "UnknownEvent" })).unwrap_err();
    let message = refused.to_string();
    let (_, names) = message.split_once("expected ").unwrap();
    names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_event_has_a_file() {
    let kept = meanings();
    for aggregate in AggregateType::ALL.iter().copied() {
        let of_this = kept.iter().filter(|(of, ..)| *of == aggregate);
        let meant: BTreeSet<String> = of_this.map(|(.., event)| event.name().to_owned()).collect();
        assert_eq!(known(aggregate), meant, "{}", aggregate.name());
    }
}

#[test]
fn a_version_that_comes_later_is_not_taken_for_a_known_one() {
    for (aggregate, version, meaning) in meanings() {
        let later = (version.parse::<u32>().unwrap() + 1).to_string();
        for unknown in [later.as_str(), "latest", ""] {
            let refused = Event::from_stored(aggregate, unknown, stored(&meaning)["payload"].clone());
            let message = refused.unwrap_err().to_string();
            assert_eq!(message, format!("version {unknown:?} of {} is unknown", meaning.name()));
        }
    }
}
