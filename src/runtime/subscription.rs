//! A core NATS subscription that lasts as long as the process.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::{Client, Message, Subscriber};
use futures::{FutureExt as _, StreamExt as _};
use rag::error_chain::ErrorChain;

use super::backoff::Backoff;

/// Time limit of one attempt to subscribe.
const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(5);
/// Delays between attempts to subscribe.
const RETRY: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));
/// Interval at which an idle subscription checks whether the connection was replaced.
const CONNECTION_CHECK: Duration = Duration::from_millis(500);

/// Follows one subject. Core NATS keeps nothing: whatever is published while the connection is down is lost,
/// and [`Delivery::Subscribed`] says so.
#[derive(Debug)]
pub struct Subscription {
    nats: Client,
    subject: String,
    subscriber: Option<Subscriber>,
    connection: u64,
    retry: Backoff,
}

/// An item of a [`Subscription`].
#[derive(Debug)]
pub enum Delivery {
    /// A message, in the order of its publisher.
    Message(Message),
    /// The subscription is established, for the first time or again. Earlier messages may be missing.
    Subscribed,
}

impl Subscription {
    /// A subscription to `subject`, established by the first call of [`Self::next`].
    pub const fn new(nats: Client, subject: String) -> Self {
        Self { nats, subject, subscriber: None, connection: 0, retry: RETRY }
    }

    /// Waits for the next delivery. Retries without end while NATS is away. Cancelling the
    /// wait loses nothing.
    pub async fn next(&mut self) -> Delivery {
        loop {
            let Some(subscriber) = &mut self.subscriber else {
                if self.subscribe().await {
                    return Delivery::Subscribed;
                }
                self.retry.wait().await;
                continue;
            };
            // Checked before each wait, so that a caller with a shorter time limit notices a
            // new connection, too.
            let connection = connection_number(&self.nats);
            if connection != self.connection {
                self.connection = connection;
                return Delivery::Subscribed;
            }
            match tokio::time::timeout(CONNECTION_CHECK, subscriber.next()).await {
                Ok(Some(message)) => return Delivery::Message(message),
                Ok(None) => self.subscriber = None,
                Err(_) => {}
            }
        }
    }

    /// Takes a message that has arrived, without waiting.
    pub fn try_next(&mut self) -> Option<Message> {
        let arrived = self.subscriber.as_mut()?.next().now_or_never()?;
        if arrived.is_none() {
            self.subscriber = None;
        }
        arrived
    }

    async fn subscribe(&mut self) -> bool {
        let connection = connection_number(&self.nats);
        let subscribing = self.nats.subscribe(self.subject.clone());
        match tokio::time::timeout(SUBSCRIBE_TIMEOUT, subscribing).await {
            Ok(Ok(subscriber)) => {
                self.subscriber = Some(subscriber);
                self.connection = connection;
                self.retry.reset();
                true
            }
            Ok(Err(error)) => {
                tracing::warn!(nats.subject = self.subject, error = %ErrorChain(&error), "subscription was refused");
                false
            }
            Err(_) => {
                tracing::warn!(nats.subject = self.subject, "subscription timed out");
                false
            }
        }
    }
}

/// The number of connections made so far. A change means that the server has forgotten open pulls, and that
/// messages of core NATS may be lost.
pub fn connection_number(nats: &Client) -> u64 {
    nats.statistics().connects.load(Ordering::Relaxed)
}

/// Resolves when the connection is no longer the one with this number.
pub async fn connection_replaced(nats: &Client, number: u64) {
    while connection_number(nats) == number {
        tokio::time::sleep(CONNECTION_CHECK).await;
    }
}
