//! The hub: what one api process knows of the present. It holds the answers being written and tells each listener what
//! happens to its owner: events in the order of the ledger, deltas as they come, read models as they change.
//!
//! It decides nothing and stores nothing: after a restart it is what the ledger and the live stream make it.

mod answers;
mod deltas;
mod documents;
mod erased;
mod listeners;
mod replay;
mod stream_event;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aggregates::account::AccountEvent;
use aggregates::conversation::{Answer, ConversationEvent};
use aggregates::{AnswerId, ConversationId, Event, Position, RecordedEvent, UserId};
use async_nats::Client;
use async_nats::connection::State;
use futures::StreamExt as _;
use nats::{Projected, Subjects};
use sealing::Subject;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::api::reads::cache::ReadCache;
use crate::runtime::ledger_feed::LedgerFeed;
pub use answers::AnswerInFlight;
use answers::AnswersInFlight;
use listeners::Listeners;
use store::{Store, StoreError};
pub use stream_event::{Happening, Listening, LiveHappening, LiveStep, ended_answer};

/// Happenings a listener may lag behind before it is let go; it comes back and resumes.
const LAG: usize = 1_024;
/// Erasures a stream may not have heard of yet; one that lags further behind ends and comes back.
const ERASURES: usize = 64;
/// Events taken from the feed at once.
const BATCH: usize = 1_000;
/// How long a listener waits for a hub that has just started.
const PLACE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an unreachable store or NATS is left alone.
const PAUSE: Duration = Duration::from_millis(500);

/// One process's present.
#[derive(Debug, Clone)]
pub struct Hub {
    store: Store,
    nats: Client,
    subjects: Subjects,
    reads: ReadCache,
    read_position: watch::Sender<Position>,
    /// The furthest the read models are known to have come, by an announcement or by a look at them.
    level: Arc<AtomicU64>,
    /// Whether the place in the ledger from which events are told is known.
    placed: watch::Sender<bool>,
    erased: broadcast::Sender<UserId>,
    present: Arc<Mutex<Present>>,
}

#[derive(Debug, Default)]
struct Present {
    position: Position,
    answers: AnswersInFlight,
    listeners: Listeners,
}

impl Hub {
    /// A hub that knows nothing yet; `run` makes it listen.
    pub fn new(store: Store, nats: Client, subjects: Subjects) -> Self {
        let (reads, read_position) = (ReadCache::default(), watch::Sender::new(Position(0)));
        let placed = watch::Sender::new(false);
        let (level, erased) = (Arc::default(), broadcast::Sender::new(ERASURES));
        let present = Arc::default();
        Self { store, nats, subjects, reads, read_position, level, placed, erased, present }
    }

    /// The answered reads, dropped as the read models change.
    pub const fn reads(&self) -> &ReadCache {
        &self.reads
    }

    /// Whether changes of read models are heard of, so that answered reads may be served.
    pub fn hears(&self) -> bool {
        self.nats.connection_state() == State::Connected
    }

    /// How far the read models are, as far as it was announced.
    pub fn read_position(&self) -> watch::Receiver<Position> {
        self.read_position.subscribe()
    }

    /// Whether the read models are known to have come to a position.
    pub fn is_level(&self, position: Position) -> bool {
        self.level.load(Ordering::Acquire) >= position.0
    }

    /// The read models were seen to have come to a position. It is no announcement: some may be on their way.
    pub fn seen_level(&self, position: Position) {
        self.level.fetch_max(position.0, Ordering::AcqRel);
    }

    /// Begins to listen to what happens to an owner; `None` while the hub has not found its place in the ledger, which it
    /// cannot without the store.
    pub async fn listen(&self, owner: UserId) -> Option<Listening> {
        let mut placed = self.placed.subscribe();
        tokio::time::timeout(PLACE_TIMEOUT, placed.wait_for(|placed| *placed)).await.ok()?.ok()?;
        let (sender, happenings) = mpsc::channel(LAG);
        let mut present = self.present();
        present.listeners.add(owner, sender);
        let position = present.position;
        // Before the first announcement nobody knows; then they are taken to be level.
        let projected = match *self.read_position.borrow() {
            Position(0) => position,
            announced => announced.min(position),
        };
        Some(Listening { happenings, position, projected, answers: present.answers.of(owner) })
    }

    /// What has been written of an answer so far, with the sources it cites; nothing if it is not being written.
    pub fn so_far(&self, answer_id: AnswerId) -> Answer {
        self.present().answers.so_far(answer_id)
    }

    /// Listens until cancelled.
    pub async fn run(&self, cancel: CancellationToken) {
        tokio::select! {
            () = self.follow_events() => {}
            () = self.follow_answers() => {}
            () = self.follow_read_models() => {}
            () = self.follow_documents() => {}
            () = cancel.cancelled() => {}
        }
        self.present().listeners.clear();
    }

    fn present(&self) -> std::sync::MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn follow_events(&self) {
        let mut feed = loop {
            match self.store.ledger_head().await {
                Ok((head, _)) => {
                    self.present().position = head;
                    self.placed.send_replace(true);
                    break LedgerFeed::new(self.store.clone(), self.nats.clone(), &self.subjects, head);
                }
                Err(error) => {
                    tracing::warn!(%error, "could not find the head of the ledger");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        let mut unsent = Vec::new();
        loop {
            let result = async {
                if unsent.is_empty() {
                    unsent = feed.next(BATCH).await?;
                }
                self.tell_events(&mut unsent).await
            };
            if let Err(error) = result.await {
                tracing::warn!(%error, "could not follow the ledger");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Tells listeners of a batch of events. Only what somebody listens to is opened.
    async fn tell_events(&self, batch: &mut Vec<RecordedEvent>) -> Result<(), StoreError> {
        let Some(last) = batch.last().map(|event| event.position) else {
            return Ok(());
        };
        let mut heard: Vec<RecordedEvent> = {
            let present = self.present();
            batch.iter().filter(|event| present.listeners.has(event.owner)).cloned().collect()
        };
        if !heard.is_empty() {
            self.store.open(&mut heard).await?;
        }
        let mut present = self.present();
        for event in batch.drain(..) {
            present.answers.take_event(&event);
            if matches!(event.event, Event::Conversation(ConversationEvent::ConversationErased)) {
                self.store.keyring().forget_content(Subject::Conversation(event.aggregate_id));
            }
            if let Event::Account(AccountEvent::AccountErasureRequested { .. }) = event.event {
                self.forget(event.owner);
            }
            // Somebody who came since the batch was filtered began at a position before it.
            if let Some(opened) = heard.iter().position(|heard| heard.position == event.position) {
                let opened = Arc::new(heard.swap_remove(opened));
                present.listeners.tell(event.owner, &Happening::Event(opened));
            } else if present.listeners.has(event.owner) {
                present.listeners.let_go(event.owner);
            }
        }
        present.position = last;
        Ok(())
    }

    /// The names of what is said over NATS.
    pub const fn subjects(&self) -> &Subjects {
        &self.subjects
    }

    async fn follow_read_models(&self) {
        loop {
            if let Ok(mut announcements) = self.nats.subscribe(self.subjects.projected()).await {
                loop {
                    match tokio::time::timeout(PAUSE, announcements.next()).await {
                        Ok(Some(message)) => {
                            if let Some(projected) = Projected::from_bytes(&message.payload) {
                                self.tell_projected(&projected);
                            }
                        }
                        Ok(None) => break,
                        Err(_) if self.hears() => {}
                        Err(_) => self.reads.all_changed(),
                    }
                }
            }
            self.reads.all_changed();
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn tell_projected(&self, projected: &Projected) {
        if projected.after > *self.read_position.borrow() {
            self.reads.all_changed();
        }
        for (owner, _) in &projected.changed {
            self.reads.changed(*owner);
        }
        self.seen_level(projected.position);
        self.read_position.send_replace(projected.position);
        let mut present = self.present();
        let mut rest = projected.changed.as_slice();
        while let Some((owner, _)) = rest.first() {
            let (same, others) = rest.split_at(rest.partition_point(|(other, _)| other <= owner));
            rest = others;
            if present.listeners.has(*owner) {
                let ids: Arc<[ConversationId]> = same.iter().map(|(_, id)| *id).collect();
                present.listeners.tell(*owner, &Happening::Projected(projected.position, ids));
            }
        }
    }
}
