//! What becomes of an answer after an attempt that failed: another attempt after a pause, or an end with a reason.
//! Decides only.

use std::time::Duration;

use aggregates::conversation::FailureReason;
use rag::answer::AnswerError;
use rag::generate::ModelError;
use rag::index::IndexError;
use rag::retrieve::RetrieveError;

/// Attempts before an answer is given up. One that was cut short because its worker ended or died counts, too.
pub(super) const ATTEMPTS: u32 = 5;
/// The pause after the first failed attempt; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Why an attempt led to no answer. The words are for the log and never hold what was asked or answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum AttemptFailed {
    /// It may work later.
    #[error("{1}")]
    Passing(FailureReason, String),
    /// It will not work, however often it is tried.
    #[error("{1}")]
    Lasting(FailureReason, String),
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Try again after a pause.
    Retry(Duration),
    /// Tell the person.
    GiveUp(FailureReason),
}

impl AttemptFailed {
    /// What follows from the failure of the attempt with this number.
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
        let words = error.to_string();
        match error {
            RetrieveError::Embed(_) | RetrieveError::Versions(_) => {
                Self::Passing(FailureReason::Internal, words)
            }
            // A collection that is missing is made before the next attempt.
            RetrieveError::Index(IndexError::Away(_) | IndexError::Refused(_)) => {
                Self::Passing(FailureReason::KnowledgeUnavailable, words)
            }
            RetrieveError::Index(IndexError::Unreadable(_)) => {
                Self::Lasting(FailureReason::KnowledgeUnavailable, words)
            }
        }
    }
}

impl From<AnswerError> for AttemptFailed {
    fn from(error: AnswerError) -> Self {
        let words = error.to_string();
        match error {
            AnswerError::Model(ModelError::Refused(_)) => Self::Lasting(FailureReason::ModelRefused, words),
            AnswerError::Model(ModelError::Away(_) | ModelError::CutOff(_)) => {
                Self::Passing(FailureReason::ModelUnavailable, words)
            }
            AnswerError::Embed(_) => Self::Passing(FailureReason::Internal, words),
        }
    }
}

#[cfg(test)]
mod tests {
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
        let refused = AttemptFailed::from(AnswerError::Model(ModelError::Refused("401".into())));
        assert_eq!(refused.next(1), Next::GiveUp(FailureReason::ModelRefused));
    }

    #[test]
    fn an_index_that_is_away_is_a_knowledge_that_is_unavailable() {
        let away = AttemptFailed::from(RetrieveError::Index(IndexError::Away("refused".into())));
        assert_eq!(away.next(ATTEMPTS), Next::GiveUp(FailureReason::KnowledgeUnavailable));
    }
}
