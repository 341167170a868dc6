//! The branch that leads to a question, as the places of its texts in the conversation's history.

use super::state::{Conversation, QuestionState};
use super::status::AnswerStatus;
use crate::{QuestionId, Version};

/// The events that hold the texts of one answered question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnEvents {
    /// The sequence of the event that asked the question.
    pub question: Version,
    /// The sequence of the event that ended the answer.
    pub answer: Version,
}

impl Conversation {
    /// The sequence of the event that asked a question.
    pub fn asked_by(&self, id: QuestionId) -> Option<Version> {
        self.question(id).map(QuestionState::event)
    }

    /// The answered questions that lead to a question, newest first, without those whose answer has no text.
    pub fn turns_before(&self, id: QuestionId) -> impl Iterator<Item = TurnEvents> + '_ {
        let mut next = self.question(id).and_then(QuestionState::parent_id);
        std::iter::from_fn(move || {
            loop {
                let answer = self.answer(next?)?;
                let question = self.question(answer.question_id)?;
                next = question.parent_id();
                if matches!(answer.status, AnswerStatus::Completed | AnswerStatus::Stopped) {
                    return Some(TurnEvents { question: question.event(), answer: answer.changed_at });
                }
            }
        })
    }
}
