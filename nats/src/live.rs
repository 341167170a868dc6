//! What the live stream carries while an answer is being written. Every text in it is sealed.

use aggregates::{AnswerId, QuestionId};
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// One message about an answer that is being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveMessage {
    /// The answer.
    pub answer_id: AnswerId,
    /// The question it answers.
    pub question_id: QuestionId,
    /// The attempt, from 1. A higher one voids what a lower one sent.
    pub attempt: u32,
    /// What happened.
    #[serde(flatten)]
    pub kind: LiveKind,
    /// The ciphertext, where there is a text.
    #[serde(default, with = "base64_bytes", skip_serializing_if = "Vec::is_empty")]
    pub sealed: Vec<u8>,
}

/// What a live message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LiveKind {
    /// A worker has taken up the question. No text.
    Started,
    /// The passages found, as a JSON array of citations.
    Sources,
    /// More of the answer: what follows its first `offset` bytes. After a loss of the stream the worker sends all it has
    /// once more, from offset 0.
    Delta {
        /// Bytes of UTF-8 before this text.
        offset: u64,
    },
}

impl LiveKind {
    /// What binds the ciphertext to this message: `sources`, or `delta:<offset>`.
    pub fn label(&self) -> String {
        match self {
            Self::Started => "started".to_owned(),
            Self::Sources => "sources".to_owned(),
            Self::Delta { offset } => format!("delta:{offset}"),
        }
    }
}

impl LiveMessage {
    /// The message's bytes.
    pub fn to_bytes(&self) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(self).map(Bytes::from)
    }

    /// Reads a message.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

mod base64_bytes {
    //! Bytes as base64 in JSON.
    use serde::{Deserialize, Deserializer, Serializer};

    use base64::Engine as _;

    use super::STANDARD;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_delta_is_read_as_it_was_written() {
        let message = LiveMessage {
            answer_id: AnswerId::new(Uuid::from_u128(1)),
            question_id: QuestionId::new(Uuid::from_u128(2)),
            attempt: 2,
            kind: LiveKind::Delta { offset: 17 },
            sealed: vec![1, 2, 255],
        };
        let bytes = message.to_bytes().unwrap();
        assert_eq!(LiveMessage::from_bytes(&bytes).unwrap(), message);
    }
}
