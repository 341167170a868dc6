//! The parts of an answer: text, citations, provenance and usage, or the reason of its failure.

use serde::{Deserialize, Serialize};

use super::place::Place;
use crate::named::named_enum;
use crate::{DocumentId, Temperature};

/// The private part of an answer that ended with a text.
#[derive(Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Answer {
    /// The text, with citation marks such as `[1]`.
    pub text: String,
    /// The citations of the marks, in the order of their numbers.
    pub citations: Vec<Citation>,
    /// The language model's reasoning before the text; empty where there is none. It is neither cited nor
    /// searched, and no later question is answered from it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reasoning: String,
    /// The reason for which the text ends before the answer does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<CutOff>,
}

impl std::fmt::Debug for Answer {
    /// Prints the length of the text only, so that the text cannot reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({} bytes, {} citations)", self.text.len(), self.citations.len())
    }
}

named_enum! {
    /// The reason for which the text of a completed answer ends before the answer does.
    pub enum CutOff {
        /// The language model reached its limit of tokens.
        Tokens = "tokens",
        /// The text reached the largest size of an answer.
        Size = "size",
        /// A filter of the language model's server held the rest back.
        Filter = "filter",
    }
}

/// The passage of a citation mark.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Citation {
    /// The number in the text, from 1.
    pub number: u32,
    /// The cited document.
    #[cfg_attr(feature = "openapi", schema(value_type = uuid::Uuid))]
    pub document_id: DocumentId,
    /// The document's title at the time of the citation.
    pub title: String,
    /// The passage's index within the document, from 0.
    pub passage: u32,
    /// The place of the passage in the file, where its format has pages, slides or rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The beginning of the passage.
    pub snippet: String,
    /// The relevance of the passage to the question. Scores are comparable within one answer only.
    pub score: f32,
}

impl std::fmt::Debug for Citation {
    /// Prints neither title nor snippet, so that they cannot reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Citation([{}] {}#{})", self.number, self.document_id, self.passage)
    }
}

/// The models, passages and prompt that led to an answer: its explanation after the index has changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Provenance {
    /// The model that embedded the question.
    pub embedding_model: String,
    /// The version of the searched index.
    pub index_version: String,
    /// The passages that were found, with their scores.
    pub passages: Vec<PassageScore>,
    /// The model that wrote the answer; `None` for a quoted answer.
    pub language_model: Option<String>,
    /// The version of the prompt template.
    pub prompt_version: String,
    /// SHA-256 of the whole prompt, in hexadecimal.
    pub prompt_sha256: String,
    /// Whether the answer consists of sentences of the passages.
    pub quoted: bool,
    /// The passages that the searches found, best first, as many as are recorded; none in events
    /// of earlier releases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<FoundPassage>,
    /// The instructions that the language model was given, beside the service's own rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instructions: Vec<InstructionScope>,
    /// The temperature that the owner chose; `None` for that of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Temperature>,
    /// The durations of the steps; `None` in events of earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timings: Option<Timings>,
}

/// A passage that the searches found, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FoundPassage {
    /// The document.
    #[cfg_attr(feature = "openapi", schema(value_type = uuid::Uuid))]
    pub document_id: DocumentId,
    /// The passage's index within the document, from 0.
    pub passage: u32,
    /// The place by meaning, from 1.
    pub meaning_rank: u32,
    /// The cosine of the passage and the question.
    pub meaning: f32,
    /// The place by the terms of the question, from 1; absent where the passage has none of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_rank: Option<u32>,
    /// The BM25 score of the terms.
    pub terms: f32,
    /// The place after fusion, from 1.
    pub rank: u32,
    /// The fused score.
    pub score: f32,
    /// Use of the passage.
    pub outcome: PassageOutcome,
}

named_enum! {
    /// Use of a passage that a search found.
    pub enum PassageOutcome {
        /// The answer was written from it.
        Given = "given",
        /// Its meaning and terms have too little to do with the question.
        Irrelevant = "irrelevant",
        /// The passages before it stand out.
        Outscored = "outscored",
        /// It says almost the same as a passage before it.
        Duplicate = "duplicate",
        /// There were enough passages before it.
        Surplus = "surplus",
        /// It did not fit into the context of the language model.
        NoRoom = "no_room",
    }
}

named_enum! {
    /// The answers that instructions apply to.
    pub enum InstructionScope {
        /// All answers to the person.
        Account = "account",
        /// The answers of the conversation.
        Conversation = "conversation",
    }
}

/// The durations of the steps of an answer's last attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Timings {
    /// Milliseconds of the search for passages.
    pub retrieval_ms: u32,
    /// Milliseconds from the end of the search to the first text or reasoning.
    pub first_text_ms: u32,
    /// Milliseconds of the whole attempt.
    pub total_ms: u32,
}

/// A passage that was found for a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PassageScore {
    /// The document.
    pub document_id: DocumentId,
    /// The passage's index within the document, from 0.
    pub passage: u32,
    /// The relevance of the passage to the question.
    pub score: f32,
}

/// The tokens that an answer took, or another use of a language model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the answer.
    pub completion_tokens: u32,
}

named_enum! {
    /// The use of tokens that no completed answer counts.
    pub enum SpendingPurpose {
        /// An attempt at an answer whose text the answer does not have.
        Attempt = "attempt",
        /// A title.
        Title = "title",
        /// Suggestions of further questions.
        Suggestions = "suggestions",
    }
}

named_enum! {
    /// The reason for a failed answer, as it is reported to the user.
    pub enum FailureReason {
        /// The passages could not be searched.
        KnowledgeUnavailable = "knowledge_unavailable",
        /// Every attempt was cut off by the language model.
        ModelUnavailable = "model_unavailable",
        /// The language model refused the request.
        ModelRefused = "model_refused",
        /// A filter of the language model's server held the answer back.
        ContentFiltered = "content_filtered",
        /// The language model ended without a text.
        NoText = "no_text",
        /// No worker finished the answer within the allowed attempts.
        AttemptsExhausted = "attempts_exhausted",
        /// An unexpected error in the service.
        Internal = "internal",
    }
}

impl FailureReason {
    /// Whether another attempt can succeed.
    pub const fn retryable(self) -> bool {
        match self {
            Self::KnowledgeUnavailable
            | Self::ModelUnavailable
            | Self::NoText
            | Self::AttemptsExhausted
            | Self::Internal => true,
            Self::ModelRefused | Self::ContentFiltered => false,
        }
    }
}
