//! The ledger as it grows: every event after a position, in order, without repetitions.
//!
//! NATS delivers new events at once. Nothing that it delivers is believed: the chain of hashes over all that
//! was delivered must end in the hash that the ledger has there, which is one small query for each batch.
//! Whatever NATS does not deliver, or delivers wrongly, is read from the ledger.

use std::collections::VecDeque;
use std::time::Duration;

use aggregates::{Position, RecordedEvent};
use async_nats::connection::State;
use async_nats::{Client, Message};
use nats::{Envelope, Incoming, InvalidEnvelope, Subjects};
use rag::error_chain::ErrorChain;
use store::{LedgerEntry, LedgerHash, Store, StoreError, StoredEvent};

use super::backoff::Backoff;
use super::subscription::{Delivery, Subscription};
use crate::telemetry::traces;

/// Intervals between looks at the ledger while no event arrives. Lost messages cost the longest one.
const IDLE: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(4));
/// Interval between looks at the ledger while NATS is away.
const WITHOUT_NATS: Duration = Duration::from_millis(250);

/// Hashes of the last events, as many as a subscription holds messages.
const RECENT: usize = 4_096;

/// The hashes of the last events, so that a repeated message is told from one of another history.
#[derive(Debug, Default)]
struct Recent(VecDeque<LedgerHash>);

impl Recent {
    fn push(&mut self, last: Position, position: Position, hash: LedgerHash) {
        if position != last.next() {
            self.0.clear();
        }
        if self.0.len() == RECENT {
            self.0.pop_front();
        }
        self.0.push_back(hash);
    }

    /// Whether a message repeats an event, where `last` is the position of the newest hash. A message of an
    /// earlier version, which has no hash, is taken for a repetition.
    fn has(&self, last: Position, position: Position, hash: Option<LedgerHash>) -> bool {
        let Some(hash) = hash else { return true };
        let back = usize::try_from(last.0 - position.0).unwrap_or(usize::MAX);
        let known = self.0.len().checked_sub(1).and_then(|newest| newest.checked_sub(back));
        known.and_then(|index| self.0.get(index)) == Some(&hash)
    }
}

/// Follows the ledger.
#[derive(Debug)]
pub struct LedgerFeed {
    store: Store,
    nats: Client,
    subscription: Subscription,
    /// Hints to read the ledger, while JetStream takes no events.
    hints: Subscription,
    held: Option<Message>,
    last: Position,
    /// The hash of the last event; `None` before the first look at the ledger.
    hash: Option<LedgerHash>,
    recent: Recent,
    /// The traces of the last events, on request.
    traces: Vec<(Position, String)>,
    is_traced: bool,
    /// Whether the ledger may hold events that were not handed out.
    behind: bool,
    idle: Backoff,
}

/// The outcome of a look at the subscription.
enum Arrived {
    /// Events that follow the last one, as they claim.
    Next(Vec<LedgerEntry>),
    /// No message.
    Nothing,
    /// A message that does not follow.
    Gap,
}

/// Reads stored events.
type Read<T> = fn(&mut Vec<LedgerEntry>) -> Result<Vec<T>, StoreError>;

fn read_all(entries: &[LedgerEntry]) -> Result<Vec<RecordedEvent>, StoreError> {
    entries.iter().map(|entry| entry.event.read(entry.position)).collect()
}

fn read_readable(entries: &[LedgerEntry]) -> Vec<RecordedEvent> {
    let mut events = Vec::with_capacity(entries.len());
    for entry in entries {
        match entry.event.read(entry.position) {
            Ok(event) => events.push(event),
            Err(error) => {
                tracing::warn!(position = %entry.position, error = %ErrorChain(&error), "an event is not readable for this release");
            }
        }
    }
    events
}

impl LedgerFeed {
    /// Follows the ledger after a position.
    pub fn new(store: Store, nats: Client, subjects: &Subjects, after: Position) -> Self {
        let subscription = Subscription::new(nats.clone(), subjects.all_events());
        let hints = Subscription::new(nats.clone(), subjects.wake_feeds());
        Self {
            store,
            nats,
            subscription,
            hints,
            held: None,
            last: after,
            hash: None,
            recent: Recent::default(),
            traces: Vec::new(),
            is_traced: false,
            behind: true,
            idle: IDLE,
        }
    }

    /// The same, which keeps the traces of its events for [`Self::take_traces`].
    #[must_use]
    pub fn traced(self) -> Self {
        Self { is_traced: true, ..self }
    }

    /// The position of the last event that was handed out.
    pub const fn position(&self) -> Position {
        self.last
    }

    /// Waits for the next events: at least one and at most `limit`. Cancelling the wait loses nothing.
    ///
    /// Fails with [`StoreError::AnotherHistory`] if the ledger no longer has the events that were handed out.
    /// The feed is of no use then.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<RecordedEvent>, StoreError> {
        self.next_by(limit, |entries| read_all(entries)).await
    }

    /// Waits for the next events as [`Self::next`] does, and leaves out those that this release cannot read,
    /// for readers that show events and derive nothing from them.
    pub async fn next_readable(&mut self, limit: usize) -> Result<Vec<RecordedEvent>, StoreError> {
        loop {
            let events = self.next_by(limit, |entries| Ok(read_readable(entries))).await?;
            if !events.is_empty() {
                return Ok(events);
            }
        }
    }

    /// Waits for the next events as [`Self::next`] does, and returns them as they are stored,
    /// readable or not.
    pub async fn next_entries(&mut self, limit: usize) -> Result<Vec<LedgerEntry>, StoreError> {
        self.next_by(limit, |entries| Ok(std::mem::take(entries))).await
    }

    async fn next_by<T>(&mut self, limit: usize, read: Read<T>) -> Result<Vec<T>, StoreError> {
        loop {
            if self.behind {
                let entries = self.read_ledger(limit).await?;
                if !entries.is_empty() {
                    return self.hand_out(entries, read);
                }
            }
            match self.drain(limit) {
                Arrived::Next(entries) => {
                    if self.is_in_ledger(&entries).await? {
                        return self.hand_out(entries, read);
                    }
                }
                Arrived::Gap => self.behind = true,
                Arrived::Nothing => self.wait().await,
            }
        }
    }

    async fn read_ledger(&mut self, limit: usize) -> Result<Vec<LedgerEntry>, StoreError> {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let (hash, entries) = self.store.ledger_from(self.last, self.hash, limit).await?;
        self.hash = Some(hash);
        self.behind = entries.len() == limit as usize;
        Ok(entries)
    }

    /// Whether the ledger has what NATS delivered. If not, the ledger is read next; so it is if the
    /// wait is cancelled.
    async fn is_in_ledger(&mut self, delivered: &[LedgerEntry]) -> Result<bool, StoreError> {
        let Some(last) = delivered.last() else { return Ok(false) };
        let was_behind = std::mem::replace(&mut self.behind, true);
        if self.store.ledger_hash(last.position).await? == Some(last.hash) {
            self.behind = was_behind;
            return Ok(true);
        }
        tracing::warn!(position = %last.position, "messages from NATS are not those of the ledger, which is read instead");
        Ok(false)
    }

    /// The traces that led to the events that were handed out since the last call; none without a collector.
    pub fn take_traces(&mut self) -> Vec<(Position, String)> {
        std::mem::take(&mut self.traces)
    }

    fn hand_out<T>(&mut self, mut entries: Vec<LedgerEntry>, read: Read<T>) -> Result<Vec<T>, StoreError> {
        if self.is_traced && traces::is_on() {
            let of = |entry: &LedgerEntry| Some((entry.position, entry.event.sampled_traceparent()?));
            self.traces = entries.iter().filter_map(of).collect();
        }
        let places: Vec<(Position, LedgerHash)> =
            entries.iter().map(|entry| (entry.position, entry.hash)).collect();
        let events = read(&mut entries)?;
        self.idle.reset();
        for (position, hash) in places {
            self.recent.push(self.last, position, hash);
            (self.last, self.hash) = (position, Some(hash));
        }
        Ok(events)
    }

    /// Takes the messages that have arrived, without waiting.
    fn drain(&mut self, limit: usize) -> Arrived {
        let mut entries: Vec<LedgerEntry> = Vec::new();
        let Some(mut hash) = self.hash else { return Arrived::Gap };
        while entries.len() < limit {
            let Some(message) = self.arrived() else { break };
            let expected = entries.last().map_or(self.last, |entry| entry.position).next();
            match nats::place_of(&message) {
                Some((position, hash)) if position <= self.last => {
                    self.behind |= !self.recent.has(self.last, position, hash);
                }
                Some((position, _)) if position < expected => {}
                Some((position, _)) if position == expected => match stored_event(&message) {
                    Ok(Some(event)) => {
                        hash = event.chain(&hash);
                        entries.push(LedgerEntry { position, hash, event });
                    }
                    Ok(None) => {
                        self.behind = true;
                        break;
                    }
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
        match (entries.is_empty(), self.behind) {
            (false, _) => Arrived::Next(entries),
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
        tokio::select! {
            delivery = self.subscription.next() => match delivery {
                Delivery::Message(message) => self.held = Some(message),
                // Events that were published before may be missing.
                Delivery::Subscribed => self.behind = true,
            },
            _ = self.hints.next() => self.behind = true,
            () = tokio::time::sleep(limit) => self.behind = true,
        }
    }
}

/// The event of a message; `None` if the message does not carry all of it.
fn stored_event(message: &Message) -> Result<Option<StoredEvent>, InvalidEnvelope> {
    let incoming = Envelope::parse(&message.payload)?;
    let private = incoming.private()?;
    let Incoming { payload: Some(payload), metadata: Some(metadata), event_type: Some(event_type), .. } =
        incoming
    else {
        return Ok(None);
    };
    Ok(Some(StoredEvent {
        aggregate_type: incoming.aggregate.into_owned(),
        aggregate_id: incoming.aggregate_id,
        sequence: incoming.sequence,
        event_type: event_type.into_owned(),
        event_version: incoming.event_version.into_owned(),
        event_id: incoming.event_id,
        owner: incoming.owner,
        payload: payload.to_owned(),
        metadata: metadata.to_owned(),
        private,
        recorded_at: incoming.recorded_at,
    }))
}
