//! Messages of the live stream about an answer that is being written. Their texts are encrypted.

use aggregates::{AnswerId, QuestionId};
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A message about an answer that is being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveMessage {
    /// The answer.
    pub answer_id: AnswerId,
    /// The question it answers.
    pub question_id: QuestionId,
    /// The attempt, from 1. A message of a higher attempt voids the messages of all lower ones.
    pub attempt: u32,
    /// The beginning within the attempt, from 0. A message of a higher one voids the messages of
    /// all lower ones.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub beginning: u32,
    /// The content of the message.
    #[serde(flatten)]
    pub kind: LiveKind,
    /// The ciphertext of the text; empty for a message without text.
    #[serde(default, with = "base64_bytes", skip_serializing_if = "Vec::is_empty")]
    pub sealed: Vec<u8>,
}

/// The content of a live message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LiveKind {
    /// A worker began to write the answer. The message has no text.
    Started {
        /// The number of bytes of the text so far, in UTF-8, that the answer continues. A delta repeats
        /// them. All text is void if it is 0, and reasoning always.
        #[serde(default, skip_serializing_if = "is_zero")]
        from: u64,
        /// Whether a later attempt can continue the text: its author is a language model that continues an
        /// unfinished answer.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        can_continue: bool,
    },
    /// The passages that were found. The text is a JSON array of citations.
    Sources,
    /// A piece of the answer. After a loss of the stream the worker sends the whole text again,
    /// from offset 0.
    Delta {
        /// The number of bytes of UTF-8 before the piece.
        offset: u64,
    },
    /// A piece of the reasoning before the answer.
    Reasoning {
        /// The number of bytes of UTF-8 before the piece.
        offset: u64,
    },
}

impl LiveKind {
    /// The label of the content: `started`, `sources`, `delta:<offset>` or `reasoning:<offset>`.
    pub fn label(&self) -> String {
        match self {
            Self::Started { .. } => "started".to_owned(),
            Self::Sources => "sources".to_owned(),
            Self::Delta { offset } => format!("delta:{offset}"),
            Self::Reasoning { offset } => format!("reasoning:{offset}"),
        }
    }
}

fn is_zero<N: Default + PartialEq>(number: &N) -> bool {
    *number == N::default()
}

/// The effect of a piece on a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Appended {
    /// This text follows the first `offset` bytes.
    New {
        /// The number of bytes of UTF-8 before the text.
        offset: usize,
        /// The text.
        text: String,
    },
    /// The text has the piece already.
    Nothing,
    /// A piece before this one is missing.
    Gap,
}

/// Appends the part of a piece that is not known yet. A piece that is sent again may begin before it.
pub fn append_piece(known: &mut String, offset: u64, piece: Vec<u8>) -> Appended {
    let (Ok(offset), Ok(text)) = (usize::try_from(offset), String::from_utf8(piece)) else {
        return Appended::Nothing;
    };
    if offset > known.len() {
        return Appended::Gap;
    }
    match text.get(known.len() - offset..) {
        Some(new) if !new.is_empty() => {
            let offset = known.len();
            known.push_str(new);
            Appended::New { offset, text: new.to_owned() }
        }
        _ => Appended::Nothing,
    }
}

impl LiveMessage {
    /// The label that binds the ciphertext to its message, within its attempt.
    pub fn label(&self) -> String {
        match self.beginning {
            0 => self.kind.label(),
            beginning => format!("{}#{beginning}", self.kind.label()),
        }
    }

    /// Encodes the message as JSON.
    pub fn to_bytes(&self) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(self).map(Bytes::from)
    }

    /// Decodes a message.
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
            beginning: 1,
            kind: LiveKind::Delta { offset: 17 },
            sealed: vec![1, 2, 255],
        };
        let bytes = message.to_bytes().unwrap();
        assert_eq!(LiveMessage::from_bytes(&bytes).unwrap(), message);
    }

    #[test]
    fn a_beginning_is_read_with_the_text_that_it_continues_and_without_one() {
        let of = |kind| LiveMessage {
            answer_id: AnswerId::new(Uuid::from_u128(1)),
            question_id: QuestionId::new(Uuid::from_u128(2)),
            attempt: 2,
            beginning: 0,
            kind,
            sealed: vec![],
        };
        let plain = of(LiveKind::Started { from: 0, can_continue: false });
        let json = String::from_utf8(plain.to_bytes().unwrap().to_vec()).unwrap();
        assert!(json.contains(r#""kind":"started""#) && !json.contains("from"), "{json}");
        assert_eq!(LiveMessage::from_bytes(json.as_bytes()).unwrap(), plain);
        let going_on = of(LiveKind::Started { from: 17, can_continue: true });
        assert_eq!(LiveMessage::from_bytes(&going_on.to_bytes().unwrap()).unwrap(), going_on);
    }
}
