//! Why a conversation refuses a command.

use crate::{AnswerId, QuestionId, Version};

/// Why a command was refused. Nothing was recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConversationRefused {
    /// There is none, or it is not the commander's: nobody learns which.
    #[error("find the conversation")]
    NotFound,
    /// The owner threw it away.
    #[error("change a deleted conversation")]
    Deleted,
    /// The time to take it back has passed.
    #[error("restore the conversation: 30 days have passed")]
    RestoreTooLate,
    /// It is at another version than the command expected.
    #[error("meet the condition: the conversation is at version {current}")]
    VersionMismatch {
        /// The version it is at.
        current: Version,
    },
    /// No such answer here.
    #[error("find answer {0}")]
    UnknownAnswer(AnswerId),
    /// No such question here.
    #[error("find question {0}")]
    UnknownQuestion(QuestionId),
    /// The answer a question should follow is not here.
    #[error("find the parent answer {0}")]
    UnknownParent(AnswerId),
    /// The answer has ended already.
    #[error("change answer {0}: it has ended")]
    AnswerEnded(AnswerId),
    /// The answer has not ended yet.
    #[error("rate answer {0}: it is still being written")]
    AnswerPending(AnswerId),
    /// The id stands for another question or answer here already.
    #[error("use id {0}: it stands for another message")]
    AnswerIdTaken(AnswerId),
}
