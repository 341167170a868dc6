//! One stream: what the client has received, and which event comes next.

use std::collections::{BTreeSet, HashMap};

use aggregates::conversation::{Conversation, ConversationEvent};
use aggregates::{ConversationId, Event, Position, RecordedEvent, UserId, Version};

use super::document_row::document_row;
use super::event::{
    ClientEvent, ConversationChanged, ConversationDeleted, DocumentChanged, DocumentProgress, True,
};
use super::messages::{ended_message, question_message};
use super::resume::Received;
use super::task::{EventSender, StreamError};
use crate::api::live::{ChangedRows, LedgerEvent, Listener, StreamEvent, ended_answer};
use crate::api::routes::conversations;
use projections::conversations::ConversationRow;
use projections::messages::Message;
use projections::{ReadModel, quarantine};
use store::{Store, StoreError};

/// Events that are read from the ledger in one round trip.
const PAGE: u32 = 64;
/// Rows of conversations that are read in one round trip.
const ROWS: usize = 200;

/// Start of a stream.
#[derive(Debug)]
pub(super) enum Start {
    /// After the events that the client has received.
    Resume(Received),
    /// With the state of a conversation: its version, and the event that ended its newest answer, if the
    /// answer has ended.
    Conversation { version: Version, ended: Option<Box<RecordedEvent>> },
    /// With the answers that are being written.
    Now,
}

/// The state of one stream.
#[derive(Debug)]
pub(super) struct Session {
    store: Store,
    owner: UserId,
    /// The only conversation of the stream; `None` if it carries all data of the owner.
    only: Option<ConversationId>,
    pub(super) received: Received,
    /// Events of the conversation up to this version are covered by the start of the stream.
    covered: Version,
    sender: EventSender,
}

impl Session {
    pub(super) fn new(
        store: Store,
        owner: UserId,
        only: Option<ConversationId>,
        sender: EventSender,
    ) -> Self {
        Self { store, owner, only, received: Received::default(), covered: Version(0), sender }
    }

    /// Sends events until the client closes the stream or lags too far behind.
    pub(super) async fn run(mut self, start: Start, mut listener: Listener) -> Result<(), StreamError> {
        self.start(start, &listener).await?;
        while let Some(event) = listener.events.next().await {
            match event {
                StreamEvent::Event(event) => self.take_event(&event).await?,
                StreamEvent::Live(step) => self.take_step(&step).await?,
                StreamEvent::Document(id, progress) => {
                    if self.only.is_none() {
                        let crate::knowledge::indexing::Progress { stage, done, total } = progress;
                        let progress = DocumentProgress { id, stage, done, total };
                        self.send(&ClientEvent::DocumentProgress(progress)).await?;
                    }
                }
                StreamEvent::Projected(position, changed) => self.send_rows(position, &changed).await?,
            }
        }
        Ok(())
    }

    async fn start(&mut self, start: Start, listener: &Listener) -> Result<(), StreamError> {
        match start {
            Start::Resume(received) => {
                self.received = received;
                self.catch_up(listener.position).await?;
            }
            Start::Conversation { version, ended } => {
                self.received.events = listener.position;
                self.received.rows = listener.projected;
                self.covered = version;
                if let Some(event) = ended {
                    self.send_message(&LedgerEvent::new(*event)).await?;
                }
            }
            Start::Now => {
                self.received.events = listener.position;
                self.received.rows = listener.projected;
            }
        }
        for answer in &listener.answers {
            if self.carries(answer.answer.conversation_id) {
                self.send_missing(answer).await?;
            }
        }
        Ok(())
    }

    /// Sends the events of the ledger that the client has missed.
    async fn catch_up(&mut self, up_to: Position) -> Result<(), StreamError> {
        let mut changed: BTreeSet<ConversationId> = BTreeSet::new();
        let mut after = self.received.events.min(self.received.rows);
        let projected =
            projections::lowest_checkpoint(self.store.read_models()).await.map_err(StoreError::from_query)?;
        while after < up_to {
            let events = self.store.owner_events_between(self.owner, self.only, after, up_to, PAGE);
            let mut events = events.await?;
            let Some(last) = events.last().map(|event| event.position) else { break };
            self.store.decrypt_events(&mut events).await?;
            for event in events {
                if let Some(id) = conversation_of(&event).filter(|id| self.carries(*id)) {
                    if event.position > self.received.rows {
                        changed.insert(id);
                    }
                    self.take_event(&LedgerEvent::new(event)).await?;
                } else if matches!(event.event, Event::Document(_)) {
                    self.take_event(&LedgerEvent::new(event)).await?;
                }
            }
            after = last;
        }
        self.received.events = self.received.events.max(up_to);
        let changed: Vec<ConversationId> = changed.into_iter().collect();
        for ids in changed.chunks(ROWS) {
            self.send_rows(projected.max(self.received.rows), &ChangedRows::new(ids.to_vec())).await?;
        }
        self.received.rows = self.received.rows.max(projected);
        Ok(())
    }

    /// Whether the stream carries a conversation.
    pub(super) fn carries(&self, conversation: ConversationId) -> bool {
        self.only.is_none_or(|only| only == conversation)
    }

    /// Sends what an event of the ledger leads to. An event that the client has received leads to nothing.
    async fn take_event(&mut self, ledger_event: &LedgerEvent) -> Result<(), StreamError> {
        let event = &ledger_event.recorded;
        if event.position <= self.received.events {
            return Ok(());
        }
        self.received.events = event.position;
        if matches!(event.event, Event::Document(_)) && self.only.is_none() {
            let changed =
                ledger_event.document.get_or_try_init(|| document_row(&self.store, self.owner, event));
            return match DocumentChanged::of(event, changed.await?.clone()) {
                Some(changed) => self.send(&ClientEvent::Document(changed)).await,
                None => Ok(()),
            };
        }
        let is_covered = self.only.is_some() && event.sequence <= self.covered;
        match conversation_of(event) {
            Some(id) if self.carries(id) && !is_covered => self.send_message(ledger_event).await,
            _ => Ok(()),
        }
    }

    /// Sends the message of a question that was asked or an answer that ended.
    async fn send_message(&mut self, ledger_event: &LedgerEvent) -> Result<(), StreamError> {
        let event = &ledger_event.recorded;
        let Event::Conversation(conversation_event) = &event.event else { return Ok(()) };
        if let Some(ended) = ended_answer(event) {
            self.received.answers.remove(&(ended.conversation_id, ended.answer_id));
        }
        let client_event: fn(_) -> ClientEvent<'static> = match conversation_event {
            ConversationEvent::QuestionAsked { .. } => ClientEvent::Question,
            ConversationEvent::AnswerCompleted { .. } => ClientEvent::AnswerCompleted,
            ConversationEvent::AnswerStopped { .. } => ClientEvent::AnswerStopped,
            ConversationEvent::AnswerFailed { .. } => ClientEvent::AnswerFailed,
            // Shown by the row of the conversation.
            ConversationEvent::ConversationStarted { .. }
            | ConversationEvent::AnswerRequested { .. }
            | ConversationEvent::AnswerRated { .. }
            | ConversationEvent::ConversationRenamed { .. }
            | ConversationEvent::ConversationPinned
            | ConversationEvent::ConversationUnpinned
            | ConversationEvent::ConversationArchived
            | ConversationEvent::ConversationUnarchived
            | ConversationEvent::ConversationTagged { .. }
            | ConversationEvent::ConversationInstructed { .. }
            | ConversationEvent::TokensSpent { .. }
            | ConversationEvent::ConversationDeleted { .. }
            | ConversationEvent::ConversationRestored
            | ConversationEvent::ConversationErased => return Ok(()),
        };
        let message = ledger_event.message.get_or_try_init(|| self.message_of(event)).await?;
        match message {
            Some(message) => self.send(&client_event(Box::new(message.clone()))).await,
            None => Ok(()),
        }
    }

    async fn message_of(&self, event: &RecordedEvent) -> Result<Option<Message>, StoreError> {
        let conversation = self.conversation_at(event).await?;
        Ok(question_message(event, &conversation).or_else(|| ended_message(event, &conversation)))
    }

    /// The conversation, at the version of the event or later.
    async fn conversation_at(&self, event: &RecordedEvent) -> Result<Conversation, StoreError> {
        self.store.conversations().at_least(event.aggregate_id, event.sequence).await
    }

    /// Sends the rows of conversations, now that the read models have reached a position.
    async fn send_rows(&mut self, position: Position, changed: &ChangedRows) -> Result<(), StreamError> {
        if position < self.received.rows {
            return Ok(());
        }
        self.received.rows = position;
        if !changed.ids.iter().any(|id| self.carries(*id)) {
            return Ok(());
        }
        let rows = changed.rows.get_or_try_init(|| self.read_rows(&changed.ids)).await?;
        for id in changed.ids.iter().copied().filter(|id| self.carries(*id)) {
            let changed = match rows.get(&id) {
                Some(Some(row)) => ConversationChanged::Row(Box::new(row.clone())),
                // Neither changed nor deleted: there is nothing to tell until the quarantine ends.
                Some(None) => continue,
                None => ConversationChanged::Deleted(ConversationDeleted { id, deleted: True }),
            };
            self.send(&ClientEvent::Conversation(changed)).await?;
        }
        Ok(())
    }

    /// The rows of conversations; `None` for those that are quarantined.
    async fn read_rows(
        &self,
        ids: &[ConversationId],
    ) -> Result<HashMap<ConversationId, Option<ConversationRow>>, StoreError> {
        let mut rows = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(ROWS) {
            let read = conversations::rows(&self.store, self.owner, ids).await?;
            rows.extend(read.into_iter().map(|row| (row.id, Some(row))));
        }
        let missing: Vec<_> = ids.iter().filter(|id| !rows.contains_key(id)).map(|id| id.uuid()).collect();
        if !missing.is_empty() {
            let executor = self.store.read_models();
            let held =
                quarantine::quarantined_among(executor, self.owner, &missing, ReadModel::Conversations);
            let held = held.await.map_err(StoreError::from_query)?;
            rows.extend(held.into_iter().map(|id| (ConversationId::new(id), None)));
        }
        Ok(rows)
    }

    /// Sends an event. Its id is what the client has received with it.
    pub(super) async fn send(&self, event: &ClientEvent<'_>) -> Result<(), StreamError> {
        self.sender.send(event.encode(self.received.to_string())?).await
    }
}

fn conversation_of(event: &RecordedEvent) -> Option<ConversationId> {
    matches!(event.event, Event::Conversation(_)).then(|| ConversationId::new(event.aggregate_id))
}
