//! Events with all their optional fields, in files of their own: `<event>.v<version>.filled.json`.

use aggregates::account::AccountEvent;
use aggregates::conversation::{
    Answer, Citation, ConversationEvent, CutOff, FoundByTags, FoundPassage, InstructionScope, PassageOutcome,
    PassageScore, Place, Provenance, Question, SpendingPurpose, Timings, Usage,
};
use aggregates::document::{DocumentEvent, DocumentOmissions, Omission, OmissionCause, OmittedPart};
use aggregates::{
    AggregateType, DocumentId, Event, Instructed, Instructions, ModelName, Private, QuestionText, Tags,
    Temperature,
};
use cqrs_es::DomainEvent as _;

use crate::{ANSWER, DOCUMENT, QUESTION};

/// The meanings of the files: the aggregate, the version in the file's name, the event.
pub(crate) fn filled_meanings() -> Vec<(AggregateType, String, Event)> {
    let conversations = conversation_events().into_iter().map(|event| {
        let version = event.event_version();
        (AggregateType::Conversation, version, Event::Conversation(event))
    });
    let account = AccountEvent::AccountInstructed {
        temperature: Some(temperature()),
        private: Private::Open(instructed()),
    };
    let document = DocumentEvent::DocumentIndexed {
        passages: 7,
        embedding_model: "minilm-l6-v2-int8".into(),
        pages: Some(3),
        language: Some("de".into()),
        omitted: 0,
        private: Private::Sealed,
    };
    let others = [
        (AggregateType::Account, account.event_version(), Event::Account(account)),
        (AggregateType::Document, document.event_version(), Event::Document(document)),
    ];
    conversations
        .chain(others)
        .map(|(aggregate, version, event)| (aggregate, format!("{version}.filled"), event))
        .chain(later_fields())
        .collect()
}

/// Fields that events got after their files were written, in files of their own.
fn later_fields() -> [(AggregateType, String, Event); 2] {
    let (in_part, tagged) = (in_part(), tagged());
    let versions = (in_part.event_version(), tagged.event_version());
    [
        (AggregateType::Document, format!("{}.omitted", versions.0), Event::Document(in_part)),
        (AggregateType::Conversation, format!("{}.tagged", versions.1), Event::Conversation(tagged)),
    ]
}

/// A question that named a document and tags.
fn tagged() -> ConversationEvent {
    let tags = Tags::parse(&["rust"]).unwrap();
    let question = Question {
        text: QuestionText::parse("What is ownership?").unwrap(),
        documents: vec![DOCUMENT, DocumentId::new(ANSWER.uuid())],
        by_tags: Some(FoundByTags { tags, documents: 1 }),
    };
    ConversationEvent::QuestionAsked {
        question_id: QUESTION,
        parent_id: Some(ANSWER),
        private: Private::Open(question),
    }
}

/// A document of which parts were left out.
fn in_part() -> DocumentEvent {
    let omissions = vec![
        Omission {
            part: OmittedPart::Pages { first: 41, last: 90 },
            file: Some("scan.pdf".into()),
            cause: OmissionCause::RecognitionLimit,
        },
        Omission {
            part: OmittedPart::File { name: "b.docx".into() },
            file: None,
            cause: OmissionCause::Damaged,
        },
    ];
    DocumentEvent::DocumentIndexed {
        passages: 7,
        embedding_model: "minilm-l6-v2-int8".into(),
        pages: Some(3),
        language: Some("de".into()),
        omitted: 2,
        private: Private::Open(DocumentOmissions { omissions }),
    }
}

fn temperature() -> Temperature {
    Temperature::try_from(0.7).unwrap()
}

fn instructed() -> Instructed {
    Instructed { instructions: Some(Instructions::parse("Answer in verse.").unwrap()) }
}

fn conversation_events() -> Vec<ConversationEvent> {
    let question = Question {
        text: QuestionText::parse("What is ownership?").unwrap(),
        documents: vec![DOCUMENT],
        by_tags: None,
    };
    vec![
        ConversationEvent::QuestionAsked {
            question_id: QUESTION,
            parent_id: Some(ANSWER),
            private: Private::Open(question),
        },
        ConversationEvent::AnswerRequested {
            question_id: QUESTION,
            answer_id: ANSWER,
            model: Some(ModelName::try_from("Large".to_owned()).unwrap()),
        },
        completed(),
        ConversationEvent::TokensSpent {
            answer_id: ANSWER,
            purpose: SpendingPurpose::Attempt,
            attempt: Some(2),
            model: "Large".into(),
            usage: Usage { prompt_tokens: 900, completion_tokens: 11 },
        },
        ConversationEvent::ConversationInstructed {
            temperature: Some(temperature()),
            private: Private::Open(instructed()),
        },
    ]
}

fn completed() -> ConversationEvent {
    let cells = Place::Cells { sheet: "Stock".into(), range: "A2:F9".into() };
    let answer = Answer {
        text: "A value has one owner [1].".into(),
        citations: vec![Citation {
            number: 1,
            document_id: DOCUMENT,
            title: "Ownership".into(),
            passage: 3,
            place: Some(cells),
            snippet: "Each value has an owner.".into(),
            score: 0.75,
        }],
        reasoning: "The second source says it.".into(),
        cut_off: Some(CutOff::Tokens),
    };
    let found = FoundPassage {
        document_id: DOCUMENT,
        passage: 3,
        meaning_rank: 2,
        meaning: 0.5,
        terms_rank: Some(1),
        terms: 4.25,
        rank: 1,
        score: 0.75,
        outcome: PassageOutcome::Given,
    };
    let provenance = Provenance {
        embedding_model: "minilm-l6-v2-int8".into(),
        index_version: "passages_minilm-l6-v2-int8_384".into(),
        passages: vec![PassageScore { document_id: DOCUMENT, passage: 3, score: 0.75 }],
        language_model: Some("Large".into()),
        prompt_version: "answer.v1+instructions.v1".into(),
        prompt_sha256: "00ff".into(),
        quoted: false,
        found: vec![found],
        instructions: vec![InstructionScope::Account, InstructionScope::Conversation],
        temperature: Some(temperature()),
        timings: Some(Timings { retrieval_ms: 12, first_text_ms: 340, total_ms: 2_100 }),
    };
    ConversationEvent::AnswerCompleted {
        answer_id: ANSWER,
        question_id: QUESTION,
        attempt: 2,
        provenance,
        usage: Usage { prompt_tokens: 900, completion_tokens: 110 },
        private: Private::Open(answer),
    }
}
