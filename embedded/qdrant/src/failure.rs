//! What can go wrong, in the words and with the status codes of the Qdrant server, so that a client cannot tell
//! the two apart. Nothing else in this crate decides on a status code.

use qdrant_edge::{OperationError, PointId};
use tonic::Status;

/// Why a call was refused or broke.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Failure {
    /// No collection or alias has this name.
    #[error("Not found: Collection `{0}` doesn't exist!")]
    MissingCollection(String),
    /// A collection of this name is there already.
    #[error("Wrong input: Collection `{0}` already exists!")]
    CollectionExists(String),
    /// No alias has this name.
    #[error("Not found: Alias {0} does not exists!")]
    MissingAlias(String),
    /// A point that the request builds upon is not there.
    #[error("Not found: No point with id {0} found")]
    MissingPoint(PointId),
    /// Well-formed, but it does not fit the collection.
    #[error("Wrong input: {0}")]
    WrongInput(String),
    /// The request contradicts itself.
    #[error("Bad request: {0}")]
    BadRequest(String),
    /// The request cannot be read; the text stands alone.
    #[error("{0}")]
    Malformed(String),
    /// A value is out of its bounds: the field, and what is wrong.
    #[error("Validation error in body: [{0}: {1}]")]
    OutOfBounds(&'static str, String),
    /// The Qdrant server can do this, the embedded engine's service does not.
    #[error("{0} is not available in the embedded Qdrant; set QDRANT_URL to a server for it")]
    NotOffered(&'static str),
    /// The engine or the disk failed.
    #[error("Service internal error: {0}")]
    Internal(String),
}

impl Failure {
    /// A task of ours that panicked or was cancelled.
    pub(crate) fn from_task(error: &tokio::task::JoinError) -> Self {
        Self::Internal(format!("the engine gave up: {error}"))
    }
}

impl From<OperationError> for Failure {
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::PointIdError { missed_point_id } => Self::MissingPoint(missed_point_id),
            OperationError::ServiceError { description, .. }
            | OperationError::InconsistentStorage { description } => Self::Internal(description),
            OperationError::OutOfMemory { .. }
            | OperationError::Cancelled { .. }
            | OperationError::Timeout { .. } => Self::Internal(error.to_string()),
            OperationError::WrongSparse => {
                Self::WrongInput("Conversion between sparse and regular vectors failed".to_owned())
            }
            OperationError::WrongMulti => {
                Self::WrongInput("Conversion between multi and regular vectors failed".to_owned())
            }
            OperationError::WrongVectorDimension { .. }
            | OperationError::VectorNameNotExists { .. }
            | OperationError::TypeError { .. }
            | OperationError::TypeInferenceError { .. }
            | OperationError::ValidationError { .. }
            | OperationError::MissingRangeIndexForOrderBy { .. }
            | OperationError::MissingMapIndexForFacet { .. }
            | OperationError::VariableTypeError { .. }
            | OperationError::NonFiniteNumber { .. } => Self::WrongInput(error.to_string()),
        }
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        let message = failure.to_string();
        match failure {
            Failure::MissingCollection(_) | Failure::MissingAlias(_) | Failure::MissingPoint(_) => {
                Self::not_found(message)
            }
            Failure::CollectionExists(_) => Self::already_exists(message),
            Failure::WrongInput(_)
            | Failure::BadRequest(_)
            | Failure::Malformed(_)
            | Failure::OutOfBounds(..) => Self::invalid_argument(message),
            Failure::NotOffered(_) => Self::unimplemented(message),
            Failure::Internal(_) => Self::internal(message),
        }
    }
}
