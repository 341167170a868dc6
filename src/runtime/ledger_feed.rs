//! The ledger as it grows: every event after a position, in order, none missing, none twice.
//!
//! NATS brings what is new at once; whatever it did not bring is read from the ledger. Nobody needs to trust an arrival.

use std::time::Duration;

use aggregates::{Position, RecordedEvent};
use async_nats::connection::State;
use async_nats::{Client, Message, Subscriber};
use futures::{FutureExt as _, StreamExt as _};
use nats::{Envelope, Subjects};

use store::{Store, StoreError};

/// The first look after silence; each further one waits twice as long, so that an idle database may fall asleep.
const FIRST_LOOK: Duration = Duration::from_secs(1);
const LAST_LOOK: Duration = Duration::from_mins(10);

/// A follower of the ledger.
#[derive(Debug)]
pub struct LedgerFeed {
    store: Store,
    nats: Client,
    subject: String,
    subscription: Option<Subscriber>,
    held: Option<Message>,
    last: Position,
    /// Whether the ledger may hold more than was read of it.
    behind: bool,
    silence: Duration,
}

/// What a look at the subscription showed.
enum Arrived {
    /// The events that follow the last one.
    Next(Vec<RecordedEvent>),
    /// Nothing yet.
    Nothing,
    /// Something that does not follow.
    Gap,
}

impl LedgerFeed {
    /// Follows the ledger after a position.
    pub fn new(store: Store, nats: Client, subjects: &Subjects, after: Position) -> Self {
        let subject = subjects.all_events();
        Self {
            store,
            nats,
            subject,
            subscription: None,
            held: None,
            last: after,
            behind: true,
            silence: FIRST_LOOK,
        }
    }

    /// The position of the last event handed out.
    pub const fn position(&self) -> Position {
        self.last
    }

    /// The next events, at least one and at most `limit`; waits until there are any. May be cancelled at any time: what was
    /// not handed out comes again.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<RecordedEvent>, StoreError> {
        loop {
            if self.subscription.is_none() {
                // Before the ledger is read, so that nothing falls in between.
                self.subscription = self.nats.subscribe(self.subject.clone()).await.ok();
            }
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
        self.silence = FIRST_LOOK;
        if let Some(event) = events.last() {
            self.last = event.position;
        }
        events
    }

    /// Takes what has arrived without waiting.
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
                        tracing::warn!(%error, %position, "an event from NATS cannot be read: reading the ledger");
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

    /// The next message, if there is one already.
    fn arrived(&mut self) -> Option<Message> {
        if let Some(message) = self.held.take() {
            return Some(message);
        }
        let arrived = self.subscription.as_mut()?.next().now_or_never()?;
        if arrived.is_none() {
            self.subscription = None;
            self.behind = true;
        }
        arrived
    }

    /// Waits for a message, or until it is time to look at the ledger again.
    async fn wait(&mut self) {
        let connected = self.nats.connection_state() == State::Connected;
        let pause = if connected { self.silence } else { FIRST_LOOK };
        let message = async {
            match &mut self.subscription {
                Some(subscription) => subscription.next().await,
                None => std::future::pending().await,
            }
        };
        match tokio::time::timeout(pause, message).await {
            Ok(Some(message)) => self.held = Some(message),
            Ok(None) => {
                self.subscription = None;
                self.behind = true;
            }
            Err(_) => {
                self.silence = (self.silence * 2).min(LAST_LOOK);
                self.behind = true;
            }
        }
    }
}
