//! A conversation's row as the fold of its events.

use std::collections::HashMap;

use aggregates::Event;
use aggregates::conversation::{ConversationEvent, TitledBy};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::excerpt::{beginning, opening, plain_beginning};
use crate::Opened;

/// Characters of a preview, and of a title taken from a question.
const PREVIEW_CHARACTERS: usize = 160;
const TITLE_CHARACTERS: usize = 80;

/// What somebody wrote and the list shows. Sealed as one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Card {
    /// The title somebody gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<String>,
    /// The beginning of the first question: the title until there is one.
    #[serde(default)]
    pub(super) opening: String,
    /// The beginning of the newest text.
    #[serde(default)]
    pub(super) preview: String,
    /// The tags, as they were given.
    #[serde(default)]
    pub(super) tags: Vec<String>,
}

/// The row, its card open.
#[derive(Debug, Clone)]
pub(crate) struct Conversation {
    pub(super) owner: Uuid,
    pub(super) id: Uuid,
    pub(super) version: i64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) message_count: i32,
    pub(super) answering: i32,
    pub(super) pinned: bool,
    pub(super) archived: bool,
    pub(super) newest_message: Option<Uuid>,
    pub(super) branched: bool,
    pub(super) deleted_at: Option<DateTime<Utc>>,
    pub(super) tag_tokens: Vec<String>,
    pub(super) card: Card,
}

/// Folds one event into the rows.
pub(crate) fn fold(rows: &mut HashMap<Uuid, Conversation>, event: &Opened) {
    let Event::Conversation(happened) = &event.recorded.event else {
        return;
    };
    let recorded = &event.recorded;
    let row = rows.entry(recorded.aggregate_id).or_insert_with(|| Conversation {
        owner: recorded.owner.uuid(),
        id: recorded.aggregate_id,
        version: 0,
        created_at: recorded.recorded_at,
        updated_at: recorded.recorded_at,
        message_count: 0,
        answering: 0,
        pinned: false,
        archived: false,
        newest_message: None,
        branched: false,
        deleted_at: None,
        tag_tokens: vec![],
        card: Card::default(),
    });
    row.version = recorded.sequence.0.cast_signed();
    row.take(happened, event);
}

impl Conversation {
    fn take(&mut self, happened: &ConversationEvent, event: &Opened) {
        let at = event.recorded.recorded_at;
        match happened {
            // Of one that is erased the row goes with the rest of it.
            ConversationEvent::ConversationStarted { .. }
            | ConversationEvent::AnswerRated { .. }
            | ConversationEvent::ConversationErased => {}
            ConversationEvent::QuestionAsked { question_id, parent_id, private } => {
                self.follow(question_id.uuid(), parent_id.map(aggregates::AnswerId::uuid));
                self.updated_at = at;
                if let Some(question) = private.open() {
                    let text = question.text.as_str();
                    if self.card.opening.is_empty() {
                        self.card.opening = opening(text, TITLE_CHARACTERS);
                    }
                    self.card.preview = beginning(text, PREVIEW_CHARACTERS);
                }
            }
            ConversationEvent::AnswerRequested { question_id, answer_id } => {
                self.follow(answer_id.uuid(), Some(question_id.uuid()));
                self.answering += 1;
            }
            ConversationEvent::AnswerCompleted { private, .. }
            | ConversationEvent::AnswerStopped { private, .. } => {
                self.answering -= 1;
                self.updated_at = at;
                if let Some(answer) = private.open().filter(|answer| !answer.text.trim().is_empty()) {
                    let is_cited = |mark| answer.citations.iter().any(|citation| citation.number == mark);
                    self.card.preview = plain_beginning(&answer.text, is_cited, PREVIEW_CHARACTERS);
                }
            }
            ConversationEvent::AnswerFailed { .. } => {
                self.answering -= 1;
                self.updated_at = at;
            }
            ConversationEvent::ConversationRenamed { by: TitledBy::User | TitledBy::Worker, private } => {
                self.card.title = private.open().map(|titled| titled.title.as_str().to_owned());
            }
            ConversationEvent::ConversationPinned => self.pinned = true,
            ConversationEvent::ConversationUnpinned => self.pinned = false,
            ConversationEvent::ConversationArchived => self.archived = true,
            ConversationEvent::ConversationUnarchived => self.archived = false,
            ConversationEvent::ConversationTagged { private } => {
                let tags = private.open().map(|tagged| tagged.tags.as_slice().to_vec()).unwrap_or_default();
                let token = |tag: &String| Some(event.blind.as_ref()?.tag(&tag.to_lowercase()).into_string());
                self.tag_tokens = tags.iter().filter_map(token).collect();
                self.card.tags = tags;
            }
            ConversationEvent::ConversationDeleted { at } => self.deleted_at = Some(*at),
            ConversationEvent::ConversationRestored => self.deleted_at = None,
        }
    }

    /// A message that does not follow the one made last makes a branch.
    fn follow(&mut self, message: Uuid, parent: Option<Uuid>) {
        self.branched |= parent != self.newest_message;
        self.newest_message = Some(message);
        self.message_count += 1;
    }
}
