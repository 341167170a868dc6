//! Why the index did not do what it was asked for.

use qdrant_client::QdrantError;
use tonic::Code;

/// Why the index did not do it.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Qdrant can't be reached or doesn't answer in time; trying again later can help.
    #[error("reach the passage index: {0}")]
    Away(String),
    /// Qdrant says no.
    #[error("use the passage index: {0}")]
    Refused(String),
    /// A point is not a passage of ours.
    #[error("read a passage from the index: {0}")]
    Unreadable(&'static str),
}

impl IndexError {
    /// Whether trying again later can help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Away(_))
    }
}

impl From<QdrantError> for IndexError {
    fn from(error: QdrantError) -> Self {
        match error {
            QdrantError::ResponseError { status } => {
                let message = format!("{}: {}", status.code(), status.message());
                match status.code() {
                    Code::InvalidArgument
                    | Code::NotFound
                    | Code::AlreadyExists
                    | Code::PermissionDenied
                    | Code::Unauthenticated
                    | Code::FailedPrecondition
                    | Code::OutOfRange
                    | Code::Unimplemented => Self::Refused(message),
                    // The client calls a connection that fails internal.
                    _ => Self::Away(message),
                }
            }
            QdrantError::ResourceExhaustedError { status, .. } => Self::Away(status.message().to_owned()),
            QdrantError::Io(error) => Self::Away(error.to_string()),
            other => Self::Refused(other.to_string()),
        }
    }
}
