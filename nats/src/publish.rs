//! Publishes events to their stream in the order of the ledger, fenced against a second publisher.

use std::time::Duration;

use aggregates::Position;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{self, Context};
use futures::future::join_all;

use crate::BoxError;
use crate::envelope::{Envelope, place_in};
use crate::streams::STREAM_TIMEOUT;

/// Time limit for the acknowledgement of a batch.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);

/// A batch was not published, or only in part.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Another publisher wrote to the stream, or the stream was created again. The publisher has
    /// to attach again.
    #[error("the stream was changed by another publisher")]
    Displaced,
    /// A foreign message came between those of a batch, so that the stream lacks an event.
    #[error("the stream has a message that is no event of the ledger")]
    Interleaved,
    /// JetStream cannot be reached or did not answer in time.
    #[error("JetStream is unavailable")]
    Unavailable(#[source] BoxError),
}

impl PublishError {
    fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable(source.into())
    }
}

/// Publishes to the stream of events and keeps track of the stream's end.
///
/// Each message carries its position and hash as `Nats-Msg-Id`, and the stream sequence that it expects
/// before it: no message overtakes another. Of two publishers, each may store a part of the same events: every
/// event that is stored stands at its place, and the refusals of the other publisher's copies displace it.
#[derive(Debug)]
pub struct EventPublisher {
    jetstream: Context,
    stream: Stream,
    /// The stream's last sequence, as known to this publisher.
    last_sequence: u64,
    last: LastMessage,
    max_message_bytes: usize,
}

/// The last message of the stream, as its id tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastMessage {
    /// The stream has no message.
    None,
    /// An event of this position, and of this hash unless an earlier version published it.
    Event(Position, Option<[u8; 32]>),
    /// A message that this service did not publish.
    Foreign,
}

impl EventPublisher {
    /// Reads the stream's last sequence and message.
    pub async fn attach(jetstream: Context, stream: &Stream) -> Result<Self, PublishError> {
        let info = tokio::time::timeout(STREAM_TIMEOUT, stream.get_info())
            .await
            .map_err(PublishError::unavailable)?
            .map_err(PublishError::unavailable)?;
        let last_sequence = info.state.last_sequence;
        let last = if info.state.messages == 0 {
            LastMessage::None
        } else {
            message_at(stream, last_sequence).await?
        };
        let of_server = jetstream.client().server_info().max_payload;
        let of_stream = usize::try_from(info.config.max_message_size).unwrap_or(usize::MAX);
        let max_message_bytes = of_server.min(if of_stream == 0 { usize::MAX } else { of_stream });
        Ok(Self { jetstream, stream: stream.clone(), last_sequence, last, max_message_bytes })
    }

    /// The stream's last message when the publisher attached.
    pub const fn last_message(&self) -> LastMessage {
        self.last
    }

    /// The most bytes of a message with its headers that server and stream accept.
    pub const fn max_message_bytes(&self) -> usize {
        self.max_message_bytes
    }

    /// Publishes events in order and waits for the stream's acknowledgements.
    pub async fn publish(&mut self, envelopes: &[Envelope]) -> Result<(), PublishError> {
        let mut acks = Vec::with_capacity(envelopes.len());
        for (expected, envelope) in (self.last_sequence..).zip(envelopes) {
            let mut message = PublishMessage::build()
                .message_id(envelope.message_id())
                .expected_last_sequence(expected)
                .payload(envelope.payload.clone());
            if let Some(traceparent) = &envelope.traceparent {
                message = message.header("traceparent", traceparent.as_str());
            }
            let sent = self.jetstream.send_publish(envelope.subject.clone(), message);
            acks.push(sent.await.map_err(PublishError::unavailable)?);
        }
        let acks = join_all(acks.into_iter().map(IntoFuture::into_future));
        let acks = tokio::time::timeout(ACK_TIMEOUT, acks).await.map_err(PublishError::unavailable)?;
        let is_refused = |ack: &Result<PublishAck, jetstream::context::PublishError>| {
            ack.as_ref().is_err_and(|error| error.kind() == PublishErrorKind::WrongLastSequence)
        };
        let last_stored = acks.iter().rposition(|ack| ack.as_ref().is_ok_and(|ack| !ack.duplicate));
        for (index, envelope) in envelopes.iter().enumerate().take(last_stored.unwrap_or(0)) {
            // The message with this sequence is the same event of another publisher, or a foreign one.
            let sequence = self.last_sequence + index as u64 + 1;
            if is_refused(&acks[index]) && !self.has(sequence, envelope).await? {
                return Err(PublishError::Interleaved);
            }
        }
        for ack in acks {
            match ack {
                Ok(ack) if !ack.duplicate => self.last_sequence = ack.sequence,
                // The stream had the message already, at another sequence than this publisher counts.
                Ok(_) => return Err(PublishError::Displaced),
                Err(error) => {
                    return Err(match error.kind() {
                        PublishErrorKind::WrongLastSequence
                        | PublishErrorKind::WrongLastMessageId
                        | PublishErrorKind::StreamNotFound => PublishError::Displaced,
                        _ => PublishError::unavailable(error),
                    });
                }
            }
        }
        Ok(())
    }
}

impl EventPublisher {
    /// Whether the stream has an event at a sequence.
    async fn has(&self, sequence: u64, envelope: &Envelope) -> Result<bool, PublishError> {
        let message = tokio::time::timeout(STREAM_TIMEOUT, self.stream.get_raw_message(sequence))
            .await
            .map_err(PublishError::unavailable)?
            .map_err(PublishError::unavailable)?;
        let id = message.headers.get(NATS_MESSAGE_ID);
        Ok(id.is_some_and(|id| id.as_str() == envelope.message_id()))
    }
}

async fn message_at(stream: &Stream, sequence: u64) -> Result<LastMessage, PublishError> {
    let message = tokio::time::timeout(STREAM_TIMEOUT, stream.get_raw_message(sequence))
        .await
        .map_err(PublishError::unavailable)?
        .map_err(PublishError::unavailable)?;
    let place = place_in(&message.headers);
    Ok(place.map_or(LastMessage::Foreign, |(position, hash)| LastMessage::Event(position, hash)))
}
