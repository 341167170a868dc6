//! Events of accounts, documents and operations in the golden files.

use aggregates::account::{AccountEvent, ErasureTarget, UserRole};
use aggregates::document::{DocumentEvent, DocumentScope, DocumentTags, DocumentTitle};
use aggregates::operation::{
    DeadLetterKind, DeadLetterOutcome, OperationEvent, QuarantineCause, QuarantineOutcome, RotatedKey,
};
use aggregates::{AggregateType, Instructed, Position, Private, ReceiptId, SessionId, Tags, UserId};
use uuid::Uuid;

use crate::{DOCUMENT, OWNER};

const RECEIPT: ReceiptId = ReceiptId::new(Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0005));
const SESSION: SessionId = SessionId::new(Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0006));

pub(crate) fn of_accounts() -> Vec<AccountEvent> {
    vec![
        AccountEvent::AccountOpened { owner: OWNER },
        AccountEvent::AccountErasureRequested { receipt: RECEIPT },
        AccountEvent::StoreErased { store: ErasureTarget::ReadModels },
        AccountEvent::AccountErased,
        AccountEvent::SignedIn { session: SESSION },
        AccountEvent::SignInRefused { count: 7 },
        AccountEvent::SignedOut { session: SESSION },
        AccountEvent::SessionsRevoked { sessions: vec![SESSION], by: OWNER },
        AccountEvent::RoleChanged { role: UserRole::Auditor, by: UserId::SHARED },
        AccountEvent::Banned { by: OWNER },
        AccountEvent::BanLifted { by: OWNER },
        AccountEvent::AccountInstructed {
            temperature: None,
            private: Private::Open(Instructed { instructions: None }),
        },
        AccountEvent::DataExported,
    ]
}

pub(crate) fn of_documents() -> Vec<DocumentEvent> {
    vec![
        DocumentEvent::DocumentAdded {
            owner: OWNER,
            scope: DocumentScope::Shared,
            media_type: "text/markdown".into(),
            size: 1_234,
            sha256: "00ff".into(),
            private: Private::Open(DocumentTitle { title: "Ownership".into() }),
        },
        DocumentEvent::DocumentIndexed {
            passages: 7,
            embedding_model: "minilm-l6-v2-int8".into(),
            pages: None,
            language: None,
            omitted: 0,
            private: Private::Sealed,
        },
        DocumentEvent::DocumentRejected { reason: "it is not UTF-8".into() },
        DocumentEvent::DocumentTagged {
            private: Private::Open(DocumentTags { tags: Tags::parse(&["rust", "memory"]).unwrap() }),
        },
        DocumentEvent::DocumentRemoved,
    ]
}

pub(crate) fn of_operations() -> Vec<OperationEvent> {
    vec![
        OperationEvent::KeyRotated { key: RotatedKey::Master, key_id: "00ff".into(), rewrapped: 1_234 },
        OperationEvent::ReadModelRebuilt { read_model: "conversations".into(), position: Position(41) },
        OperationEvent::BackupRestored { position: Position(41) },
        OperationEvent::BackupCreated { backup: "2026-03-01T04-05-06.789Z".into(), position: Position(41) },
        OperationEvent::BackupVerified {
            backup: "2026-03-01T04-05-06.789Z".into(),
            position: Position(41),
            problems: 2,
        },
        OperationEvent::InvitationCreated { role: UserRole::Auditor, by: OWNER },
        OperationEvent::Quarantined {
            read_model: "messages".into(),
            aggregate: AggregateType::Conversation,
            aggregate_id: DOCUMENT.uuid(),
            position: Position(41),
            event_type: "QuestionAsked".into(),
            cause: QuarantineCause::Undecryptable,
        },
        OperationEvent::QuarantineEnded {
            read_model: "messages".into(),
            aggregate: AggregateType::Conversation,
            aggregate_id: DOCUMENT.uuid(),
            position: Position(41),
            outcome: QuarantineOutcome::Retried,
        },
        OperationEvent::DeadLetterEnded {
            letter: DOCUMENT.uuid(),
            kind: DeadLetterKind::Document,
            outcome: DeadLetterOutcome::Discarded,
        },
    ]
}
