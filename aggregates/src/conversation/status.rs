//! The status of answers and of the messages that show questions and answers.

use crate::named::named_enum;

named_enum! {
    /// The status of an answer: requested, then exactly one of the others.
    pub enum AnswerStatus {
        /// The answer is requested. A worker may be writing it.
        Requested = "requested",
        /// The whole text is there.
        Completed = "completed",
        /// The owner stopped it.
        Stopped = "stopped",
        /// It ended without a text.
        Failed = "failed",
    }
}

named_enum! {
    /// The author of a message.
    pub enum MessageRole {
        /// The owner: the message is a question.
        User = "user",
        /// The worker: the message is an answer.
        Assistant = "assistant",
    }
}

named_enum! {
    /// The status of a message as read models store it: a question is `asked`, an answer has its own status.
    pub enum MessageStatus {
        /// The message is a question.
        Asked = "asked",
        /// The message is a requested answer.
        Requested = "requested",
        /// The message is a completed answer.
        Completed = "completed",
        /// The message is a stopped answer.
        Stopped = "stopped",
        /// The message is a failed answer.
        Failed = "failed",
    }
}

impl AnswerStatus {
    /// Whether the answer has ended. An ended answer never changes its text or its status.
    pub const fn has_ended(self) -> bool {
        match self {
            Self::Requested => false,
            Self::Completed | Self::Stopped | Self::Failed => true,
        }
    }
}

impl From<AnswerStatus> for MessageStatus {
    fn from(status: AnswerStatus) -> Self {
        match status {
            AnswerStatus::Requested => Self::Requested,
            AnswerStatus::Completed => Self::Completed,
            AnswerStatus::Stopped => Self::Stopped,
            AnswerStatus::Failed => Self::Failed,
        }
    }
}

impl MessageStatus {
    /// The author of a message in this status.
    pub const fn role(self) -> MessageRole {
        match self {
            Self::Asked => MessageRole::User,
            Self::Requested | Self::Completed | Self::Stopped | Self::Failed => MessageRole::Assistant,
        }
    }

    /// The status in the HTTP contract, where a question counts as completed.
    pub const fn shown(self) -> AnswerStatus {
        match self {
            Self::Requested => AnswerStatus::Requested,
            Self::Asked | Self::Completed => AnswerStatus::Completed,
            Self::Stopped => AnswerStatus::Stopped,
            Self::Failed => AnswerStatus::Failed,
        }
    }

    /// The name of the event that put a message into this status. Its private part holds the message's text.
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::Asked => "QuestionAsked",
            Self::Requested => "AnswerRequested",
            Self::Completed => "AnswerCompleted",
            Self::Stopped => "AnswerStopped",
            Self::Failed => "AnswerFailed",
        }
    }
}
