//! Rows of the table `messages`.

use aggregates::conversation::{FailureReason, MessageStatus, Rating};
use aggregates::{AggregateType, ConversationId, Position, UserId, Version};
use chrono::{DateTime, Utc};
use sealing::{AssociatedData, Opener};
use sqlx::FromRow;
use uuid::Uuid;

/// The columns of a message. The columns `role` and `event_type` follow from the status and are not read.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(super) struct MessageColumns {
    pub(super) id: Uuid,
    /// The position of the event that added the message; messages are ordered by it.
    pub(super) ordinal: Position,
    pub(super) parent_id: Option<Uuid>,
    pub(super) status: MessageStatus,
    pub(super) created_at: DateTime<Utc>,
    /// The sequence of the event that `private` was copied from.
    pub(super) sequence: Version,
    pub(super) private: Option<Vec<u8>>,
    pub(super) model: Option<String>,
    pub(super) quoted: bool,
    pub(super) failure: Option<FailureReason>,
    pub(super) prompt_tokens: i32,
    pub(super) completion_tokens: i32,
    pub(super) rating: Rating,
}

/// A row with the columns that its reader knows from the query.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(super) struct MessageRow {
    pub(super) owner: UserId,
    pub(super) conversation_id: ConversationId,
    #[sqlx(flatten)]
    pub(super) message: MessageColumns,
}

/// A message with its text encrypted.
#[derive(Debug, Clone)]
pub struct SealedMessage {
    pub(super) conversation_id: ConversationId,
    pub(super) message: MessageColumns,
    /// The messages with the same parent, this one included, oldest first.
    pub(super) siblings: Vec<Uuid>,
}

impl SealedMessage {
    /// A message that is the only child of its parent.
    pub(super) fn without_siblings(conversation_id: ConversationId, message: MessageColumns) -> Self {
        let siblings = vec![message.id];
        Self { conversation_id, message, siblings }
    }

    /// Decrypts the private part; `None` if there is none, or if it belongs to another key.
    pub(super) fn open_private(&mut self, opener: &Opener) -> Option<Vec<u8>> {
        let aad = AssociatedData::Event {
            aggregate: AggregateType::Conversation,
            aggregate_id: self.conversation_id.uuid(),
            sequence: self.message.sequence,
            event_type: self.message.status.event_type(),
        };
        opener.open(&aad, self.message.private.take()?).ok()
    }
}
