//! The associated data that binds a ciphertext to its place, so that it cannot be moved.

use aggregates::{AggregateType, AnswerId, ConversationId, Version};
use uuid::Uuid;

/// The place that a ciphertext is bound to. Decryption succeeds only with the same associated data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssociatedData<'a> {
    /// The private part of an event. A read model that copies the ciphertext uses the
    /// event's associated data.
    Event {
        /// The kind of aggregate.
        aggregate: AggregateType,
        /// The aggregate.
        aggregate_id: Uuid,
        /// The event's sequence within its aggregate.
        sequence: Version,
        /// The event's name.
        event_type: &'a str,
    },
    /// A column that a read model derives.
    ReadModel {
        /// The column, as `table.column`.
        column: &'a str,
        /// The id of the row.
        row: Uuid,
    },
    /// A message about an answer in the live stream.
    Live {
        /// The conversation.
        conversation_id: ConversationId,
        /// The answer.
        answer_id: AnswerId,
        /// The attempt that sent the message, from 1.
        attempt: u32,
        /// The message within its attempt: `sources` or `delta:<offset>`.
        message: &'a str,
    },
    /// A piece of a stored file. `last` marks the end, so that a file cannot be cut off unnoticed.
    File {
        /// The file.
        file: Uuid,
        /// The piece's index, from 0.
        piece: u32,
        /// Whether it is the file's last piece.
        last: bool,
    },
    /// A passage in the index.
    Passage {
        /// The document.
        document_id: Uuid,
        /// The passage's index within its document, from 0.
        ordinal: u32,
    },
}

impl AssociatedData<'_> {
    /// The bytes that the cipher authenticates. Two places never have the same bytes: each part has a fixed
    /// length, is followed by a zero byte, or comes last.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut data = Vec::with_capacity(64);
        match self {
            Self::Event { aggregate, aggregate_id, sequence, event_type } => {
                data.extend_from_slice(b"event\0");
                data.extend_from_slice(aggregate_id.as_bytes());
                data.extend_from_slice(&sequence.0.to_be_bytes());
                data.extend_from_slice(aggregate.name().as_bytes());
                data.push(0);
                data.extend_from_slice(event_type.as_bytes());
            }
            Self::ReadModel { column, row } => {
                data.extend_from_slice(b"read\0");
                data.extend_from_slice(row.as_bytes());
                data.extend_from_slice(column.as_bytes());
            }
            Self::Live { conversation_id, answer_id, attempt, message } => {
                data.extend_from_slice(b"live\0");
                data.extend_from_slice(conversation_id.uuid().as_bytes());
                data.extend_from_slice(answer_id.uuid().as_bytes());
                data.extend_from_slice(&attempt.to_be_bytes());
                data.extend_from_slice(message.as_bytes());
            }
            Self::File { file, piece, last } => {
                data.extend_from_slice(b"file\0");
                data.extend_from_slice(file.as_bytes());
                data.extend_from_slice(&piece.to_be_bytes());
                data.push(u8::from(last));
            }
            Self::Passage { document_id, ordinal } => {
                data.extend_from_slice(b"passage\0");
                data.extend_from_slice(document_id.as_bytes());
                data.extend_from_slice(&ordinal.to_be_bytes());
            }
        }
        data
    }
}
