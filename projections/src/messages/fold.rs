//! Messages as the fold of their conversation's events.

use std::collections::{HashMap, HashSet};

use aggregates::Event;
use aggregates::conversation::{ConversationEvent, FailureReason, Rating};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::Opened;

/// A message's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MessageRow {
    pub(super) owner: Uuid,
    pub(super) conversation_id: Uuid,
    pub(super) id: Uuid,
    pub(super) ordinal: i64,
    pub(super) parent_id: Option<Uuid>,
    pub(super) role: &'static str,
    pub(super) status: &'static str,
    pub(super) created_at: DateTime<Utc>,
    pub(super) sequence: i64,
    pub(super) event_type: &'static str,
    pub(super) private: Option<Vec<u8>>,
    pub(super) model: Option<String>,
    pub(super) quoted: bool,
    pub(super) failure: Option<String>,
    pub(super) prompt_tokens: i32,
    pub(super) completion_tokens: i32,
    pub(super) rating: &'static str,
}

/// The rows a batch touches, by conversation and message.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) rows: HashMap<(Uuid, Uuid), MessageRow>,
}

/// The answers that a batch changes but does not make: their rows have to be loaded.
pub(super) fn changed_but_not_made<'a>(events: impl Iterator<Item = &'a Opened>) -> HashSet<(Uuid, Uuid)> {
    let (mut made, mut missing) = (HashSet::new(), HashSet::new());
    for event in events {
        let Event::Conversation(happened) = &event.recorded.event else {
            continue;
        };
        let conversation = event.recorded.aggregate_id;
        match happened {
            ConversationEvent::AnswerRequested { answer_id, .. } => {
                made.insert((conversation, answer_id.uuid()));
            }
            ConversationEvent::AnswerCompleted { answer_id, .. }
            | ConversationEvent::AnswerStopped { answer_id, .. }
            | ConversationEvent::AnswerFailed { answer_id, .. }
            | ConversationEvent::AnswerRated { answer_id, .. } => {
                let key = (conversation, answer_id.uuid());
                if !made.contains(&key) {
                    missing.insert(key);
                }
            }
            ConversationEvent::QuestionAsked { .. }
            | ConversationEvent::ConversationStarted { .. }
            | ConversationEvent::ConversationRenamed { .. }
            | ConversationEvent::ConversationPinned
            | ConversationEvent::ConversationUnpinned
            | ConversationEvent::ConversationArchived
            | ConversationEvent::ConversationUnarchived
            | ConversationEvent::ConversationTagged { .. }
            | ConversationEvent::ConversationDeleted { .. }
            | ConversationEvent::ConversationRestored
            | ConversationEvent::ConversationErased => {}
        }
    }
    missing
}

impl Changes {
    /// Folds one event.
    pub(super) fn fold(&mut self, event: &Opened) {
        let Event::Conversation(happened) = &event.recorded.event else {
            return;
        };
        match happened {
            ConversationEvent::QuestionAsked { question_id, parent_id, .. } => {
                let parent = parent_id.map(aggregates::AnswerId::uuid);
                self.make(event, question_id.uuid(), parent, "user", "asked");
            }
            ConversationEvent::AnswerRequested { question_id, answer_id } => {
                self.make(event, answer_id.uuid(), Some(question_id.uuid()), "assistant", "requested");
            }
            ConversationEvent::AnswerCompleted { answer_id, provenance, usage, .. } => {
                if let Some(row) = self.end(event, answer_id.uuid(), "completed") {
                    row.model.clone_from(&provenance.language_model);
                    row.quoted = provenance.quoted;
                    row.prompt_tokens = usage.prompt_tokens.cast_signed();
                    row.completion_tokens = usage.completion_tokens.cast_signed();
                }
            }
            ConversationEvent::AnswerStopped { answer_id, .. } => {
                self.end(event, answer_id.uuid(), "stopped");
            }
            ConversationEvent::AnswerFailed { answer_id, reason, .. } => {
                if let Some(row) = self.end(event, answer_id.uuid(), "failed") {
                    row.failure = Some(reason_name(*reason).to_owned());
                }
            }
            ConversationEvent::AnswerRated { answer_id, rating, .. } => {
                if let Some(row) = self.rows.get_mut(&(event.recorded.aggregate_id, answer_id.uuid())) {
                    row.rating = rating_name(*rating);
                }
            }
            ConversationEvent::ConversationStarted { .. }
            | ConversationEvent::ConversationRenamed { .. }
            | ConversationEvent::ConversationPinned
            | ConversationEvent::ConversationUnpinned
            | ConversationEvent::ConversationArchived
            | ConversationEvent::ConversationUnarchived
            | ConversationEvent::ConversationTagged { .. }
            | ConversationEvent::ConversationDeleted { .. }
            | ConversationEvent::ConversationRestored
            | ConversationEvent::ConversationErased => {}
        }
    }

    fn make(
        &mut self,
        event: &Opened,
        id: Uuid,
        parent_id: Option<Uuid>,
        role: &'static str,
        status: &'static str,
    ) {
        let recorded = &event.recorded;
        let row = MessageRow {
            owner: recorded.owner.uuid(),
            conversation_id: recorded.aggregate_id,
            id,
            ordinal: recorded.position.0.cast_signed(),
            parent_id,
            role,
            status,
            created_at: recorded.recorded_at,
            sequence: recorded.sequence.0.cast_signed(),
            event_type: recorded.event.name(),
            private: recorded.sealed.clone(),
            model: None,
            quoted: false,
            failure: None,
            prompt_tokens: 0,
            completion_tokens: 0,
            rating: "none",
        };
        self.rows.insert((recorded.aggregate_id, id), row);
    }

    /// An answer that ended shows what the event says.
    fn end(&mut self, event: &Opened, id: Uuid, status: &'static str) -> Option<&mut MessageRow> {
        let row = self.rows.get_mut(&(event.recorded.aggregate_id, id))?;
        row.status = status;
        row.created_at = event.recorded.recorded_at;
        row.sequence = event.recorded.sequence.0.cast_signed();
        row.event_type = event.recorded.event.name();
        row.private.clone_from(&event.recorded.sealed);
        Some(row)
    }
}

/// The name of a reason, in the read model and to clients.
pub(super) const fn reason_name(reason: FailureReason) -> &'static str {
    match reason {
        FailureReason::KnowledgeUnavailable => "knowledge_unavailable",
        FailureReason::ModelUnavailable => "model_unavailable",
        FailureReason::ModelRefused => "model_refused",
        FailureReason::AttemptsExhausted => "attempts_exhausted",
        FailureReason::Internal => "internal",
    }
}

/// The reason of a name.
pub(super) fn reason_named(name: &str) -> FailureReason {
    match name {
        "knowledge_unavailable" => FailureReason::KnowledgeUnavailable,
        "model_unavailable" => FailureReason::ModelUnavailable,
        "model_refused" => FailureReason::ModelRefused,
        "attempts_exhausted" => FailureReason::AttemptsExhausted,
        _ => FailureReason::Internal,
    }
}

/// The name of a rating.
pub(super) const fn rating_name(rating: Rating) -> &'static str {
    match rating {
        Rating::Up => "up",
        Rating::Down => "down",
        Rating::None => "none",
    }
}

pub(super) fn rating_named(name: &str) -> &'static str {
    match name {
        "up" => "up",
        "down" => "down",
        _ => "none",
    }
}

/// Whose message has this status.
pub(super) fn role_in(status: &str) -> &'static str {
    if status == "asked" { "user" } else { "assistant" }
}

pub(super) fn status_named(name: &str) -> &'static str {
    match name {
        "asked" => "asked",
        "completed" => "completed",
        "stopped" => "stopped",
        "failed" => "failed",
        _ => "requested",
    }
}

/// The event that gave a message this status, and its text.
pub(super) fn event_type_behind(status: &str) -> &'static str {
    match status {
        "asked" => "QuestionAsked",
        "completed" => "AnswerCompleted",
        "stopped" => "AnswerStopped",
        "failed" => "AnswerFailed",
        _ => "AnswerRequested",
    }
}
