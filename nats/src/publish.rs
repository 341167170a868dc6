//! Publishes events to the stream in the order of the ledger, one after the other, fenced against a second publisher.

use std::time::Duration;

use aggregates::Position;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Stream;
use futures::future::try_join_all;

use crate::envelope::Envelope;
use crate::streams::STREAM_TIMEOUT;

/// How long the stream may take to acknowledge a batch.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a batch was not published, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum PublishFailed {
    /// Somebody else published, or the stream was made anew: look where it is before going on.
    #[error("publish events: the stream is not where it was left")]
    Displaced,
    /// NATS is away or does not answer.
    #[error("publish events: {0}")]
    Away(String),
}

/// Publishes to the stream of events, knowing where the stream is.
///
/// Each message says which stream sequence it expects before it, so that of two publishers one is refused and no message
/// overtakes another; and carries its position as `Nats-Msg-Id`.
#[derive(Debug)]
pub struct EventPublisher {
    jetstream: Context,
    /// The stream's last sequence, as far as we know.
    last_sequence: u64,
    /// The position of its last message; 0 when it has none.
    last_position: Position,
}

impl EventPublisher {
    /// Looks where the stream is.
    pub async fn attach(jetstream: Context, stream: &Stream) -> Result<Self, PublishFailed> {
        let away = |error: &dyn std::fmt::Display| PublishFailed::Away(error.to_string());
        let info = tokio::time::timeout(STREAM_TIMEOUT, stream.get_info())
            .await
            .map_err(|error| away(&error))?
            .map_err(|error| away(&error))?;
        let last_sequence = info.state.last_sequence;
        let last_position =
            if info.state.messages == 0 { Position(0) } else { position_at(stream, last_sequence).await? };
        Ok(Self { jetstream, last_sequence, last_position })
    }

    /// The position of the stream's last message; 0 when it has none.
    pub const fn last_position(&self) -> Position {
        self.last_position
    }

    /// Publishes events in order and waits until the stream has them.
    pub async fn publish(&mut self, envelopes: &[Envelope]) -> Result<(), PublishFailed> {
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
            acks.push(sent.await.map_err(|error| PublishFailed::Away(error.to_string()))?);
        }
        let acks = try_join_all(acks.into_iter().map(IntoFuture::into_future));
        match tokio::time::timeout(ACK_TIMEOUT, acks).await {
            // A duplicate was there already, at another sequence than this publisher counts.
            Ok(Ok(acks)) if acks.iter().any(|ack| ack.duplicate) => Err(PublishFailed::Displaced),
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
                | PublishErrorKind::StreamNotFound => PublishFailed::Displaced,
                _ => PublishFailed::Away(error.to_string()),
            }),
            Err(_) => Err(PublishFailed::Away("timed out".to_owned())),
        }
    }
}

async fn position_at(stream: &Stream, sequence: u64) -> Result<Position, PublishFailed> {
    let message = tokio::time::timeout(STREAM_TIMEOUT, stream.get_raw_message(sequence))
        .await
        .map_err(|error| PublishFailed::Away(error.to_string()))?
        .map_err(|error| PublishFailed::Away(error.to_string()))?;
    let id = message.headers.get(async_nats::header::NATS_MESSAGE_ID).map(|id| id.as_str().parse());
    match id {
        Some(Ok(position)) => Ok(Position(position)),
        _ => Err(PublishFailed::Away("the stream's last message has no position".to_owned())),
    }
}
