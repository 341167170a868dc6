//! The failures of an answer, and what follows them within the same attempt.

use crate::embed::EmbedError;
use crate::generate::{FinishReason, ModelError};
use crate::vocabulary::Source;

/// What follows a language model that wrote no whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// The answer fails.
    Fail,
    /// The model starts the answer over.
    StartOver,
    /// A quotation replaces the answer.
    Quote,
}

impl After {
    /// Decides by the error; `was_begun` if the model was to continue an answer, which it may have taken for
    /// a whole one, and `has_more_tokens` if it gets more of them for its reasoning.
    pub(super) fn of(error: &ModelError, sources: &[Source], was_begun: bool, has_more_tokens: bool) -> Self {
        match error {
            ModelError::NotContinued => Self::StartOver,
            ModelError::NoText(reason)
                if was_begun || (has_more_tokens && *reason == FinishReason::Length) =>
            {
                Self::StartOver
            }
            ModelError::NoText(FinishReason::ContentFilter)
            | ModelError::Refused(_)
            | ModelError::Interrupted(_) => Self::Fail,
            ModelError::NoText(_) if sources.is_empty() => Self::Fail,
            ModelError::NoText(_) | ModelError::Unavailable(_) => Self::Quote,
        }
    }
}

/// A question was not answered completely.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The language model refused the request or was interrupted.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The sentences of the sources were not embedded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

impl AnswerError {
    /// Whether the same question can be answered later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Model(error) => error.is_transient(),
            Self::Embed(error) => error.is_transient(),
        }
    }
}
