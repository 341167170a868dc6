//! What a conversation remembers in order to decide: ids, states and versions, never texts.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::command::Intent;
use super::event::{ConversationEvent as Event, Rating, TitledBy};
use super::status::AnswerStatus;
use crate::{AnswerId, QuestionId, UserId, Version};

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
}

/// Where a conversation is in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// Nothing has happened.
    #[default]
    New,
    /// In use.
    Alive,
    /// Thrown away at this time.
    Deleted { at: DateTime<Utc> },
    /// Ended for good.
    Erased,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct QuestionState {
    /// The version after the command that asked it.
    asked_at: Version,
    /// Whether that command started the conversation.
    started: bool,
    /// The answer it follows.
    parent_id: Option<AnswerId>,
}

/// What is known of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerState {
    /// The question it answers.
    pub question_id: QuestionId,
    /// Whether and how it ended.
    pub status: AnswerStatus,
    /// The sequence of the event that requested it.
    pub requested_at: Version,
    /// The sequence of the event that last changed its status.
    pub changed_at: Version,
    /// What its owner thinks of it.
    pub rating: Rating,
}

/// How a command was carried out: what its sender is told, the first time and every time it is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The conversation's version after it.
    pub version: Version,
    /// The names of its events; none when nothing had to change.
    pub events: Vec<&'static str>,
}

impl Conversation {
    /// The state that a history leads to; events of other aggregates do not count.
    pub fn from_events<'a>(events: impl Iterator<Item = &'a crate::RecordedEvent>) -> Self {
        let mut conversation = Self::default();
        for recorded in events {
            if let crate::Event::Conversation(event) = &recorded.event {
                conversation.record(event);
            }
        }
        conversation
    }

    /// How many events it has.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Whose it is; nobody's before it has begun.
    pub const fn owner(&self) -> Option<UserId> {
        self.owner
    }

    /// Whether its owner threw it away, or it is gone for good.
    pub const fn is_deleted(&self) -> bool {
        matches!(self.phase, Phase::Deleted { .. } | Phase::Erased)
    }

    /// What is known of an answer.
    pub fn answer(&self, id: AnswerId) -> Option<&AnswerState> {
        self.answers.get(&id)
    }

    /// The answer requested last.
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

    /// A question and those that follow the same answer, in the order they were asked.
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

    pub(super) const fn phase(&self) -> Phase {
        self.phase
    }

    pub(super) fn question(&self, id: QuestionId) -> Option<&QuestionState> {
        self.questions.get(&id)
    }

    /// Whether the intent needs no event (any more): it was carried out before, or what it wants is so
    /// already.
    pub(super) fn was_carried_out(&self, intent: &Intent) -> bool {
        let status = |answer_id| self.answers.get(answer_id).map(|answer| answer.status);
        match intent {
            Intent::Ask(ask) => self.questions.contains_key(&ask.question_id),
            Intent::Regenerate { question_id, answer_id } => {
                self.answers.get(answer_id).is_some_and(|answer| answer.question_id == *question_id)
            }
            Intent::Stop { answer_id, .. } => status(answer_id) == Some(AnswerStatus::Stopped),
            Intent::Rate { answer_id, rating, comment } => {
                comment.is_none()
                    && self.answers.get(answer_id).is_some_and(|answer| answer.rating == *rating)
            }
            // A deleted conversation refuses these, whatever it was like.
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
            Intent::Rename(_) | Intent::Tag(_) => false,
        }
    }

    /// What the sender of a command that needs no event is told: what was said the first time, where ids show
    /// that it is a repetition; otherwise that it is so at the current version.
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

    /// Takes an event into the state.
    pub(super) fn record(&mut self, event: &Event) {
        self.version = self.version.next();
        match event {
            Event::ConversationStarted { owner } => {
                self.owner = Some(*owner);
                self.phase = Phase::Alive;
            }
            Event::QuestionAsked { question_id, parent_id, .. } => {
                // The request for the first answer belongs to the same command.
                let asked_at = self.version.next();
                let started = self.version == Version(2);
                self.questions
                    .insert(*question_id, QuestionState { asked_at, started, parent_id: *parent_id });
            }
            Event::AnswerRequested { question_id, answer_id } => {
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
            Event::ConversationTagged { .. } => {}
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
