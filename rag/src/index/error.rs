//! Errors of the passage index.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use qdrant_client::QdrantError;
use tonic::{Code, Status};

/// A call to the passage index had no result.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Qdrant is unreachable or overloaded. The call can succeed later.
    #[error("the passage index is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Qdrant did not respond within the time limit. The call can succeed later.
    #[error("the passage index did not respond within {0:?}")]
    Timeout(Duration),
    /// Qdrant rejects the call, for example because the collection does not exist.
    #[error("the passage index refused the call")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A point in the collection is not a passage.
    #[error("a point of the passage index has no valid {0}")]
    InvalidPoint(PointPart),
}

/// A part of a point in Qdrant that a passage needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointPart {
    /// The dense vector.
    Vector,
    /// The id of the document.
    DocumentId,
    /// The position in the document.
    Ordinal,
    /// The text of a shared passage.
    Text,
    /// The encrypted body of a user's passage.
    SealedBody,
}

impl Display for PointPart {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vector => "vector",
            Self::DocumentId => "document id",
            Self::Ordinal => "ordinal",
            Self::Text => "text",
            Self::SealedBody => "sealed body",
        })
    }
}

impl IndexError {
    /// Whether the same call can succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Timeout(_))
    }

    /// Whether Qdrant refused to create a collection because it exists. Qdrant reports this as an invalid
    /// argument, so the message is compared too.
    pub(super) fn is_already_exists(&self) -> bool {
        match self {
            Self::Refused(cause) => cause.downcast_ref::<Status>().is_some_and(|status| {
                status.code() == Code::AlreadyExists || status.message().contains("already exists")
            }),
            Self::Unavailable(_) | Self::Timeout(_) | Self::InvalidPoint(_) => false,
        }
    }
}

impl From<QdrantError> for IndexError {
    fn from(error: QdrantError) -> Self {
        match error {
            QdrantError::ResponseError { status } => match status.code() {
                Code::InvalidArgument
                | Code::NotFound
                | Code::AlreadyExists
                | Code::PermissionDenied
                | Code::Unauthenticated
                | Code::FailedPrecondition
                | Code::OutOfRange
                | Code::Unimplemented => Self::Refused(Box::new(status)),
                // The client reports a failed connection as an internal error.
                _ => Self::Unavailable(Box::new(status)),
            },
            QdrantError::ResourceExhaustedError { status, .. } => Self::Unavailable(Box::new(status)),
            QdrantError::Io(error) => Self::Unavailable(Box::new(error)),
            other => Self::Refused(Box::new(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: Code, message: &str) -> IndexError {
        QdrantError::ResponseError { status: Status::new(code, message) }.into()
    }

    #[test]
    fn an_existing_collection_is_recognised_by_code_or_message() {
        assert!(refused(Code::InvalidArgument, "Collection `x` already exists!").is_already_exists());
        assert!(refused(Code::AlreadyExists, "").is_already_exists());
        assert!(!refused(Code::NotFound, "Collection `x` doesn't exist!").is_already_exists());
    }

    #[test]
    fn only_an_unavailable_index_is_transient() {
        assert!(refused(Code::Internal, "").is_transient());
        assert!(refused(Code::Unavailable, "").is_transient());
        assert!(!refused(Code::NotFound, "").is_transient());
        assert!(!IndexError::InvalidPoint(PointPart::Vector).is_transient());
    }
}
