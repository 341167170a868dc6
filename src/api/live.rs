//! Live state of one api process: the answers being written, and the listeners of each owner.
//!
//! A listener receives events in ledger order, deltas as they arrive, and changes of read models. Nothing is
//! decided or stored here: after a restart the ledger and the live stream yield the same state.

mod answers;
mod beginning;
mod deltas;
mod documents;
mod erased;
mod listeners;
mod read_models;
mod replay;
mod stream_event;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aggregates::account::AccountEvent;
use aggregates::conversation::{Answer, ConversationEvent};
use aggregates::{AnswerRef, Event, Position, RecordedEvent, UserId};
use async_nats::Client;
use async_nats::connection::State;
use nats::Subjects;
use rag::error_chain::ErrorChain;
use sealing::Subject;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::api::reads::cache::ReadCache;
use crate::runtime::backoff::Backoff;
use crate::runtime::ledger_feed::LedgerFeed;
use crate::runtime::stages::Progress;
use crate::telemetry::traces::{self, Ended, Kind};
pub use answers::AnswerInFlight;
use answers::AnswersInFlight;
pub use beginning::Beginning;
use listeners::Listeners;
use replay::Replays;
use store::{Store, StoreError};
pub use stream_event::{
    AnswerProgress, AnswerStep, ChangedRows, DocumentState, LedgerEvent, Listener, StreamEvent, ended_answer,
};

/// Erasures that wait for a slow stream. A stream that lags further behind ends, and its client reconnects.
const ERASURES: usize = 64;
/// The most events taken from the feed at once.
const BATCH: usize = 1_000;
/// Time that a listener waits for the process to find its position in the ledger.
const PLACE_TIMEOUT: Duration = Duration::from_secs(5);
/// Delays while the store is away.
const RETRY: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(5));

/// Live state of one process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Live {
    store: Store,
    nats: Client,
    subjects: Subjects,
    reads: ReadCache,
    read_position: watch::Sender<Position>,
    /// The highest position that the read models are known to have reached, by an announcement or by a query.
    level: Arc<AtomicU64>,
    /// Whether the position from which events are delivered is known.
    placed: watch::Sender<bool>,
    erased: broadcast::Sender<UserId>,
    replays: Arc<Replays>,
    state: Arc<Mutex<LiveState>>,
}

#[derive(Debug, Default)]
struct LiveState {
    position: Position,
    answers: AnswersInFlight,
    listeners: Listeners,
}

impl Live {
    /// Empty state; [`Self::run`] fills it.
    pub fn new(store: Store, nats: Client, subjects: Subjects) -> Self {
        let (reads, read_position) = (ReadCache::default(), watch::Sender::new(Position(0)));
        let placed = watch::Sender::new(false);
        let (level, erased) = (Arc::default(), broadcast::Sender::new(ERASURES));
        let (replays, state) = (Arc::new(Replays::default()), Arc::default());
        Self { store, nats, subjects, reads, read_position, level, placed, erased, replays, state }
    }

    /// Cached reads, dropped as the read models change.
    pub const fn reads(&self) -> &ReadCache {
        &self.reads
    }

    /// Whether changes of read models arrive, so that cached reads may be served.
    pub fn is_subscribed(&self) -> bool {
        self.nats.connection_state() == State::Connected
    }

    /// The last announced position of the read models.
    pub fn read_position(&self) -> watch::Receiver<Position> {
        self.read_position.subscribe()
    }

    /// Whether the read models are known to have reached a position.
    pub fn is_level(&self, position: Position) -> bool {
        self.level.load(Ordering::Acquire) >= position.0
    }

    /// Notes a position that a query saw. Unlike an announcement, it does not deliver changes to listeners.
    pub fn observe_level(&self, position: Position) {
        self.level.fetch_max(position.0, Ordering::AcqRel);
    }

    /// Starts a listener for an owner. `None` if the position in the ledger is not known in time, which needs
    /// the store.
    pub async fn listen(&self, owner: UserId) -> Option<Listener> {
        let mut placed = self.placed.subscribe();
        tokio::time::timeout(PLACE_TIMEOUT, placed.wait_for(|placed| *placed)).await.ok()?.ok()?;
        let mut state = self.state();
        let events = state.listeners.add(owner);
        let position = state.position;
        // Before the first announcement the read models are assumed to be level.
        let projected = match *self.read_position.borrow() {
            Position(0) => position,
            announced => announced.min(position),
        };
        Some(Listener { events, position, projected, answers: state.answers.of(owner) })
    }

    /// The text of an answer so far, with the sources it cites; empty if the answer is not being written.
    pub fn so_far(&self, answer: AnswerRef) -> Answer {
        self.state().answers.so_far(answer)
    }

    /// Follows events, answers, read models and documents until cancelled, then lets all listeners go.
    pub async fn run(&self, cancel: CancellationToken) {
        tokio::select! {
            () = self.follow_events() => {}
            () = self.follow_answers() => {}
            () = self.run_replays() => {}
            () = self.follow_read_models() => {}
            () = self.follow_documents() => {}
            () = cancel.cancelled() => {}
        }
        self.state().listeners.clear();
    }

    fn state(&self) -> std::sync::MutexGuard<'_, LiveState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn follow_events(&self) {
        loop {
            let feed = self.start_at_head().await;
            self.follow(feed).await;
            // The database went back in time: clients resume from what the ledger has now.
            self.state().listeners.clear();
            self.level.store(0, Ordering::Release);
            self.read_position.send_replace(Position(0));
            self.reads.all_changed();
        }
    }

    /// A feed from the head of the ledger on. Waits while the store is away.
    async fn start_at_head(&self) -> LedgerFeed {
        let mut retry = RETRY;
        loop {
            match self.store.ledger_head().await {
                Ok((head, _)) => {
                    self.state().position = head;
                    self.placed.send_replace(true);
                    let feed = LedgerFeed::new(self.store.clone(), self.nats.clone(), &self.subjects, head);
                    return feed.traced();
                }
                Err(error) => {
                    tracing::warn!(error = %ErrorChain(&error), "the head of the ledger could not be read");
                    retry.wait().await;
                }
            }
        }
    }

    /// Delivers events for as long as the ledger keeps its history.
    async fn follow(&self, mut feed: LedgerFeed) {
        let (mut retry, mut unsent, progress) = (RETRY, Vec::new(), Progress::of("live"));
        progress.ok();
        loop {
            let result = async {
                if unsent.is_empty() {
                    unsent = progress.waiting(feed.next_readable(BATCH)).await?;
                }
                let traced = feed.take_traces();
                self.deliver_events(&mut unsent, &traced).await
            };
            match result.await {
                Ok(()) => {
                    progress.ok();
                    retry.reset();
                }
                Err(error @ StoreError::AnotherHistory { .. }) => {
                    tracing::error!(error = %ErrorChain(&error), "the ledger is followed from its present head");
                    return;
                }
                Err(error) => {
                    tracing::warn!(error = %ErrorChain(&error), "following the ledger was interrupted and is retried");
                    progress.failing(ErrorChain(&error));
                    retry.wait().await;
                }
            }
        }
    }

    /// Delivers a batch of events. Only events with a listener are decrypted.
    async fn deliver_events(
        &self,
        batch: &mut Vec<RecordedEvent>,
        traced: &[(Position, String)],
    ) -> Result<(), StoreError> {
        let Some(last) = batch.last().map(|event| event.position) else {
            return Ok(());
        };
        let began = SystemTime::now();
        let mut decrypted: Vec<RecordedEvent> = {
            let state = self.state();
            batch.iter().filter(|event| state.listeners.has(event.owner)).cloned().collect()
        };
        if !decrypted.is_empty() {
            self.store.decrypt_events(&mut decrypted).await?;
        }
        let delivered: Vec<Position> = decrypted.iter().map(|event| event.position).collect();
        let mut state = self.state();
        for event in batch.drain(..) {
            state.answers.take_event(&event);
            if matches!(event.event, Event::Conversation(ConversationEvent::ConversationErased)) {
                let subject = Subject::Conversation(event.aggregate_id);
                self.store.keyring().forget(&[(event.owner, subject)]);
            }
            if let Event::Account(AccountEvent::AccountErasureRequested { .. }) = event.event {
                self.forget(event.owner);
            }
            // A listener that was added after the batch was filtered starts before it.
            if let Some(opened) = decrypted.iter().position(|decrypted| decrypted.position == event.position)
            {
                let opened = Arc::new(LedgerEvent::new(decrypted.swap_remove(opened)));
                state.listeners.deliver(event.owner, &StreamEvent::Event(opened));
            } else if state.listeners.has(event.owner) {
                state.listeners.disconnect(event.owner);
            }
        }
        state.position = last;
        drop(state);
        for (_, traceparent) in traced.iter().filter(|(position, _)| delivered.contains(position)) {
            let (name, parent) = ("deliver".to_owned(), Some(traceparent.as_str()));
            traces::record(Ended { name, kind: Kind::Internal, parent, began, failed: false }, []);
        }
        Ok(())
    }

    /// Subject names.
    pub const fn subjects(&self) -> &Subjects {
        &self.subjects
    }
}
