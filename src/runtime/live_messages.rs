//! Reads the messages about answers that are being written from the live stream.

use std::time::Duration;

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{OrderedConfig, OrderedError};
use async_nats::jetstream::{self, stream::ConsumerError};
use async_nats::{Client, Message};
use futures::{Stream, StreamExt as _};
use nats::Subjects;

/// Time without a message after which a replay ends.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);
/// Time limit of one call to JetStream.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    #[error("NATS did not answer in time")]
    TimedOut(#[from] tokio::time::error::Elapsed),
    #[error("the live stream was not found")]
    Stream(#[from] jetstream::context::GetStreamError),
    #[error("the consumer could not be created")]
    Consumer(#[from] ConsumerError),
    #[error("messages could not be requested")]
    Messages(#[from] jetstream::consumer::StreamError),
    #[error("messages could not be received")]
    Receive(#[from] OrderedError),
}

/// The messages that the stream has on a subject, oldest first.
pub(crate) fn replay(
    nats: &Client,
    subjects: &Subjects,
    subject: String,
) -> impl Stream<Item = Result<Message, ReplayError>> + Send + use<> {
    let (jetstream, name) = (jetstream::new(nats.clone()), subjects.live_stream());
    async_stream::try_stream! {
        let stream = jetstream.get_stream_no_info(name);
        let stream = tokio::time::timeout(CALL_TIMEOUT, stream).await??;
        let config = OrderedConfig {
            filter_subject: subject,
            deliver_policy: DeliverPolicy::All,
            ..OrderedConfig::default()
        };
        let consumer = tokio::time::timeout(CALL_TIMEOUT, stream.create_consumer(config)).await??;
        if consumer.cached_info().num_pending == 0 {
            return;
        }
        let mut messages = tokio::time::timeout(CALL_TIMEOUT, consumer.messages()).await??;
        while let Ok(Some(message)) = tokio::time::timeout(IDLE_TIMEOUT, messages.next()).await {
            let message = message?;
            let pending = message.info().map_or(0, |info| info.pending);
            yield message.message;
            if pending == 0 {
                break;
            }
        }
    }
}
