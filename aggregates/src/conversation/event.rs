//! The facts of a conversation. Never changed: a new meaning is a new version with an upcaster.

use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::named::named_enum;
use crate::text::stored;
use crate::{AnswerId, Comment, DocumentId, Private, QuestionId, QuestionText, Tags, Title, UserId};

/// The private part of `QuestionAsked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The text of the question.
    #[serde(deserialize_with = "stored")]
    pub text: QuestionText,
}

/// The private part of an answer that ended with a text.
#[derive(Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Answer {
    /// The text, with citation marks such as `[1]`.
    pub text: String,
    /// What the marks stand for, in the order of their numbers.
    pub citations: Vec<Citation>,
}

impl std::fmt::Debug for Answer {
    /// Never the text itself, so that it cannot reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({} bytes, {} citations)", self.text.len(), self.citations.len())
    }
}

/// The passage behind a citation mark.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// The number in the text, from 1.
    pub number: u32,
    /// The document cited.
    pub document_id: DocumentId,
    /// The document's title when it was cited.
    pub title: String,
    /// The passage's place in the document, from 0.
    pub passage: u32,
    /// The beginning of the passage.
    pub snippet: String,
    /// How well the passage fitted the question; comparable within one answer only.
    pub score: f32,
}

impl std::fmt::Debug for Citation {
    /// Never the title or the snippet, so that they cannot reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Citation([{}] {}#{})", self.number, self.document_id, self.passage)
    }
}

/// What an answer was made of, so that it stays explainable after the index has changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Provenance {
    /// The model that embedded the question.
    pub embedding_model: String,
    /// The version of the index that was searched.
    pub index_version: String,
    /// The passages found, with their scores.
    pub passages: Vec<PassageScore>,
    /// The model that wrote the answer; `None` when it was quoted.
    pub language_model: Option<String>,
    /// The version of the prompt template.
    pub prompt_version: String,
    /// SHA-256 of the whole prompt, in hex.
    pub prompt_sha256: String,
    /// The answer consists of sentences of the passages.
    pub quoted: bool,
}

/// One passage found for a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PassageScore {
    /// The document.
    pub document_id: DocumentId,
    /// The passage's place in it, from 0.
    pub passage: u32,
    /// How well it fitted.
    pub score: f32,
}

/// What an answer cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read.
    pub prompt_tokens: u32,
    /// Tokens written.
    pub completion_tokens: u32,
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
    /// The reason for a failed answer, as it is reported to the user.
    pub enum FailureReason {
        /// The passages could not be searched.
        KnowledgeUnavailable = "knowledge_unavailable",
        /// Every attempt was cut off by the language model.
        ModelUnavailable = "model_unavailable",
        /// The language model refused the request.
        ModelRefused = "model_refused",
        /// No worker finished the answer within the allowed attempts.
        AttemptsExhausted = "attempts_exhausted",
        /// An unexpected error in the service.
        Internal = "internal",
    }
}

impl FailureReason {
    /// Whether asking again can help.
    pub const fn retryable(self) -> bool {
        match self {
            Self::KnowledgeUnavailable
            | Self::ModelUnavailable
            | Self::AttemptsExhausted
            | Self::Internal => true,
            Self::ModelRefused => false,
        }
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

/// What has happened in a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
#[expect(missing_docs, reason = "fields carry the names of the event model, documented on their types")]
pub enum ConversationEvent {
    /// Somebody began it.
    ConversationStarted { owner: UserId },
    /// The owner asked; `parent_id` is the answer the question follows.
    QuestionAsked {
        question_id: QuestionId,
        parent_id: Option<AnswerId>,
        #[serde(default)]
        private: Private<Question>,
    },
    /// An answer is wanted: by asking, and again by regenerating.
    AnswerRequested { question_id: QuestionId, answer_id: AnswerId },
    /// The answer is whole.
    AnswerCompleted {
        answer_id: AnswerId,
        question_id: QuestionId,
        attempt: u32,
        provenance: Provenance,
        usage: Usage,
        #[serde(default)]
        private: Private<Answer>,
    },
    /// The owner had enough; what was written so far is kept.
    AnswerStopped {
        answer_id: AnswerId,
        question_id: QuestionId,
        #[serde(default)]
        private: Private<Answer>,
    },
    /// There will be no answer.
    AnswerFailed { answer_id: AnswerId, question_id: QuestionId, attempt: u32, reason: FailureReason },
    /// The owner judged an answer.
    AnswerRated {
        answer_id: AnswerId,
        rating: Rating,
        #[serde(default)]
        private: Private<RatingComment>,
    },
    /// It has a new title.
    ConversationRenamed {
        by: TitledBy,
        #[serde(default)]
        private: Private<Titled>,
    },
    /// It stands before the others.
    ConversationPinned,
    /// It stands among the others again.
    ConversationUnpinned,
    /// It is out of the way.
    ConversationArchived,
    /// It is back.
    ConversationUnarchived,
    /// It has a new set of tags.
    ConversationTagged {
        #[serde(default)]
        private: Private<Tagged>,
    },
    /// The owner threw it away; it can be restored for 30 days from `at`.
    ConversationDeleted { at: DateTime<Utc> },
    /// The owner took it back.
    ConversationRestored,
    /// Its time was over: its key is destroyed, and nothing of it is shown again.
    ConversationErased,
}

impl ConversationEvent {
    /// The event's name: in the event store, in subjects and in answers to commands.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ConversationStarted { .. } => "ConversationStarted",
            Self::QuestionAsked { .. } => "QuestionAsked",
            Self::AnswerRequested { .. } => "AnswerRequested",
            Self::AnswerCompleted { .. } => "AnswerCompleted",
            Self::AnswerStopped { .. } => "AnswerStopped",
            Self::AnswerFailed { .. } => "AnswerFailed",
            Self::AnswerRated { .. } => "AnswerRated",
            Self::ConversationRenamed { .. } => "ConversationRenamed",
            Self::ConversationPinned => "ConversationPinned",
            Self::ConversationUnpinned => "ConversationUnpinned",
            Self::ConversationArchived => "ConversationArchived",
            Self::ConversationUnarchived => "ConversationUnarchived",
            Self::ConversationTagged { .. } => "ConversationTagged",
            Self::ConversationDeleted { .. } => "ConversationDeleted",
            Self::ConversationRestored => "ConversationRestored",
            Self::ConversationErased => "ConversationErased",
        }
    }
}

impl ConversationEvent {
    /// Whether it has a private part.
    pub const fn has_private(&self) -> bool {
        match self {
            Self::QuestionAsked { .. }
            | Self::AnswerCompleted { .. }
            | Self::AnswerStopped { .. }
            | Self::AnswerRated { .. }
            | Self::ConversationRenamed { .. }
            | Self::ConversationTagged { .. } => true,
            Self::ConversationStarted { .. }
            | Self::AnswerRequested { .. }
            | Self::AnswerFailed { .. }
            | Self::ConversationPinned
            | Self::ConversationUnpinned
            | Self::ConversationArchived
            | Self::ConversationUnarchived
            | Self::ConversationDeleted { .. }
            | Self::ConversationRestored
            | Self::ConversationErased => false,
        }
    }

    /// Takes in the private part, as the JSON that was sealed.
    pub fn open_private(&mut self, json: &[u8]) -> Result<(), serde_json::Error> {
        match self {
            Self::QuestionAsked { private, .. } => *private = Private::read(json)?,
            Self::AnswerCompleted { private, .. } | Self::AnswerStopped { private, .. } => {
                *private = Private::read(json)?;
            }
            Self::AnswerRated { private, .. } => *private = Private::read(json)?,
            Self::ConversationRenamed { private, .. } => *private = Private::read(json)?,
            Self::ConversationTagged { private } => *private = Private::read(json)?,
            Self::ConversationStarted { .. }
            | Self::AnswerRequested { .. }
            | Self::AnswerFailed { .. }
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
