//! The refusals of a conversation.

use crate::{AnswerId, QuestionId, Version};

/// The reason for which a conversation refuses a command. Nothing was recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConversationRefused {
    /// The conversation does not exist, or it belongs to another user. The error does not tell which.
    #[error("conversation not found")]
    NotFound,
    /// The owner deleted the conversation.
    #[error("the conversation was deleted")]
    Deleted,
    /// The time within which the conversation could be restored has passed.
    #[error("the conversation was deleted more than 30 days ago")]
    RestoreTooLate,
    /// The conversation is not at the version that the command expects.
    #[error("the conversation is at version {current}")]
    VersionMismatch {
        /// The conversation's version.
        current: Version,
    },
    /// The conversation has no such answer.
    #[error("answer {0} not found")]
    UnknownAnswer(AnswerId),
    /// The conversation has no such question.
    #[error("question {0} not found")]
    UnknownQuestion(QuestionId),
    /// The conversation has no such answer, which the question is to follow.
    #[error("parent answer {0} not found")]
    UnknownParent(AnswerId),
    /// The answer has ended.
    #[error("answer {0} has ended")]
    AnswerEnded(AnswerId),
    /// The answer has not ended yet.
    #[error("answer {0} has not ended yet")]
    AnswerPending(AnswerId),
    /// Another question or answer of the conversation has this id.
    #[error("id {0} is the id of another message")]
    AnswerIdTaken(AnswerId),
    /// The conversation has as many questions and answers as it can hold.
    #[error("the conversation has {limit} messages")]
    TooManyMessages {
        /// The most messages of a conversation.
        limit: u64,
    },
    /// The conversation was changed as often as it can be.
    #[error("the conversation was changed {limit} times")]
    TooManyChanges {
        /// The most changes of a conversation.
        limit: u64,
    },
    /// The message has as many siblings as it can have.
    #[error("message has too many siblings")]
    TooManySiblings,
}
