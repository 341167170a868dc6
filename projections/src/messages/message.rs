//! A message in the HTTP contract, and the decryption of a stored one.

use aggregates::conversation::{
    AnswerStatus, Citation, CutOff, FailureReason, FoundByTags, MessageRole, MessageStatus, Question, Rating,
};
use aggregates::{ConversationId, DocumentId};
use chrono::{DateTime, Utc};
use sealing::{ContentKey, Opener};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::SealedMessage;
use super::row::MessageColumns;
use crate::RawJson;

/// A question or an answer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Message {
    /// The id of the question or answer.
    pub id: Uuid,
    /// The id of the conversation.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
    /// The author: the user, or the assistant.
    pub role: MessageRole,
    /// The text, in Markdown; empty until the answer has ended.
    #[schema(value_type = String)]
    pub text: RawJson<String>,
    /// The message that this one follows; `null` for a first question.
    #[schema(required)]
    pub parent_id: Option<Uuid>,
    /// The messages that follow the same message, this one included, oldest first.
    pub siblings: Vec<Uuid>,
    /// The status of an answer; a question is `completed`.
    pub status: AnswerStatus,
    /// The documents that a question is answered from; absent for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Uuid>, required = false)]
    pub documents: Vec<DocumentId>,
    /// The tags by which some of these documents were found; absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub document_tags: Vec<String>,
    /// Of a question with tags, the documents that it named by their ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Uuid>, required = false)]
    pub named_documents: Vec<DocumentId>,
    /// The passages behind the citation marks in the text.
    pub citations: Vec<Citation>,
    /// The language model's reasoning before the text, which is not part of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// The reason for which the text of a completed answer ends before the answer does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<CutOff>,
    /// The language model; `quote` for an answer that quotes the sources.
    #[schema(required)]
    pub model: Option<String>,
    /// Whether the answer consists of sentences of the sources.
    pub quoted: bool,
    /// The tokens of a completed answer.
    #[schema(required)]
    pub usage: Option<MessageUsage>,
    /// The owner's rating of the answer.
    pub rating: Rating,
    /// The reason for a failed answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The time when the question was asked, when the answer was requested, or when the answer ended.
    pub created_at: DateTime<Utc>,
}

/// The tokens of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct MessageUsage {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the answer.
    pub completion_tokens: u32,
}

/// The reason for a failed answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Failure {
    /// The reason by name.
    pub reason: FailureReason,
    /// The reason as a sentence for the user.
    pub text: &'static str,
    /// Whether a new request for an answer can succeed.
    pub retryable: bool,
}

/// The model name of answers that quote the sources.
const QUOTE: &str = "quote";

/// The private part of a question, which has no citations, or of an answer.
#[derive(Deserialize)]
struct PrivatePart<'a> {
    #[serde(borrow)]
    text: &'a RawValue,
    #[serde(default)]
    documents: Vec<DocumentId>,
    #[serde(default)]
    by_tags: Option<FoundByTags>,
    #[serde(default)]
    citations: Vec<Citation>,
    #[serde(default)]
    reasoning: Option<String>,
    #[serde(default)]
    cut_off: Option<CutOff>,
}

/// The tags of a question and, if it has some, the documents that it named by their ids.
fn chosen(documents: &[DocumentId], by_tags: Option<&FoundByTags>) -> (Vec<String>, Vec<DocumentId>) {
    let Some(by_tags) = by_tags else { return (vec![], vec![]) };
    (by_tags.tags.as_slice().to_vec(), by_tags.named(documents).to_vec())
}

impl Message {
    /// The documents of a question, its tags, and the documents that it named beside the tags.
    pub fn chosen_by(question: &Question) -> (Vec<DocumentId>, Vec<String>, Vec<DocumentId>) {
        let (tags, named) = chosen(&question.documents, question.by_tags.as_ref());
        (question.documents.clone(), tags, named)
    }

    /// The model of an answer: `quote` if the answer quotes the sources.
    pub fn model_name(model: Option<String>, quoted: bool) -> Option<String> {
        if quoted { Some(QUOTE.to_owned()) } else { model }
    }
}

impl From<FailureReason> for Failure {
    fn from(reason: FailureReason) -> Self {
        let text = match reason {
            FailureReason::KnowledgeUnavailable => "The sources could not be searched.",
            FailureReason::ModelUnavailable => "The language model stopped responding in every attempt.",
            FailureReason::ModelRefused => "The language model refused the question.",
            FailureReason::ContentFiltered => "A filter of the language model held the answer back.",
            FailureReason::NoText => "The language model ended without an answer.",
            FailureReason::AttemptsExhausted => "The answer was not finished within the allowed attempts.",
            FailureReason::Internal => "An error in the service prevented the answer.",
        };
        Self { reason, text, retryable: reason.retryable() }
    }
}

impl SealedMessage {
    /// Decrypts the message. Without a key the text is empty.
    fn open(mut self, opener: Option<&Opener>) -> Message {
        let json = opener.and_then(|opener| self.open_private(opener));
        let private = json.as_deref().and_then(|json| serde_json::from_slice::<PrivatePart<'_>>(json).ok());
        let (text, documents, by_tags, citations, reasoning, cut_off) = match private {
            Some(PrivatePart { text, documents, by_tags, citations, reasoning, cut_off }) => {
                (RawJson::from_raw(text), documents, by_tags, citations, reasoning, cut_off)
            }
            None => (RawJson::default(), vec![], None, vec![], None, None),
        };
        let (document_tags, named_documents) = chosen(&documents, by_tags.as_ref());
        let MessageColumns { id, parent_id, status, created_at, model, quoted, failure, rating, .. } =
            self.message;
        Message {
            id,
            conversation_id: self.conversation_id,
            role: status.role(),
            text,
            parent_id,
            siblings: self.siblings,
            status: status.shown(),
            documents,
            document_tags,
            named_documents,
            citations,
            reasoning,
            cut_off,
            model: Message::model_name(model, quoted),
            quoted,
            usage: (status == MessageStatus::Completed).then(|| MessageUsage {
                prompt_tokens: self.message.prompt_tokens.unsigned_abs(),
                completion_tokens: self.message.completion_tokens.unsigned_abs(),
            }),
            rating,
            failure: failure.map(Failure::from),
            created_at,
        }
    }
}

/// Decrypts messages of one conversation. Without a key their texts are empty.
pub fn open_all(messages: Vec<SealedMessage>, key: Option<&ContentKey>) -> Vec<Message> {
    let opener = key.and_then(|key| key.opener().ok());
    messages.into_iter().map(|message| message.open(opener.as_ref())).collect()
}
