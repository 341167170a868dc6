//! The place a ciphertext belongs to: what binds it, so that it cannot be moved.

use aggregates::{AggregateType, AnswerId, ConversationId, Version};
use uuid::Uuid;

/// Where a sealed text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coordinates<'a> {
    /// The private part of an event: its aggregate, sequence and type. A read model that copies the ciphertext copies these.
    Event {
        /// The kind of aggregate.
        aggregate: AggregateType,
        /// The aggregate.
        aggregate_id: Uuid,
        /// The event's place in the aggregate's history.
        sequence: Version,
        /// The event's name.
        event_type: &'a str,
    },
    /// A column that a read model derives: its name as `table.column`, and the row's id.
    ReadModel {
        /// `table.column`.
        column: &'a str,
        /// The row.
        row: Uuid,
    },
    /// A piece of an answer in the live stream.
    Live {
        /// The conversation.
        conversation_id: ConversationId,
        /// The answer.
        answer_id: AnswerId,
        /// The attempt it belongs to.
        attempt: u32,
        /// Which message of this answer it is: `<kind>:<offset>`.
        message: &'a str,
    },
    /// A piece of a kept file: the file, the piece's place, and whether it is the last, so that none can be left out.
    File {
        /// The file.
        file: Uuid,
        /// The piece's place, from 0.
        piece: u32,
        /// Nothing follows.
        last: bool,
    },
    /// A passage in the index: its document and its place there.
    Passage {
        /// The document.
        document_id: Uuid,
        /// The passage's place, from 0.
        ordinal: u32,
    },
}

impl Coordinates<'_> {
    /// The associated data: unambiguous, since every part has a fixed length or stands last.
    pub(crate) fn associated_data(&self) -> Vec<u8> {
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
                data.push(u8::from(*last));
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
