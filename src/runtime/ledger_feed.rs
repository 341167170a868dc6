//! The ledger as it grows: every event after a position, in order, without gaps or repetitions.
//!
//! NATS delivers new events at once. Whatever NATS does not deliver is read from the ledger.

use std::time::Duration;

use aggregates::{Position, RecordedEvent};
use async_nats::connection::State;
use async_nats::{Client, Message};
use nats::{Envelope, Subjects};
use rag::error_chain::ErrorChain;
use store::{Store, StoreError};

use super::backoff::Backoff;
use super::subscription::{Delivery, Subscription};

/// Intervals between looks at the ledger while no event arrives, so that an idle database can suspend.
const IDLE: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(10));
/// Interval between looks at the ledger while NATS is away.
const WITHOUT_NATS: Duration = Duration::from_secs(1);

/// Follows the ledger.
#[derive(Debug)]
pub struct LedgerFeed {
    store: Store,
    nats: Client,
    subscription: Subscription,
    held: Option<Message>,
    last: Position,
    /// Whether the ledger may hold events that were not handed out.
    behind: bool,
    idle: Backoff,
}

/// The outcome of a look at the subscription.
enum Arrived {
    /// Events that follow the last one.
    Next(Vec<RecordedEvent>),
    /// No message.
    Nothing,
    /// A message that does not follow.
    Gap,
}

impl LedgerFeed {
    /// Follows the ledger after a position.
    pub fn new(store: Store, nats: Client, subjects: &Subjects, after: Position) -> Self {
        let subscription = Subscription::new(nats.clone(), subjects.all_events());
        Self { store, nats, subscription, held: None, last: after, behind: true, idle: IDLE }
    }

    /// The position of the last event that was handed out.
    pub const fn position(&self) -> Position {
        self.last
    }

    /// Waits for the next events: at least one and at most `limit`. Cancelling the wait loses nothing.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<RecordedEvent>, StoreError> {
        loop {
            if self.behind {
                let events = self.read_ledger(limit).await?;
                if !events.is_empty() {
                    return Ok(self.hand_out(events));
                }
            }
            match self.drain(limit) {
                Arrived::Next(events) => return Ok(self.hand_out(events)),
                Arrived::Gap => self.behind = true,
                Arrived::Nothing => self.wait().await,
            }
        }
    }

    async fn read_ledger(&mut self, limit: usize) -> Result<Vec<RecordedEvent>, StoreError> {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let events = self.store.events_after(self.last, limit).await?;
        self.behind = events.len() == limit as usize;
        Ok(events)
    }

    fn hand_out(&mut self, events: Vec<RecordedEvent>) -> Vec<RecordedEvent> {
        self.idle.reset();
        if let Some(event) = events.last() {
            self.last = event.position;
        }
        events
    }

    /// Takes the messages that have arrived, without waiting.
    fn drain(&mut self, limit: usize) -> Arrived {
        let mut events: Vec<RecordedEvent> = Vec::new();
        while events.len() < limit {
            let Some(message) = self.arrived() else { break };
            let expected = events.last().map_or(self.last, |event| event.position).next();
            match nats::position_of(&message) {
                Some(position) if position < expected => {}
                Some(position) if position == expected => match Envelope::read(&message.payload) {
                    Ok(event) => events.push(event),
                    Err(error) => {
                        tracing::warn!(error = %ErrorChain(&error), %position, "an event from NATS could not be decoded; the ledger is read instead");
                        self.behind = true;
                        break;
                    }
                },
                Some(_) | None => {
                    self.behind = true;
                    break;
                }
            }
        }
        match (events.is_empty(), self.behind) {
            (false, _) => Arrived::Next(events),
            (true, true) => Arrived::Gap,
            (true, false) => Arrived::Nothing,
        }
    }

    /// A message that has arrived already.
    fn arrived(&mut self) -> Option<Message> {
        self.held.take().or_else(|| self.subscription.try_next())
    }

    /// Waits for a message, or until the next look at the ledger is due.
    async fn wait(&mut self) {
        let connected = self.nats.connection_state() == State::Connected;
        let limit = if connected { self.idle.next_delay() } else { WITHOUT_NATS };
        match tokio::time::timeout(limit, self.subscription.next()).await {
            Ok(Delivery::Message(message)) => self.held = Some(message),
            // Events that were published before may be missing.
            Ok(Delivery::Subscribed) | Err(_) => self.behind = true,
        }
    }
}
