//! The state from which a conversation decides: ids, states and versions, never texts.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::command::{Intent, Receipt};
use super::event::{ConversationEvent as Event, Rating, TitledBy};
use super::status::AnswerStatus;
use crate::{AnswerId, ModelName, QuestionId, UserId, Version};

/// The state of one conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    version: Version,
    owner: Option<UserId>,
    phase: Phase,
    questions: HashMap<QuestionId, QuestionState>,
    answers: HashMap<AnswerId, AnswerState>,
    newest_answer: Option<AnswerId>,
    pinned: bool,
    archived: bool,
    titled_by: Option<TitledBy>,
    /// The language model of the last question.
    #[serde(default)]
    model: Option<ModelName>,
    /// The event with the instructions that hold.
    #[serde(default)]
    instructed_at: Option<Version>,
}

/// The phase of a conversation's life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// There are no events yet.
    #[default]
    New,
    /// In use.
    Alive,
    /// Deleted at this time; can be restored.
    Deleted { at: DateTime<Utc> },
    /// Ended finally.
    Erased,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct QuestionState {
    /// The version after the command that asked the question.
    asked_at: Version,
    /// Whether that command started the conversation.
    started: bool,
    /// The answer that the question follows.
    parent_id: Option<AnswerId>,
}

/// The state of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerState {
    /// The question that it answers.
    pub question_id: QuestionId,
    /// The answer's status.
    pub status: AnswerStatus,
    /// The sequence of the event that requested it.
    pub requested_at: Version,
    /// The sequence of the event that last changed its status.
    pub changed_at: Version,
    /// The owner's rating.
    pub rating: Rating,
}

impl Conversation {
    /// Folds the events of a conversation into its state. Events of other aggregates are ignored.
    pub fn from_events<'a>(events: impl Iterator<Item = &'a crate::RecordedEvent>) -> Self {
        let mut conversation = Self::default();
        for recorded in events {
            if let crate::Event::Conversation(event) = &recorded.event {
                conversation.record(event);
            }
        }
        conversation
    }

    /// The number of the conversation's events.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The conversation's owner; `None` before it is started.
    pub const fn owner(&self) -> Option<UserId> {
        self.owner
    }

    /// Whether the conversation is deleted, or ended finally.
    pub const fn is_deleted(&self) -> bool {
        matches!(self.phase, Phase::Deleted { .. } | Phase::Erased)
    }

    /// The state of an answer.
    pub fn answer(&self, id: AnswerId) -> Option<&AnswerState> {
        self.answers.get(&id)
    }

    /// The language model of the last question; `None` for the default one.
    pub const fn model(&self) -> Option<&ModelName> {
        self.model.as_ref()
    }

    /// The sequence of the event with the instructions and the temperature that hold.
    pub const fn instructed_at(&self) -> Option<Version> {
        self.instructed_at
    }

    /// Whether the conversation has a title, of its owner or proposed.
    pub const fn has_title(&self) -> bool {
        self.titled_by.is_some()
    }

    /// The number of questions and answers.
    pub fn message_count(&self) -> u64 {
        (self.questions.len() + self.answers.len()) as u64
    }

    /// The answer that was requested last.
    pub const fn newest_answer(&self) -> Option<AnswerId> {
        self.newest_answer
    }

    /// The answers to a question, in the order of their requests.
    pub fn answers_to(&self, question_id: QuestionId) -> Vec<AnswerId> {
        let mut answers: Vec<_> = self
            .answers
            .iter()
            .filter(|(_, answer)| answer.question_id == question_id)
            .map(|(id, answer)| (answer.requested_at, *id))
            .collect();
        answers.sort_unstable();
        answers.into_iter().map(|(_, id)| id).collect()
    }

    /// All questions that follow the same answer as this one, in the order in which they were asked.
    pub fn questions_beside(&self, question_id: QuestionId) -> Vec<QuestionId> {
        let Some(question) = self.questions.get(&question_id) else { return vec![question_id] };
        let mut questions: Vec<_> = self
            .questions
            .iter()
            .filter(|(_, other)| other.parent_id == question.parent_id)
            .map(|(id, other)| (other.asked_at, *id))
            .collect();
        questions.sort_unstable();
        questions.into_iter().map(|(_, id)| id).collect()
    }

    /// Whether a command with this intent was executed before, so that it needs no event.
    pub fn is_repetition(&self, intent: &Intent) -> bool {
        self.was_carried_out(intent)
    }

    /// The number of questions that follow an answer; for `None`, of questions without a parent.
    pub(super) fn questions_after(&self, parent_id: Option<AnswerId>) -> usize {
        self.questions.values().filter(|question| question.parent_id == parent_id).count()
    }

    pub(super) const fn phase(&self) -> Phase {
        self.phase
    }

    pub(super) fn question(&self, id: QuestionId) -> Option<&QuestionState> {
        self.questions.get(&id)
    }

    /// Whether an intent needs no event, because it was carried out before or changes nothing.
    pub(super) fn was_carried_out(&self, intent: &Intent) -> bool {
        let status = |answer_id| self.answers.get(answer_id).map(|answer| answer.status);
        match intent {
            Intent::Ask(ask) => self.questions.contains_key(&ask.question_id),
            Intent::Regenerate { question_id, answer_id, .. } => {
                self.answers.get(answer_id).is_some_and(|answer| answer.question_id == *question_id)
            }
            Intent::Stop { answer_id, .. } => status(answer_id) == Some(AnswerStatus::Stopped),
            Intent::Rate { answer_id, rating, comment } => {
                comment.is_none()
                    && self.answers.get(answer_id).is_some_and(|answer| answer.rating == *rating)
            }
            // A deleted conversation refuses these in any state.
            Intent::Pin | Intent::Unpin | Intent::Archive | Intent::Unarchive if self.is_deleted() => false,
            Intent::Pin => self.pinned,
            Intent::Unpin => !self.pinned,
            Intent::Archive => self.archived,
            Intent::Unarchive => !self.archived,
            Intent::Delete => self.is_deleted(),
            Intent::Restore => !self.is_deleted(),
            Intent::Erase => self.phase == Phase::Erased,
            Intent::RecordAnswer(record) => status(&record.answer_id).is_some_and(AnswerStatus::has_ended),
            Intent::RecordFailure { answer_id, .. } => status(answer_id).is_some_and(AnswerStatus::has_ended),
            Intent::ProposeTitle(_) => self.titled_by.is_some(),
            // Only an idempotency key identifies a repetition.
            Intent::Rename(_) | Intent::Tag(_) | Intent::Instruct { .. } | Intent::RecordSpending(_) => false,
        }
    }

    /// The response to an intent that needs no event: the first response where ids identify the intent as a
    /// repetition, otherwise the current version without events.
    pub fn receipt(&self, intent: &Intent) -> Receipt {
        let repeated = match intent {
            Intent::Ask(ask) => self.questions.get(&ask.question_id).map(|question| Receipt {
                version: question.asked_at,
                events: if question.started {
                    vec!["ConversationStarted", "QuestionAsked", "AnswerRequested"]
                } else {
                    vec!["QuestionAsked", "AnswerRequested"]
                },
            }),
            Intent::Regenerate { answer_id, .. } => self
                .answers
                .get(answer_id)
                .map(|answer| Receipt { version: answer.requested_at, events: vec!["AnswerRequested"] }),
            Intent::Stop { answer_id, .. } => self
                .answers
                .get(answer_id)
                .map(|answer| Receipt { version: answer.changed_at, events: vec!["AnswerStopped"] }),
            _ => None,
        };
        repeated.unwrap_or(Receipt { version: self.version, events: vec![] })
    }

    /// Applies an event to the state.
    pub(super) fn record(&mut self, event: &Event) {
        self.version = self.version.next();
        match event {
            Event::ConversationStarted { owner } => {
                self.owner = Some(*owner);
                self.phase = Phase::Alive;
            }
            Event::QuestionAsked { question_id, parent_id, .. } => {
                // The same command requests the first answer with the next event.
                let asked_at = self.version.next();
                let started = self.version == Version(2);
                self.questions
                    .insert(*question_id, QuestionState { asked_at, started, parent_id: *parent_id });
            }
            Event::AnswerRequested { question_id, answer_id, model } => {
                let is_asking =
                    self.questions.get(question_id).is_some_and(|asked| asked.asked_at == self.version);
                if is_asking {
                    self.model.clone_from(model);
                }
                self.newest_answer = Some(*answer_id);
                self.answers.insert(*answer_id, AnswerState::requested(*question_id, self.version));
            }
            Event::AnswerCompleted { answer_id, .. } => self.end(*answer_id, AnswerStatus::Completed),
            Event::AnswerStopped { answer_id, .. } => self.end(*answer_id, AnswerStatus::Stopped),
            Event::AnswerFailed { answer_id, .. } => self.end(*answer_id, AnswerStatus::Failed),
            Event::AnswerRated { answer_id, rating, .. } => {
                if let Some(answer) = self.answers.get_mut(answer_id) {
                    answer.rating = *rating;
                }
            }
            Event::ConversationRenamed { by, .. } => self.titled_by = Some(*by),
            Event::ConversationPinned => self.pinned = true,
            Event::ConversationUnpinned => self.pinned = false,
            Event::ConversationArchived => self.archived = true,
            Event::ConversationUnarchived => self.archived = false,
            Event::ConversationTagged { .. } | Event::TokensSpent { .. } => {}
            Event::ConversationInstructed { .. } => self.instructed_at = Some(self.version),
            Event::ConversationDeleted { at } => self.phase = Phase::Deleted { at: *at },
            Event::ConversationRestored => self.phase = Phase::Alive,
            Event::ConversationErased => self.phase = Phase::Erased,
        }
    }

    fn end(&mut self, answer_id: AnswerId, status: AnswerStatus) {
        if let Some(answer) = self.answers.get_mut(&answer_id) {
            answer.status = status;
            answer.changed_at = self.version;
        }
    }
}

impl QuestionState {
    /// The sequence of the event that asked the question: the last but one of its command.
    pub(super) const fn event(&self) -> Version {
        Version(self.asked_at.0.saturating_sub(1))
    }

    /// The answer that the question follows.
    pub(super) const fn parent_id(&self) -> Option<AnswerId> {
        self.parent_id
    }
}

impl AnswerState {
    const fn requested(question_id: QuestionId, at: Version) -> Self {
        Self {
            question_id,
            status: AnswerStatus::Requested,
            requested_at: at,
            changed_at: at,
            rating: Rating::None,
        }
    }
}
