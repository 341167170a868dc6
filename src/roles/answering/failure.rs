//! Decides what follows a failed attempt: another attempt after a delay, or the end of the answer
//! with a reason.

use std::time::Duration;

use aggregates::conversation::FailureReason;
use measures::catalogue::{ATTEMPTS_FAILED, MODEL_ERRORS};
use rag::answer::AnswerError;
use rag::error_chain::ErrorChain;
use rag::generate::{FinishReason, ModelError};
use rag::index::IndexError;
use rag::retrieve::RetrieveError;

/// Attempts before an answer fails. An attempt whose worker ended or died counts as well.
pub(super) const ATTEMPTS: u32 = 5;
/// Delays between attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Why an attempt failed. The text goes to the log and never contains questions or answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum AttemptFailed {
    /// A later attempt may succeed.
    #[error("{1}")]
    Passing(FailureReason, String),
    /// No later attempt can succeed.
    #[error("{1}")]
    Lasting(FailureReason, String),
}

/// Consequence of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Retry after a delay.
    Retry(Duration),
    /// Record the failure.
    GiveUp(FailureReason),
}

impl AttemptFailed {
    /// Counts the failure.
    pub(super) fn count(&self) {
        let (Self::Passing(reason, _) | Self::Lasting(reason, _)) = self;
        ATTEMPTS_FAILED.increment(&[reason.name()]);
    }

    /// Consequence of the failure of the attempt with this number.
    pub(super) fn next(&self, attempt: u32) -> Next {
        match self {
            Self::Passing(..) if attempt < ATTEMPTS => {
                Next::Retry(FIRST_PAUSE * (1 << attempt.saturating_sub(1).min(8)))
            }
            Self::Passing(reason, _) | Self::Lasting(reason, _) => Next::GiveUp(*reason),
        }
    }
}

impl From<RetrieveError> for AttemptFailed {
    fn from(error: RetrieveError) -> Self {
        let words = ErrorChain(&error).to_string();
        match error {
            RetrieveError::Embed(_) | RetrieveError::Versions(_) => {
                Self::Passing(FailureReason::Internal, words)
            }
            RetrieveError::Index(IndexError::InvalidPoint(_)) => {
                Self::Lasting(FailureReason::KnowledgeUnavailable, words)
            }
            // A missing collection is created before the next attempt, and so are missing payload indexes.
            RetrieveError::Index(_) => Self::Passing(FailureReason::KnowledgeUnavailable, words),
        }
    }
}

impl From<AnswerError> for AttemptFailed {
    fn from(error: AnswerError) -> Self {
        let words = ErrorChain(&error).to_string();
        if let AnswerError::Model(error) = &error {
            MODEL_ERRORS.increment(&[kind_of(error)]);
        }
        match error {
            AnswerError::Model(ModelError::Refused(_)) => Self::Lasting(FailureReason::ModelRefused, words),
            AnswerError::Model(ModelError::NoText(FinishReason::ContentFilter)) => {
                Self::Lasting(FailureReason::ContentFiltered, words)
            }
            AnswerError::Model(ModelError::NoText(_)) => Self::Lasting(FailureReason::NoText, words),
            AnswerError::Model(
                ModelError::Unavailable(_) | ModelError::Interrupted(_) | ModelError::NotContinued,
            ) => Self::Passing(FailureReason::ModelUnavailable, words),
            AnswerError::Embed(_) => Self::Passing(FailureReason::Internal, words),
        }
    }
}

const fn kind_of(error: &ModelError) -> &'static str {
    match error {
        ModelError::Refused(_) => "refused",
        ModelError::Unavailable(_) => "unavailable",
        ModelError::Interrupted(_) => "interrupted",
        ModelError::NotContinued => "other",
        ModelError::NoText(_) => "no_text",
    }
}

#[cfg(test)]
mod tests {
    use rag::openai::ApiError;

    use super::*;

    fn passing() -> AttemptFailed {
        AttemptFailed::Passing(FailureReason::ModelUnavailable, "…".into())
    }

    #[test]
    fn what_may_pass_is_tried_again_after_longer_and_longer_pauses() {
        let pauses: Vec<Next> = (1..ATTEMPTS).map(|attempt| passing().next(attempt)).collect();
        let expected = [500, 1_000, 2_000, 4_000].map(|ms| Next::Retry(Duration::from_millis(ms)));
        assert_eq!(pauses, expected);
    }

    #[test]
    fn the_last_attempt_ends_the_answer_with_its_reason() {
        for attempt in [ATTEMPTS, ATTEMPTS + 3] {
            assert_eq!(passing().next(attempt), Next::GiveUp(FailureReason::ModelUnavailable));
        }
    }

    #[test]
    fn what_lasts_is_not_tried_again() {
        let refused = AttemptFailed::from(AnswerError::Model(ModelError::Refused(ApiError::Status(401))));
        assert_eq!(refused.next(1), Next::GiveUp(FailureReason::ModelRefused));
    }

    #[test]
    fn an_index_that_is_away_is_a_knowledge_that_is_unavailable() {
        let away = AttemptFailed::from(RetrieveError::Index(IndexError::Timeout(Duration::from_secs(1))));
        assert_eq!(away.next(ATTEMPTS), Next::GiveUp(FailureReason::KnowledgeUnavailable));
    }
}
