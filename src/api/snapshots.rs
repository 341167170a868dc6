//! Snapshots of responses, problems and stream events (`tests/snapshots`), and their example values.

use aggregates::conversation::{AnswerStatus, Citation, CutOff, FailureReason, MessageRole, Place, Rating};
use aggregates::document::{DocumentScope, DocumentStatus};
use aggregates::{ConversationId, DocumentId, Version};
use chrono::{DateTime, Utc};
use projections::RawJson;
use projections::conversations::ConversationRow;
use projections::documents::DocumentRow;
use projections::messages::{Message, MessageUsage};
use serde::Serialize;
use uuid::Uuid;

/// Compares the JSON of a value with a snapshot. `cargo insta review` shows and accepts a change.
pub(in crate::api) fn assert_json(name: &str, value: &impl Serialize) {
    settings().bind(|| insta::assert_json_snapshot!(name, value));
}

/// Compares a text with a snapshot.
pub(in crate::api) fn assert_text(name: &str, text: &str) {
    settings().bind(|| insta::assert_snapshot!(name, text));
}

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

pub(in crate::api) const fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0197_b3f0_0000_7000_8000_0000_0000_0000 | number)
}

pub(in crate::api) fn time() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_795_000_000_123_456).unwrap()
}

pub(in crate::api) fn conversation_row() -> ConversationRow {
    ConversationRow {
        id: ConversationId::new(id(1)),
        title: "Lighthouses".to_owned(),
        preview: "The lamp is lit at dusk.".to_owned(),
        message_count: 2,
        pinned: true,
        archived: false,
        tags: vec!["sea".to_owned()],
        created_at: time(),
        updated_at: time(),
        version: Version(4),
        answering: false,
    }
}

pub(in crate::api) fn citation() -> Citation {
    Citation {
        number: 1,
        document_id: DocumentId::new(id(9)),
        title: "Kerguelen".to_owned(),
        passage: 3,
        place: Some(Place::Pages { first: 4, last: 5 }),
        snippet: "The keeper lights the lamp".to_owned(),
        score: 0.5,
    }
}

pub(in crate::api) fn question() -> Message {
    Message {
        id: id(2),
        conversation_id: ConversationId::new(id(1)),
        role: MessageRole::User,
        text: RawJson::from(&"When is the lamp lit?".to_owned()),
        parent_id: None,
        siblings: vec![id(2)],
        status: AnswerStatus::Completed,
        documents: vec![],
        document_tags: vec![],
        named_documents: vec![],
        citations: vec![],
        reasoning: None,
        cut_off: None,
        model: None,
        quoted: false,
        usage: None,
        rating: Rating::None,
        failure: None,
        created_at: time(),
    }
}

pub(in crate::api) fn answer(status: AnswerStatus) -> Message {
    let answer = Message {
        id: id(3),
        role: MessageRole::Assistant,
        text: RawJson::from(&"The lamp is lit at dusk [1].".to_owned()),
        parent_id: Some(id(2)),
        siblings: vec![id(3), id(4)],
        status,
        citations: vec![citation()],
        rating: Rating::Up,
        ..question()
    };
    match status {
        AnswerStatus::Completed => Message {
            reasoning: Some("Lamps are lit at dusk.".to_owned()),
            cut_off: Some(CutOff::Tokens),
            model: Some("a-model".to_owned()),
            usage: Some(MessageUsage { prompt_tokens: 120, completion_tokens: 9 }),
            ..answer
        },
        AnswerStatus::Failed => Message {
            text: RawJson::default(),
            citations: vec![],
            failure: Some(FailureReason::ModelUnavailable.into()),
            ..answer
        },
        AnswerStatus::Requested | AnswerStatus::Stopped => answer,
    }
}

pub(in crate::api) fn document_row() -> DocumentRow {
    DocumentRow {
        id: DocumentId::new(id(9)),
        title: "Kerguelen".to_owned(),
        media_type: "text/markdown".to_owned(),
        size: 2_048,
        scope: DocumentScope::Shared,
        status: DocumentStatus::Rejected,
        passages: 0,
        pages: Some(4),
        language: Some("fr".to_owned()),
        tags: vec!["islands".to_owned()],
        reason: Some("The file has no text.".to_owned()),
        warning: None,
        omissions: vec![],
        created_at: time(),
        updated_at: time(),
        version: Version(2),
    }
}
