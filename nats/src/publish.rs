//! Publishes events to their stream in the order of the ledger, fenced against a second publisher.

use std::time::Duration;

use aggregates::Position;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Stream;
use futures::future::try_join_all;

use crate::BoxError;
use crate::envelope::Envelope;
use crate::streams::STREAM_TIMEOUT;

/// Time limit for the acknowledgement of a batch.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);

/// A batch was not published, or only in part.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Another publisher wrote to the stream, or the stream was created again. The publisher has to attach
    /// again.
    #[error("the stream was changed by another publisher")]
    Displaced,
    /// JetStream cannot be reached or did not answer in time.
    #[error("JetStream is unavailable")]
    Unavailable(#[source] BoxError),
    /// The last message of the stream was not published by this service.
    #[error("the last message of the stream has no ledger position")]
    NoPosition,
}

impl PublishError {
    fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable(source.into())
    }
}

/// Publishes to the stream of events and keeps track of the stream's end.
///
/// Each message carries its position as `Nats-Msg-Id`, and the stream sequence that it expects before it: of
/// two publishers one is refused, and no message overtakes another.
#[derive(Debug)]
pub struct EventPublisher {
    jetstream: Context,
    /// The stream's last sequence, as known to this publisher.
    last_sequence: u64,
    /// The position of the stream's last message; 0 for an empty stream.
    last_position: Position,
}

impl EventPublisher {
    /// Reads the stream's last sequence and position.
    pub async fn attach(jetstream: Context, stream: &Stream) -> Result<Self, PublishError> {
        let info = tokio::time::timeout(STREAM_TIMEOUT, stream.get_info())
            .await
            .map_err(PublishError::unavailable)?
            .map_err(PublishError::unavailable)?;
        let last_sequence = info.state.last_sequence;
        let last_position =
            if info.state.messages == 0 { Position(0) } else { position_at(stream, last_sequence).await? };
        Ok(Self { jetstream, last_sequence, last_position })
    }

    /// The position of the stream's last message; 0 for an empty stream.
    pub const fn last_position(&self) -> Position {
        self.last_position
    }

    /// Publishes events in order and waits for the stream's acknowledgements.
    pub async fn publish(&mut self, envelopes: &[Envelope]) -> Result<(), PublishError> {
        let mut acks = Vec::with_capacity(envelopes.len());
        for (expected, envelope) in (self.last_sequence..).zip(envelopes) {
            let mut message = PublishMessage::build()
                .message_id(envelope.position.to_string())
                .expected_last_sequence(expected)
                .payload(envelope.payload.clone());
            if let Some(traceparent) = &envelope.traceparent {
                message = message.header("traceparent", traceparent.as_str());
            }
            let sent = self.jetstream.send_publish(envelope.subject.clone(), message);
            acks.push(sent.await.map_err(PublishError::unavailable)?);
        }
        let acks = try_join_all(acks.into_iter().map(IntoFuture::into_future));
        match tokio::time::timeout(ACK_TIMEOUT, acks).await {
            // The stream had the message already, at another sequence than this publisher counts.
            Ok(Ok(acks)) if acks.iter().any(|ack| ack.duplicate) => Err(PublishError::Displaced),
            Ok(Ok(acks)) => {
                if let (Some(ack), Some(envelope)) = (acks.last(), envelopes.last()) {
                    self.last_sequence = ack.sequence;
                    self.last_position = envelope.position;
                }
                Ok(())
            }
            Ok(Err(error)) => Err(match error.kind() {
                PublishErrorKind::WrongLastSequence
                | PublishErrorKind::WrongLastMessageId
                | PublishErrorKind::StreamNotFound => PublishError::Displaced,
                _ => PublishError::unavailable(error),
            }),
            Err(elapsed) => Err(PublishError::unavailable(elapsed)),
        }
    }
}

async fn position_at(stream: &Stream, sequence: u64) -> Result<Position, PublishError> {
    let message = tokio::time::timeout(STREAM_TIMEOUT, stream.get_raw_message(sequence))
        .await
        .map_err(PublishError::unavailable)?
        .map_err(PublishError::unavailable)?;
    let id = message.headers.get(async_nats::header::NATS_MESSAGE_ID).map(|id| id.as_str().parse());
    match id {
        Some(Ok(position)) => Ok(Position(position)),
        Some(Err(_)) | None => Err(PublishError::NoPosition),
    }
}
