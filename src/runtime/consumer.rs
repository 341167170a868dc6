//! Work from JetStream: a durable pull consumer that all workers share.
//!
//! A message is delivered until it is acknowledged. Deliveries are not counted here: how often a piece of
//! work is tried is counted where its result is recorded, which outlives the stream.

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::{self, AckKind, Message};
use futures::StreamExt as _;
use nats::{STREAM_TIMEOUT, Subjects, ensure_streams};

use rag::error_chain::ErrorChain;

use super::stages::Progress;
use super::subscription::{connection_number, connection_replaced};

/// Time limit of one acknowledgement.
const ACK_TIMEOUT: Duration = Duration::from_secs(5);
/// Messages that may be delivered and not acknowledged, for all workers together.
const MAX_ACK_PENDING: i64 = 10_000;

/// What a consumer delivers, and to whom a delivery belongs for how long.
#[derive(Debug, Clone)]
pub struct ConsumerSettings {
    /// Durable name, the same in every process.
    pub name: String,
    /// Shown by the server's tools.
    pub description: &'static str,
    /// Subjects of the event stream.
    pub filter_subjects: Vec<String>,
    /// A delivery that is neither acknowledged nor extended for this long is delivered again.
    pub ack_wait: Duration,
}

/// A consumer on one connection.
#[derive(Debug)]
pub struct Consumer {
    nats: Client,
    connection: u64,
    pulls: PullConsumer,
}

/// Messages of one pull.
pub struct Batch<'a> {
    consumer: &'a Consumer,
    messages: pull::Batch,
}

/// Acknowledgement of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AckDecision {
    /// The work is done.
    Ack,
    /// Deliver again after this delay.
    RetryAfter(Duration),
    /// Leave the delivery to the process that holds the same work.
    Leave,
    /// The message cannot be processed by any version of this service that is running.
    Reject,
}

/// Why a consumer ended.
#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    /// A stream could not be created.
    #[error(transparent)]
    Streams(#[from] nats::StreamError),
    /// The consumer could not be created.
    #[error("consumer {0} could not be created")]
    Create(String, #[source] jetstream::stream::ConsumerError),
    /// JetStream refuses the consumer, until an operator corrects something.
    #[error("JetStream refuses consumer {0}: {1}")]
    Refused(String, &'static str, #[source] jetstream::stream::ConsumerError),
    /// The server did not answer in time.
    #[error("NATS did not answer in time")]
    TimedOut,
    /// A pull was refused.
    #[error("messages could not be requested")]
    Request(#[from] jetstream::consumer::pull::BatchError),
    /// A delivery broke off.
    #[error("messages could not be received")]
    Receive(#[source] async_nats::Error),
    /// The connection was replaced: the server has forgotten the pull.
    #[error("the connection to NATS was replaced")]
    Reconnected,
}

impl ConsumerError {
    /// Reports why deliveries ended: a refusal lasts until an operator corrects something.
    pub fn report(&self, progress: &Progress) {
        let refusal = match self {
            Self::Streams(error) => error.problem(),
            Self::Refused(..) => Some(ErrorChain(self).to_string()),
            _ => None,
        };
        match refusal {
            Some(refusal) => progress.refused(refusal),
            None => progress.failing(ErrorChain(self)),
        }
    }
}

impl Consumer {
    /// Attaches to the durable consumer. Creates it, with its streams, where it is missing, and changes one of
    /// an earlier release to these settings.
    pub async fn attach(
        nats: &Client,
        subjects: &Subjects,
        settings: ConsumerSettings,
    ) -> Result<Self, ConsumerError> {
        let connection = connection_number(nats);
        let stream = ensure_streams(&jetstream::new(nats.clone()), subjects).await?;
        let ConsumerSettings { name, description, filter_subjects, ack_wait } = settings;
        let config = pull::Config {
            durable_name: Some(name.clone()),
            description: Some(description.to_owned()),
            filter_subjects,
            ack_policy: AckPolicy::Explicit,
            ack_wait,
            max_ack_pending: MAX_ACK_PENDING,
            ..pull::Config::default()
        };
        let creating = stream.create_consumer(config);
        let consumer = tokio::time::timeout(STREAM_TIMEOUT, creating)
            .await
            .map_err(|_| ConsumerError::TimedOut)?
            .map_err(|error| match nats::consumer_problem(&error) {
                Some(problem) => ConsumerError::Refused(name, problem, error),
                None => ConsumerError::Create(name, error),
            })?;
        Ok(Self { nats: nats.clone(), connection, pulls: consumer })
    }

    /// Messages that waited for delivery when the consumer was attached.
    pub fn pending_at_attach(&self) -> u64 {
        self.pulls.cached_info().num_pending
    }

    /// Requests up to `limit` messages. The request stays open at the server for `wait`.
    pub async fn pull(&self, limit: usize, wait: Duration) -> Result<Batch<'_>, ConsumerError> {
        let request = self.pulls.batch().max_messages(limit).expires(wait).messages();
        let messages =
            tokio::time::timeout(STREAM_TIMEOUT, request).await.map_err(|_| ConsumerError::TimedOut)?;
        Ok(Batch { consumer: self, messages: messages? })
    }

    /// Takes up to `limit` of the messages that wait at the server now.
    pub async fn fetch(&self, limit: usize) -> Result<Batch<'_>, ConsumerError> {
        let request = self.pulls.fetch().max_messages(limit).expires(STREAM_TIMEOUT).messages();
        let messages =
            tokio::time::timeout(STREAM_TIMEOUT, request).await.map_err(|_| ConsumerError::TimedOut)?;
        Ok(Batch { consumer: self, messages: messages? })
    }
}

impl Batch<'_> {
    /// The next message; `None` when the pull has ended.
    pub async fn next(&mut self) -> Option<Result<Message, ConsumerError>> {
        let Consumer { nats, connection, .. } = self.consumer;
        tokio::select! {
            message = self.messages.next() => Some(message?.map_err(ConsumerError::Receive)),
            () = connection_replaced(nats, *connection) => Some(Err(ConsumerError::Reconnected)),
        }
    }
}

/// Acknowledges a delivery. Where that fails, the message is delivered again, which changes nothing.
pub async fn acknowledge(message: &Message, decision: AckDecision) {
    let kind = match decision {
        AckDecision::Ack => AckKind::Ack,
        AckDecision::RetryAfter(delay) => AckKind::Nak(Some(delay)),
        AckDecision::Reject => AckKind::Term,
        AckDecision::Leave => return,
    };
    send(message, kind).await;
}

/// Extends a delivery's time for as long as the future is polled.
pub async fn keep_alive(message: &Message, every: Duration) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(every).await;
        send(message, AckKind::Progress).await;
    }
}

async fn send(message: &Message, kind: AckKind) {
    match tokio::time::timeout(ACK_TIMEOUT, message.ack_with(kind)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::debug!(%error, ?kind, "a delivery could not be acknowledged");
        }
        Err(_) => tracing::debug!(?kind, "an acknowledgement timed out"),
    }
}
