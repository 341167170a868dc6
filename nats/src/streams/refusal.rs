//! Refusals of JetStream in words for an operator.

use std::error::Error;

use async_nats::jetstream::context::{
    CreateStreamError, CreateStreamErrorKind, GetStreamError, GetStreamErrorKind,
};
use async_nats::jetstream::stream::{ConsumerError, ConsumerErrorKind};
use async_nats::jetstream::{self, ErrorCode};

use super::{StreamError, Unsuitable};

impl StreamError {
    /// The problem, if waiting does not mend it.
    pub fn problem(&self) -> Option<String> {
        let advice = if self.source.downcast_ref::<Unsuitable>().is_some() {
            return Some(format!("the stream {} cannot be used: {}", self.stream, self.source));
        } else if is_without_jetstream(&*self.source) {
            "JetStream is not enabled on the server"
        } else {
            advice(code(&*self.source)?)?
        };
        Some(format!("JetStream refuses the stream {}: {advice} ({})", self.stream, self.source))
    }

    /// Whether the account requires a limit of bytes that the stream does not have.
    pub(super) fn requires_bytes(&self) -> bool {
        code(&*self.source) == Some(ErrorCode::STREAM_MAX_BYTES_REQUIRED)
    }
}

/// The advice for a refused consumer, if waiting does not mend it.
pub fn consumer_problem(error: &ConsumerError) -> Option<&'static str> {
    advice(code(error)?)
}

fn code(error: &(dyn Error + 'static)) -> Option<ErrorCode> {
    let refusal: jetstream::Error = if let Some(error) = error.downcast_ref::<CreateStreamError>() {
        let CreateStreamErrorKind::JetStream(refusal) = error.kind() else { return None };
        refusal
    } else if let Some(error) = error.downcast_ref::<GetStreamError>() {
        let GetStreamErrorKind::JetStream(refusal) = error.kind() else { return None };
        refusal
    } else if let Some(error) = error.downcast_ref::<ConsumerError>() {
        let ConsumerErrorKind::JetStream(refusal) = error.kind() else { return None };
        refusal
    } else {
        return None;
    };
    Some(refusal.error_code())
}

fn is_without_jetstream(error: &(dyn Error + 'static)) -> bool {
    error
        .downcast_ref::<CreateStreamError>()
        .is_some_and(|error| error.kind() == CreateStreamErrorKind::JetStreamUnavailable)
}

fn advice(code: ErrorCode) -> Option<&'static str> {
    match code {
        ErrorCode::JETSTREAM_NOT_ENABLED
        | ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT
        | ErrorCode::NO_ACCOUNT
        | ErrorCode::NO_LIMITS => Some("JetStream is not enabled for the account of this login"),
        ErrorCode::STORAGE_RESOURCES_EXCEEDED
        | ErrorCode::INSUFFICIENT_RESOURCES
        | ErrorCode::ACCOUNT_RESOURCES_EXCEEDED
        | ErrorCode::STREAM_MAX_STREAM_BYTES_EXCEEDED => {
            Some("too little storage is left; lower NATS_EVENTS_MAX_BYTES or raise the limit of the account")
        }
        ErrorCode::MEMORY_RESOURCES_EXCEEDED => {
            Some("too little memory is left; lower NATS_LIVE_MAX_BYTES or set NATS_LIVE_STORAGE=file")
        }
        ErrorCode::MAXIMUM_STREAMS_LIMIT => Some("the account has all its streams; the service needs 4"),
        ErrorCode::MAXIMUM_CONSUMERS_LIMIT => {
            Some("the account has all its consumers; the service needs 2, and one for each replayed answer")
        }
        ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED | ErrorCode::CLUSTER_NO_PEERS => {
            Some("the cluster has too few servers for NATS_REPLICAS")
        }
        ErrorCode::STREAM_MAX_BYTES_REQUIRED => Some("the account requires a limit of bytes"),
        ErrorCode::STREAM_SUBJECT_OVERLAP => {
            Some("another stream has its subjects; set another NATS_PREFIX or delete that stream")
        }
        ErrorCode::STREAM_INVALID_CONFIG | ErrorCode::STREAM_UPDATE => Some("the settings do not fit"),
        _ => None,
    }
}
