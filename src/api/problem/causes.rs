//! What each inner error comes to for a client. What it says itself is logged here, where it is handled, and goes no further.

use aggregates::conversation::ConversationRefused;
use aggregates::document::DocumentRefused;

use super::Problem;
use crate::api::identity::Unauthenticated;
use crate::knowledge::files::FilesError;
use store::{ExecuteError, StoreError};

impl From<Unauthenticated> for Problem {
    fn from(error: Unauthenticated) -> Self {
        match error {
            Unauthenticated::Missing => {
                Self::invalid_token("Who are you?", "Send Authorization: Bearer with a token.")
            }
            Unauthenticated::Invalid => Self::invalid_token(
                "The token is not valid",
                "It has expired, or it is not for this service.",
            ),
            Unauthenticated::Unavailable => Self::unavailable("The account service cannot be reached."),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Away(_) | StoreError::TimedOut => {
                tracing::warn!(%error, "the store is away");
                Self::unavailable("The store cannot be reached. Nothing was written.")
            }
            StoreError::Conflict => Self::unavailable("Too many commands at once for this conversation."),
            StoreError::KeyDestroyed => Self::not_found(),
            StoreError::OwnerErased => Self::account_is_being_erased(),
            StoreError::IdempotencyKeyUsed
            | StoreError::Corrupt(_)
            | StoreError::Key(_)
            | StoreError::Database(_) => {
                tracing::error!(%error, "the store failed");
                Self::internal()
            }
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<DocumentRefused> for Problem {
    fn from(refused: DocumentRefused) -> Self {
        match refused {
            DocumentRefused::NotFound => Self::not_found(),
            DocumentRefused::Removed => Self::conflict(
                "document-removed",
                "The document was removed",
                "Add it anew under another id.",
            ),
        }
    }
}

impl From<FilesError> for Problem {
    fn from(error: FilesError) -> Self {
        tracing::warn!(error = ?error, "the file store failed");
        Self::unavailable("The file store cannot be reached. Nothing was kept.")
    }
}

impl From<ConversationRefused> for Problem {
    fn from(refused: ConversationRefused) -> Self {
        use ConversationRefused as Refused;
        match refused {
            Refused::NotFound => Self::not_found(),
            Refused::VersionMismatch { current } => Self::version_mismatch(current),
            Refused::Deleted => {
                Self::conflict("conversation-deleted", "The conversation was deleted", "Restore it first.")
            }
            Refused::RestoreTooLate => {
                let detail = "A deleted conversation can be restored for 30 days.";
                Self::conflict("restore-too-late", "It is too late to restore it", detail)
            }
            Refused::AnswerEnded(_) => Self::conflict(
                "answer-ended",
                "The answer has ended already",
                "There is nothing left to stop.",
            ),
            Refused::AnswerPending(_) => Self::conflict(
                "answer-pending",
                "The answer is still being written",
                "Rate it once it has ended.",
            ),
            Refused::AnswerIdTaken(_) => {
                Self::conflict("answer-id-taken", "The answer id is taken", "It belongs to another question.")
            }
            Refused::UnknownAnswer(_) => Self::invalid_field("answer_id", "There is no such answer here."),
            Refused::UnknownQuestion(_) => {
                Self::invalid_field("question_id", "There is no such question here.")
            }
            Refused::UnknownParent(_) => Self::invalid_field("parent_id", "There is no such answer here."),
        }
    }
}

impl<E: std::error::Error + Into<Self>> From<ExecuteError<E>> for Problem {
    fn from(error: ExecuteError<E>) -> Self {
        match error {
            ExecuteError::Refused(refused) => refused.into(),
            ExecuteError::Store(error) => error.into(),
        }
    }
}
