//! A message as a client sees it, and how a stored one becomes that.

use aggregates::conversation::{Citation, FailureReason, Rating};
use aggregates::{AggregateType, ConversationId, Version};
use chrono::{DateTime, Utc};
use sealing::{AssociatedData, ContentKey, Opener};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::fold;
use crate::Json;

/// A question or an answer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Message {
    /// Its id: the question's or the answer's.
    pub id: Uuid,
    /// Its conversation.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
    /// `user` or `assistant`.
    pub role: &'static str,
    /// What it says; empty while it is being written.
    #[schema(value_type = String)]
    pub text: Json<String>,
    /// What it follows.
    pub parent_id: Option<Uuid>,
    /// It and the others that follow the same, oldest first.
    pub siblings: Vec<Uuid>,
    /// An answer's `requested`, `completed`, `stopped` or `failed`; a question is `completed`.
    pub status: &'static str,
    /// What an answer's marks stand for.
    #[schema(value_type = Vec<CitationSchema>)]
    pub citations: Vec<Citation>,
    /// The model that wrote it; `quote` for sentences of the sources.
    pub model: Option<String>,
    /// It consists of sentences of the sources.
    pub quoted: bool,
    /// What it cost.
    pub usage: Option<MessageUsage>,
    /// What its owner thinks of it.
    #[schema(value_type = String)]
    pub rating: Rating,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// When it was asked, or requested and then ended.
    pub created_at: DateTime<Utc>,
}

/// What an answer cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct MessageUsage {
    /// Tokens read.
    pub prompt_tokens: u32,
    /// Tokens written.
    pub completion_tokens: u32,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Failure {
    /// A stable name.
    pub reason: &'static str,
    /// The same for the person who asked.
    pub text: &'static str,
    /// Whether asking again can help.
    pub retryable: bool,
}

/// A citation, for the API's description.
#[derive(ToSchema)]
#[schema(as = Citation)]
#[expect(dead_code, reason = "describes `aggregates::conversation::Citation`, which knows nothing of HTTP")]
struct CitationSchema {
    /// The number in the text, from 1.
    number: u32,
    /// The document cited.
    document_id: Uuid,
    /// Its title.
    title: String,
    /// The passage's place in the document, from 0.
    passage: u32,
    /// The beginning of the passage.
    snippet: String,
    /// How well the passage fitted.
    score: f32,
}

/// What quoted answers say in place of a model's name.
const QUOTE: &str = "quote";

/// What is read of a private part: a question's, which has no citations, or an answer's.
#[derive(Deserialize)]
struct Words<'a> {
    #[serde(borrow)]
    text: &'a RawValue,
    #[serde(default)]
    citations: Vec<Citation>,
}

impl Message {
    /// The model of an answer: `quote` where it was quoted.
    pub fn model_name(model: Option<String>, quoted: bool) -> Option<String> {
        if quoted { Some(QUOTE.to_owned()) } else { model }
    }
}

impl From<FailureReason> for Failure {
    fn from(reason: FailureReason) -> Self {
        let text = match reason {
            FailureReason::KnowledgeUnavailable => "The sources could not be searched just now.",
            FailureReason::ModelUnavailable => "The language model broke off again and again.",
            FailureReason::ModelRefused => "The language model refused the question.",
            FailureReason::AttemptsExhausted => "The answer could not be finished.",
            FailureReason::Internal => "Something went wrong on our side.",
        };
        Self { reason: fold::reason_name(reason), text, retryable: reason.retryable() }
    }
}

/// A message with its text as it is stored.
#[derive(Debug, Clone)]
pub struct SealedMessage {
    pub(super) id: Uuid,
    pub(super) conversation_id: ConversationId,
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
    pub(super) siblings: Vec<Uuid>,
}

impl SealedMessage {
    /// Reads a row of the page queries, by the number of its columns (by name it takes twice as long) and without looking up
    /// their types, which are those of our own statements.
    pub(super) fn read(row: &PgRow, id: Uuid, conversation_id: ConversationId) -> Result<Self, sqlx::Error> {
        let status = fold::status_named(row.try_get_unchecked(6)?);
        Ok(Self {
            id,
            conversation_id,
            ordinal: row.try_get_unchecked(4)?,
            parent_id: row.try_get_unchecked(5)?,
            role: fold::role_in(status),
            status,
            created_at: row.try_get_unchecked(7)?,
            sequence: row.try_get_unchecked(8)?,
            event_type: fold::event_type_behind(status),
            private: row.try_get_unchecked(9)?,
            model: row.try_get_unchecked(10)?,
            quoted: row.try_get_unchecked(11)?,
            failure: row.try_get_unchecked(12)?,
            prompt_tokens: row.try_get_unchecked(13)?,
            completion_tokens: row.try_get_unchecked(14)?,
            rating: fold::rating_named(row.try_get_unchecked(15)?),
            siblings: vec![id],
        })
    }

    /// The message, opened. Without a key there is no text left.
    fn open(mut self, opener: Option<&Opener>) -> Message {
        let is_question = self.role == "user";
        let json = opener.and_then(|opener| self.open_private(opener));
        let words = json.as_deref().and_then(|json| serde_json::from_slice::<Words<'_>>(json).ok());
        let (text, citations) = match words {
            Some(words) => (Json::as_stored(words.text), words.citations),
            None => (Json::default(), vec![]),
        };
        let completed = self.status == "completed" && !is_question;
        Message {
            id: self.id,
            conversation_id: self.conversation_id,
            role: self.role,
            text,
            parent_id: self.parent_id,
            siblings: self.siblings,
            status: if is_question { "completed" } else { self.status },
            citations,
            model: Message::model_name(self.model, self.quoted),
            quoted: self.quoted,
            usage: completed.then(|| MessageUsage {
                prompt_tokens: self.prompt_tokens.unsigned_abs(),
                completion_tokens: self.completion_tokens.unsigned_abs(),
            }),
            rating: match self.rating {
                "up" => Rating::Up,
                "down" => Rating::Down,
                _ => Rating::None,
            },
            failure: self.failure.as_deref().map(|name| fold::reason_named(name).into()),
            created_at: self.created_at,
        }
    }

    fn open_private(&mut self, opener: &Opener) -> Option<Vec<u8>> {
        let aad = AssociatedData::Event {
            aggregate: AggregateType::Conversation,
            aggregate_id: self.conversation_id.uuid(),
            sequence: Version(self.sequence.unsigned_abs()),
            event_type: self.event_type,
        };
        opener.open(&aad, self.private.take()?).ok()
    }
}

/// One conversation's messages, opened. Without a key there is no text left in them.
pub fn opened(messages: Vec<SealedMessage>, key: Option<&ContentKey>) -> Vec<Message> {
    let opener = key.and_then(|key| key.opener().ok());
    messages.into_iter().map(|message| message.open(opener.as_ref())).collect()
}
