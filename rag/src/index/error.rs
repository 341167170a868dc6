//! Errors of the passage index.

use std::error::Error;
use std::fmt::{self, Display, Formatter, Write as _};
use std::time::Duration;

use tonic::{Code, Status};

use super::connection::retry_after;

/// A call to the passage index had no result.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Qdrant is unreachable or overloaded. The call can succeed later.
    #[error("the passage index is unavailable")]
    Unavailable(#[source] ServerMessage),
    /// Qdrant did not respond within the time limit. The call can succeed later.
    #[error("the passage index did not respond within {0:?}")]
    Timeout(Duration),
    /// Qdrant limits the rate of calls, or a quota is used up. The call can succeed later.
    #[error("the passage index accepts no more calls for now{}", pause(*.0))]
    RateLimited(Option<Duration>, #[source] ServerMessage),
    /// Qdrant refuses the API key. An operator has to correct it.
    #[error("the passage index refuses the API key (QDRANT_API_KEY)")]
    Unauthenticated(#[source] ServerMessage),
    /// The certificate of Qdrant is not accepted. An operator has to correct it.
    #[error("the certificate of the passage index is not accepted (QDRANT_CA)")]
    Certificate(#[source] ServerMessage),
    /// Qdrant's strict mode does not permit the call.
    #[error("strict mode of the passage index refuses the call")]
    StrictMode(#[source] ServerMessage),
    /// Qdrant rejects the call, for example because the collection does not exist.
    #[error("the passage index refused the call")]
    Refused(#[source] ServerMessage),
    /// A point in the collection is not a passage.
    #[error("a point of the passage index has no valid {0}")]
    InvalidPoint(PointPart),
}

/// What Qdrant, or the connection to it, says about a failed call.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct ServerMessage {
    code: Code,
    text: String,
}

impl ServerMessage {
    pub(super) fn of(status: &Status) -> Self {
        let mut text = match status.message() {
            "" => status.code().description().to_owned(),
            message => message.to_owned(),
        };
        let mut source = status.source();
        while let Some(cause) = source {
            // Writing to a string cannot fail. Some causes repeat the text of their own cause.
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                let _ = write!(text, ": {cause_text}");
            }
            source = cause.source();
        }
        Self { code: status.code(), text }
    }

    pub(super) fn is_of_certificate(&self) -> bool {
        ["invalid peer certificate", "received fatal alert"].iter().any(|sign| self.text.contains(sign))
    }

    /// Texts of Qdrant's strict mode, whose status code is that of any bad request.
    fn is_of_strict_mode(&self) -> bool {
        ["Index required but not found", "Limit exceeded", "limit reached", " disabled!", " Help: "]
            .iter()
            .any(|sign| self.text.contains(sign))
    }
}

fn pause(pause: Option<Duration>) -> String {
    pause.map(|pause| format!(" and asks for a pause of {} s", pause.as_secs())).unwrap_or_default()
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
        matches!(self, Self::Unavailable(_) | Self::Timeout(_) | Self::RateLimited(..))
    }

    /// Whether Qdrant refused to create a collection because it exists. Qdrant reports this as an invalid
    /// argument, so the message is compared too.
    pub(super) fn is_already_exists(&self) -> bool {
        match self {
            Self::Refused(message) => {
                message.code == Code::AlreadyExists || message.text.contains("already exists")
            }
            _ => false,
        }
    }
}

impl From<Status> for IndexError {
    fn from(status: Status) -> Self {
        let message = ServerMessage::of(&status);
        match status.code() {
            Code::ResourceExhausted => Self::RateLimited(retry_after(&status), message),
            Code::Unauthenticated | Code::PermissionDenied => Self::Unauthenticated(message),
            Code::InvalidArgument if message.is_of_strict_mode() => Self::StrictMode(message),
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented => Self::Refused(message),
            _ if message.is_of_certificate() => Self::Certificate(message),
            _ => Self::Unavailable(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: Code, message: &str) -> IndexError {
        Status::new(code, message).into()
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

    #[test]
    fn a_limited_rate_is_transient_and_says_for_how_long() {
        let mut status =
            Status::new(Code::ResourceExhausted, "Rate limiting exceeded: Read rate limit exceeded");
        status.metadata_mut().insert("retry-after", "7".parse().unwrap());
        let limited = IndexError::from(status);
        assert!(limited.is_transient());
        assert!(limited.to_string().ends_with("asks for a pause of 7 s"), "{limited}");
    }

    #[test]
    fn a_refused_key_and_a_refusal_of_strict_mode_are_told_apart() {
        let key = refused(Code::Unauthenticated, "Invalid API key or JWT");
        assert!(matches!(key, IndexError::Unauthenticated(_)) && !key.is_transient());
        let text = "Bad request: Index required but not found for \"page\" of one of the following types: [integer]. \
                    Help: Create an index for this key or use a different filter.";
        let strict = refused(Code::InvalidArgument, text);
        assert!(matches!(strict, IndexError::StrictMode(_)));
        assert_eq!(strict.source().unwrap().to_string(), text);
    }
}
