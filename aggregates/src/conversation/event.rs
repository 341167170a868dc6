//! The events of a conversation. They never change: a new meaning is a new version with an upcaster.

use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, FailureReason, Provenance, SpendingPurpose, Usage};
use crate::named::named_enum;
use crate::text::stored;
use crate::{
    AnswerId, Comment, DocumentId, Instructed, ModelName, Private, QuestionId, QuestionText, Tags,
    Temperature, Title, UserId,
};

/// The private part of `QuestionAsked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The text of the question.
    #[serde(deserialize_with = "stored")]
    pub text: QuestionText,
    /// The documents to answer from; all, if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentId>,
    /// The tags by which the last ones of the documents were found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_tags: Option<FoundByTags>,
}

/// Tags that a question named, and the number of its documents that were found by them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundByTags {
    /// The tags.
    #[serde(deserialize_with = "stored")]
    pub tags: Tags,
    /// The number of documents. They follow those that the question named by their ids.
    pub documents: u32,
}

impl FoundByTags {
    /// Those of the documents of the question that it named by their ids.
    pub fn named<'a>(&self, documents: &'a [DocumentId]) -> &'a [DocumentId] {
        &documents[..documents.len().saturating_sub(self.documents as usize)]
    }
}

named_enum! {
    /// The owner's rating of an answer.
    #[derive(Default)]
    pub enum Rating {
        /// Good.
        Up = "up",
        /// Bad.
        Down = "down",
        /// Not rated, or the rating was withdrawn.
        #[default]
        None = "none",
    }
}

named_enum! {
    /// The author of a title.
    pub enum TitledBy {
        /// The owner. A title of the owner's is never replaced by a proposal.
        User = "user",
        /// The worker, as a proposal.
        Worker = "worker",
    }
}

/// The private part of `ConversationRenamed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Titled {
    /// The new title.
    #[serde(deserialize_with = "stored")]
    pub title: Title,
}

/// The private part of `ConversationTagged`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tagged {
    /// The new set of tags, which replaces the old one.
    #[serde(deserialize_with = "stored")]
    pub tags: Tags,
}

/// The private part of `AnswerRated`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatingComment {
    /// The comment, if the owner wrote one.
    #[serde(default, deserialize_with = "stored")]
    pub comment: Option<Comment>,
}

/// An event of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
#[expect(clippy::large_enum_variant, reason = "the large ones, completed answers, are frequent")]
#[expect(missing_docs, reason = "fields carry the names of the event model, documented on their types")]
pub enum ConversationEvent {
    /// The owner started the conversation with a first question.
    ConversationStarted { owner: UserId },
    /// The owner asked a question, which follows the answer `parent_id`.
    QuestionAsked {
        question_id: QuestionId,
        parent_id: Option<AnswerId>,
        #[serde(default)]
        private: Private<Question>,
    },
    /// An answer was requested: by asking, or by regenerating.
    ///
    /// `model` is the language model that was chosen; `None` for the default one.
    AnswerRequested {
        question_id: QuestionId,
        answer_id: AnswerId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<ModelName>,
    },
    /// The worker completed the answer.
    AnswerCompleted {
        answer_id: AnswerId,
        question_id: QuestionId,
        attempt: u32,
        provenance: Provenance,
        usage: Usage,
        #[serde(default)]
        private: Private<Answer>,
    },
    /// The owner stopped the answer. The private part holds the text that was written.
    AnswerStopped {
        answer_id: AnswerId,
        question_id: QuestionId,
        #[serde(default)]
        private: Private<Answer>,
    },
    /// The answer failed. It has no text.
    AnswerFailed { answer_id: AnswerId, question_id: QuestionId, attempt: u32, reason: FailureReason },
    /// A language model took tokens that no completed answer counts.
    ///
    /// `answer_id` is the answer that the tokens were spent for, `attempt` the number of an attempt at it.
    TokensSpent {
        answer_id: AnswerId,
        purpose: SpendingPurpose,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
        model: String,
        usage: Usage,
    },
    /// The owner rated the answer.
    AnswerRated {
        answer_id: AnswerId,
        rating: Rating,
        #[serde(default)]
        private: Private<RatingComment>,
    },
    /// The conversation has a new title.
    ConversationRenamed {
        by: TitledBy,
        #[serde(default)]
        private: Private<Titled>,
    },
    /// The owner pinned the conversation.
    ConversationPinned,
    /// The owner unpinned the conversation.
    ConversationUnpinned,
    /// The owner archived the conversation.
    ConversationArchived,
    /// The owner took the conversation out of the archive.
    ConversationUnarchived,
    /// The owner replaced the tags.
    ConversationTagged {
        #[serde(default)]
        private: Private<Tagged>,
    },
    /// The owner replaced the instructions to the language model and its temperature.
    ConversationInstructed {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        temperature: Option<Temperature>,
        #[serde(default)]
        private: Private<Instructed>,
    },
    /// The owner deleted the conversation. It can be restored for 30 days from `at`.
    ConversationDeleted { at: DateTime<Utc> },
    /// The owner restored the conversation.
    ConversationRestored,
    /// The conversation ended finally. Its key is destroyed, and its texts are unreadable.
    ConversationErased,
}

impl ConversationEvent {
    /// The event's name in the event store, in subjects and in responses to commands.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ConversationStarted { .. } => "ConversationStarted",
            Self::QuestionAsked { .. } => "QuestionAsked",
            Self::AnswerRequested { .. } => "AnswerRequested",
            Self::AnswerCompleted { .. } => "AnswerCompleted",
            Self::AnswerStopped { .. } => "AnswerStopped",
            Self::AnswerFailed { .. } => "AnswerFailed",
            Self::TokensSpent { .. } => "TokensSpent",
            Self::AnswerRated { .. } => "AnswerRated",
            Self::ConversationRenamed { .. } => "ConversationRenamed",
            Self::ConversationPinned => "ConversationPinned",
            Self::ConversationUnpinned => "ConversationUnpinned",
            Self::ConversationArchived => "ConversationArchived",
            Self::ConversationUnarchived => "ConversationUnarchived",
            Self::ConversationTagged { .. } => "ConversationTagged",
            Self::ConversationInstructed { .. } => "ConversationInstructed",
            Self::ConversationDeleted { .. } => "ConversationDeleted",
            Self::ConversationRestored => "ConversationRestored",
            Self::ConversationErased => "ConversationErased",
        }
    }
}

impl ConversationEvent {
    /// Whether the event has a private part.
    pub const fn has_private(&self) -> bool {
        match self {
            Self::QuestionAsked { .. }
            | Self::AnswerCompleted { .. }
            | Self::AnswerStopped { .. }
            | Self::AnswerRated { .. }
            | Self::ConversationRenamed { .. }
            | Self::ConversationTagged { .. }
            | Self::ConversationInstructed { .. } => true,
            Self::ConversationStarted { .. }
            | Self::AnswerRequested { .. }
            | Self::AnswerFailed { .. }
            | Self::TokensSpent { .. }
            | Self::ConversationPinned
            | Self::ConversationUnpinned
            | Self::ConversationArchived
            | Self::ConversationUnarchived
            | Self::ConversationDeleted { .. }
            | Self::ConversationRestored
            | Self::ConversationErased => false,
        }
    }

    /// Sets the private part from its decrypted JSON. Does nothing for an event without one.
    pub fn open_private(&mut self, json: &[u8]) -> Result<(), serde_json::Error> {
        match self {
            Self::QuestionAsked { private, .. } => *private = Private::read(json)?,
            Self::AnswerCompleted { private, .. } | Self::AnswerStopped { private, .. } => {
                *private = Private::read(json)?;
            }
            Self::AnswerRated { private, .. } => *private = Private::read(json)?,
            Self::ConversationRenamed { private, .. } => *private = Private::read(json)?,
            Self::ConversationTagged { private } => *private = Private::read(json)?,
            Self::ConversationInstructed { private, .. } => *private = Private::read(json)?,
            Self::ConversationStarted { .. }
            | Self::AnswerRequested { .. }
            | Self::AnswerFailed { .. }
            | Self::TokensSpent { .. }
            | Self::ConversationPinned
            | Self::ConversationUnpinned
            | Self::ConversationArchived
            | Self::ConversationUnarchived
            | Self::ConversationDeleted { .. }
            | Self::ConversationRestored
            | Self::ConversationErased => {}
        }
        Ok(())
    }
}

impl DomainEvent for ConversationEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
