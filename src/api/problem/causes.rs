//! Conversions of inner errors into problems. An inner error is logged here, with all its causes, and is
//! not sent to the client.

use aggregates::conversation::ConversationRefused;
use aggregates::document::DocumentRefused;

use super::Problem;
use crate::api::identity::Unauthenticated;
use crate::api::limits::Exhausted;
use crate::knowledge::files::FilesError;
use crate::operations::personal_export::ExportError;
use projections::QueryError;
use rag::error_chain::ErrorChain;
use store::{ExecuteError, StoreError};

/// An error and its causes in one line, for a log field.
pub(in crate::api) fn with_causes(error: impl Into<anyhow::Error>) -> String {
    ErrorChain(&*error.into()).to_string()
}

impl From<Unauthenticated> for Problem {
    fn from(error: Unauthenticated) -> Self {
        match error {
            Unauthenticated::Missing => Self::invalid_token(
                "A bearer token is required",
                "Send the header Authorization: Bearer <token>.",
            ),
            Unauthenticated::Invalid => Self::invalid_token(
                "The token is not valid",
                "The token has expired, was revoked, or was issued for another service.",
            ),
            Unauthenticated::TooManyInvalid(exhausted) => exhausted.into(),
            Unauthenticated::Unavailable => Self::unavailable("The account service cannot be reached."),
        }
    }
}

impl From<ExportError> for Problem {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            error => {
                tracing::error!(error = with_causes(error), "an export could not begin");
                Self::internal()
            }
        }
    }
}

impl From<Exhausted> for Problem {
    fn from(exhausted: Exhausted) -> Self {
        Self::limit_exhausted(exhausted)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::TimedOut => {
                tracing::warn!(error = with_causes(error), "store is unavailable");
                Self::unavailable("The store cannot be reached. Nothing was written.")
            }
            StoreError::Overloaded => Self::overloaded(),
            // The store has logged the cause.
            StoreError::OutcomeUnknown => Self::outcome_unknown(),
            StoreError::Conflict => Self::unavailable(
                "Other commands changed the conversation at the same time. Nothing was written.",
            ),
            StoreError::InvalidEvent { .. } | StoreError::InvalidHistory { .. } => {
                tracing::error!(error = with_causes(error), "an event of a resource cannot be read");
                Self::unreadable()
            }
            StoreError::KeyDestroyed => Self::not_found(),
            StoreError::OwnerErased => Self::account_is_being_erased(),
            StoreError::Connect(_)
            | StoreError::IdempotencyKeyUsed
            | StoreError::Key(_)
            | StoreError::UnknownKeyKind(_)
            | StoreError::UnknownMasterKey { .. }
            | StoreError::InvalidSigningKey(_)
            | StoreError::MissingOwner
            | StoreError::InvalidAggregateId(_)
            | StoreError::UnknownAggregateType(_)
            | StoreError::UnserializableEvent(_)
            | StoreError::MissingPosition { .. }
            | StoreError::AnotherHistory { .. }
            | StoreError::InvalidRow(_)
            | StoreError::Database(_)
            | StoreError::Framework(_) => {
                tracing::error!(error = with_causes(error), "store request failed");
                Self::internal()
            }
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        StoreError::from_query(error).into()
    }
}

impl From<DocumentRefused> for Problem {
    fn from(refused: DocumentRefused) -> Self {
        match refused {
            DocumentRefused::NotFound => Self::not_found(),
            DocumentRefused::Removed => Self::conflict(
                "document-removed",
                "The document was removed",
                "Add the document again with a new id.",
            ),
        }
    }
}

impl From<FilesError> for Problem {
    fn from(error: FilesError) -> Self {
        tracing::warn!(error = with_causes(error), "file store request failed");
        Self::unavailable("The file store cannot be reached. Nothing was written.")
    }
}

impl From<ConversationRefused> for Problem {
    fn from(refused: ConversationRefused) -> Self {
        use ConversationRefused as Refused;
        match refused {
            Refused::NotFound => Self::not_found(),
            Refused::VersionMismatch { current } => Self::version_mismatch(current),
            Refused::Deleted => Self::conflict(
                "conversation-deleted",
                "The conversation is deleted",
                "Restore the conversation first.",
            ),
            Refused::RestoreTooLate => Self::conflict(
                "restore-too-late",
                "The conversation cannot be restored any more",
                "A deleted conversation can be restored for 30 days.",
            ),
            Refused::AnswerEnded(_) => Self::conflict(
                "answer-ended",
                "The answer has already ended",
                "Only a pending answer can be stopped.",
            ),
            Refused::AnswerPending(_) => Self::conflict(
                "answer-pending",
                "The answer has not ended yet",
                "Only an ended answer can be rated.",
            ),
            Refused::AnswerIdTaken(_) => Self::conflict(
                "answer-id-taken",
                "The answer id is taken",
                "The id belongs to an answer of another question.",
            ),
            Refused::TooManyMessages { limit } => Self::conversation_full(format!(
                "A conversation holds at most {limit} messages. Start a new conversation."
            )),
            Refused::TooManyChanges { limit } => Self::conversation_full(format!(
                "A conversation can be changed at most {limit} times. Start a new conversation."
            )),
            Refused::TooManySiblings => Self::conflict(
                "too-many-siblings",
                "The message has too many alternatives",
                "A question has at most 200 answers, and an answer at most 200 questions that follow it.",
            ),
            Refused::UnknownAnswer(_) => {
                Self::invalid_field("answer_id", "The conversation has no such answer.")
            }
            Refused::UnknownQuestion(_) => {
                Self::invalid_field("question_id", "The conversation has no such question.")
            }
            Refused::UnknownParent(_) => {
                Self::invalid_field("parent_id", "The conversation has no such answer.")
            }
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
