//! What can be asked of a conversation: by its owner, and by the worker.

use chrono::{DateTime, Utc};

use super::event::{Answer, FailureReason, Provenance, Rating, Usage};
use crate::{Actor, AnswerId, Comment, QuestionId, QuestionText, Tags, Title, Version};

/// A command: who wants what, when, and on which condition.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationCommand {
    /// Who commands. A user who is not the owner is told that there is no such conversation.
    pub by: Actor,
    /// When it was commanded, by the edge's clock.
    pub at: DateTime<Utc>,
    /// Refuse unless the conversation is at this version. A command that was carried out before is not
    /// refused.
    pub expected: Option<Version>,
    /// What is wanted.
    pub intent: Intent,
}

/// What is wanted of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    /// Ask a question; starts the conversation if it is new.
    Ask(AskQuestion),
    /// One more answer to the same question.
    Regenerate {
        /// The question to answer again.
        question_id: QuestionId,
        /// The id of the new answer.
        answer_id: AnswerId,
    },
    /// End an answer that is being written and keep what there is.
    Stop {
        /// The answer to end.
        answer_id: AnswerId,
        /// What was written so far.
        so_far: Answer,
    },
    /// Judge an answer.
    Rate {
        /// The answer judged.
        answer_id: AnswerId,
        /// The judgement.
        rating: Rating,
        /// Why.
        comment: Option<Comment>,
    },
    /// Give a title.
    Rename(Title),
    /// Put it before the others.
    Pin,
    /// Put it among the others.
    Unpin,
    /// Put it out of the way.
    Archive,
    /// Take it back from the archive.
    Unarchive,
    /// Replace the tags.
    Tag(Tags),
    /// Throw it away.
    Delete,
    /// Take it back within 30 days.
    Restore,
    /// The system ends it for good.
    Erase,
    /// The worker has a whole answer.
    RecordAnswer(RecordAnswer),
    /// The worker gives up.
    RecordFailure {
        /// The answer that will not be.
        answer_id: AnswerId,
        /// How often it was tried.
        attempt: u32,
        /// Why.
        reason: FailureReason,
    },
    /// The worker proposes a title, which never overrides the owner's.
    ProposeTitle(Title),
}

/// Ask a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskQuestion {
    /// The question's id, made by the client; the same again is the same question.
    pub question_id: QuestionId,
    /// The id its first answer will have.
    pub answer_id: AnswerId,
    /// What is asked.
    pub text: QuestionText,
    /// The answer it follows; the newest when not given.
    pub parent_id: Option<AnswerId>,
}

/// Record a whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordAnswer {
    /// The answer's id.
    pub answer_id: AnswerId,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// What it was made of.
    pub provenance: Provenance,
    /// What it cost.
    pub usage: Usage,
    /// What it says.
    pub answer: Answer,
}
