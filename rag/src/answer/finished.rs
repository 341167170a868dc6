//! A finished answer and what led to it.

use crate::cite::Citation;
use crate::generate::Usage;
use crate::vocabulary::PassageId;

/// A complete answer with its citations and provenance.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedAnswer {
    /// The concatenated deltas.
    pub text: String,
    /// The language model's reasoning before the text; empty where there is none.
    pub reasoning: String,
    /// The reason for which the text ends before the answer does.
    pub cut_off: Option<CutOff>,
    /// The citations in the order of the text.
    pub citations: Vec<Citation>,
    /// The models and passages that led to the answer.
    pub provenance: Provenance,
    /// The tokens of the language model; zero for a quotation.
    pub usage: Usage,
}

/// The reason for which a text ends before its answer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutOff {
    /// The language model reached its limit of tokens.
    Tokens,
    /// The text reached [`MAX_ANSWER_BYTES`](super::MAX_ANSWER_BYTES).
    Size,
    /// A filter of the language model's server held the rest back.
    Filter,
}

/// The models and passages that led to an answer. They explain the answer after the index has changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Provenance {
    /// The name of the embedding model.
    pub embedding_model: String,
    /// The name of the searched collection.
    pub index_version: String,
    /// The passages of the sources with their scores.
    pub passages: Vec<(PassageId, f32)>,
    /// The author of the text.
    pub author: Author,
}

/// The author of an answer's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// The text quotes the sources.
    Quoted,
    /// A language model wrote the text.
    Model {
        /// The name of the model.
        name: String,
        /// The version of the prompt templates.
        prompt_version: &'static str,
        /// The SHA-256 of the messages sent, in hex.
        prompt_sha256: String,
        /// The number of instructions that had room in the prompt, counted from the last one.
        instructions: usize,
    },
}
