//! A conversation's row as the fold of its events.

use std::collections::HashMap;

use aggregates::conversation::{ConversationEvent, TitledBy};
use aggregates::{AnswerId, ConversationId, Event, RecordedEvent, UserId, Version};
use chrono::{DateTime, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use super::ConversationRow;
use super::card::Card;
use super::preview::{excerpt, first_line, markdown_excerpt};
use crate::DecryptedEvent;

/// The longest preview, in characters.
const PREVIEW_CHARACTERS: usize = 160;
/// The longest line of a question that stands for the title, in characters.
const OPENING_CHARACTERS: usize = 80;

/// A row of the table `conversations` with its card decrypted.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Conversation {
    pub(super) owner: UserId,
    pub(super) id: ConversationId,
    pub(super) version: Version,
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
    #[sqlx(skip)]
    pub(super) card: Card,
}

/// Folds one event into the rows. Events of other aggregates change nothing.
pub(crate) fn fold(rows: &mut HashMap<ConversationId, Conversation>, event: &DecryptedEvent) {
    let recorded = &event.recorded;
    let Event::Conversation(conversation_event) = &recorded.event else { return };
    let id = ConversationId::new(recorded.aggregate_id);
    let row = rows.entry(id).or_insert_with(|| Conversation::new(id, recorded));
    row.version = recorded.sequence;
    row.apply(conversation_event, event);
}

impl Conversation {
    fn new(id: ConversationId, first: &RecordedEvent) -> Self {
        Self {
            owner: first.owner,
            id,
            version: Version(0),
            created_at: first.recorded_at,
            updated_at: first.recorded_at,
            message_count: 0,
            answering: 0,
            pinned: false,
            archived: false,
            newest_message: None,
            branched: false,
            deleted_at: None,
            tag_tokens: vec![],
            card: Card::default(),
        }
    }

    fn apply(
        &mut self,
        event: &ConversationEvent,
        DecryptedEvent { recorded, blind_key, .. }: &DecryptedEvent,
    ) {
        let at = recorded.recorded_at;
        match event {
            // The row of an erased conversation is purged.
            ConversationEvent::ConversationStarted { .. }
            | ConversationEvent::AnswerRated { .. }
            | ConversationEvent::ConversationInstructed { .. }
            | ConversationEvent::TokensSpent { .. }
            | ConversationEvent::ConversationErased => {}
            ConversationEvent::QuestionAsked { question_id, parent_id, private } => {
                self.add_message(question_id.uuid(), parent_id.map(AnswerId::uuid));
                self.updated_at = at;
                if let Some(question) = private.open() {
                    let text = question.text.as_str();
                    if self.card.opening.is_empty() {
                        self.card.opening = first_line(text, OPENING_CHARACTERS);
                    }
                    self.card.preview = excerpt(text, PREVIEW_CHARACTERS);
                }
            }
            ConversationEvent::AnswerRequested { question_id, answer_id, .. } => {
                self.add_message(answer_id.uuid(), Some(question_id.uuid()));
                self.answering += 1;
            }
            ConversationEvent::AnswerCompleted { private, .. }
            | ConversationEvent::AnswerStopped { private, .. } => {
                self.answering -= 1;
                self.updated_at = at;
                if let Some(answer) = private.open().filter(|answer| !answer.text.trim().is_empty()) {
                    let is_citation = |mark| answer.citations.iter().any(|citation| citation.number == mark);
                    self.card.preview = markdown_excerpt(&answer.text, is_citation, PREVIEW_CHARACTERS);
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
                let token = |tag: &String| Some(blind_key.as_ref()?.tag(&tag.to_lowercase()).into_string());
                self.tag_tokens = tags.iter().filter_map(token).collect();
                self.card.tags = tags;
            }
            ConversationEvent::ConversationDeleted { at } => self.deleted_at = Some(*at),
            ConversationEvent::ConversationRestored => self.deleted_at = None,
        }
    }

    /// Counts a message. A message that does not follow the newest one starts a branch.
    fn add_message(&mut self, message: Uuid, parent: Option<Uuid>) {
        self.branched |= parent != self.newest_message;
        self.newest_message = Some(message);
        self.message_count += 1;
    }

    /// The row of the list; `None` if the conversation is deleted.
    pub(crate) fn into_list_row(self) -> Option<ConversationRow> {
        if self.deleted_at.is_some() {
            return None;
        }
        let Card { title, opening, preview, tags } = self.card;
        Some(ConversationRow {
            id: self.id,
            title: title.unwrap_or(opening),
            preview,
            message_count: self.message_count,
            pinned: self.pinned,
            archived: self.archived,
            tags,
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
            answering: self.answering > 0,
        })
    }
}
