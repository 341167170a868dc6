//! An attempt at an answer, as live messages identify it and encrypt its texts.

use aggregates::{AnswerId, ConversationId, QuestionId, UserId};
use bytes::Bytes;
use nats::{LiveKind, LiveMessage};
use sealing::{AssociatedData, ContentKey};

/// An attempt at an answer.
#[derive(Debug, Clone)]
pub(in crate::roles::answering) struct Attempt {
    pub(in crate::roles::answering) owner: UserId,
    pub(in crate::roles::answering) conversation_id: ConversationId,
    pub(in crate::roles::answering) question_id: QuestionId,
    pub(in crate::roles::answering) answer_id: AnswerId,
    /// Number of the attempt, from 1.
    pub(in crate::roles::answering) number: u32,
    pub(in crate::roles::answering) key: ContentKey,
}

impl Attempt {
    /// A live message of the attempt; `None` if it cannot be encrypted.
    pub(super) fn message(&self, beginning: u32, kind: LiveKind, text: &[u8]) -> Option<Bytes> {
        let Self { conversation_id, question_id, answer_id, number, key, .. } = self;
        let mut message = LiveMessage {
            answer_id: *answer_id,
            question_id: *question_id,
            attempt: *number,
            beginning,
            kind,
            sealed: vec![],
        };
        let label = message.label();
        let aad = AssociatedData::Live {
            conversation_id: *conversation_id,
            answer_id: *answer_id,
            attempt: *number,
            message: &label,
        };
        let sealed = match text {
            [] => Ok(vec![]),
            text => key.seal(&aad, text),
        };
        let written = sealed.map_err(|error| error.to_string()).and_then(|sealed| {
            message.sealed = sealed;
            message.to_bytes().map_err(|error| error.to_string())
        });
        written.inspect_err(|error| tracing::error!(error, "a live message could not be encrypted")).ok()
    }
}
