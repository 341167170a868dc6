//! One client's stream: what it has received, and what comes next.

use aggregates::conversation::{Conversation, ConversationEvent};
use aggregates::{ConversationId, Event, Position, RecordedEvent, UserId, Version};
use axum::response::sse;
use serde::Serialize;
use tokio::sync::mpsc;

use super::conversation_row;
use super::finished::{finished_message, question_message};
use super::resume::Received;
use crate::api::live::{AnswerInFlight, AnswerProgress, AnswerStep, Listener, StreamEvent, ended_answer};
use store::{Store, StoreError};

/// Events read from the ledger at once while catching up.
const PAGE: u32 = 500;

/// Why a stream ends. The client comes back and resumes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    /// The client is gone.
    #[error("reach the client")]
    Gone,
    /// What comes next cannot be read now.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A message cannot be written.
    #[error("write a message: {0}")]
    Unwritable(#[from] axum::Error),
}

/// Where a stream begins.
#[derive(Debug)]
pub(crate) enum Beginning {
    /// After what the client says it has received.
    Resumed(Received),
    /// With the conversation as it is: the event that ended its newest answer, if that has ended, and its version.
    Conversation { version: Version, ended: Option<Box<RecordedEvent>> },
    /// With what is being written now.
    Now,
}

/// One client's stream.
pub(crate) struct Session {
    pub(crate) store: Store,
    pub(crate) owner: UserId,
    /// One conversation, or all of the owner's.
    pub(crate) only: Option<ConversationId>,
    pub(crate) received: Received,
    /// Events of the conversation up to here are told by how the stream began.
    pub(crate) told: Version,
    pub(crate) out: mpsc::Sender<sse::Event>,
}

#[derive(Serialize)]
struct Started {
    conversation_id: ConversationId,
    answer_id: aggregates::AnswerId,
    question_id: aggregates::QuestionId,
    attempt: u32,
}

#[derive(Serialize)]
struct Found<'a> {
    conversation_id: ConversationId,
    answer_id: aggregates::AnswerId,
    attempt: u32,
    sources: &'a [aggregates::conversation::Citation],
}

#[derive(Serialize)]
struct Delta<'a> {
    conversation_id: ConversationId,
    answer_id: aggregates::AnswerId,
    attempt: u32,
    offset: usize,
    text: &'a str,
}

impl Session {
    /// Tells the client everything until it is gone, or lags too far behind.
    pub(crate) async fn run(mut self, beginning: Beginning, mut listening: Listener) -> Result<(), Ended> {
        self.begin(beginning, &listening).await?;
        while let Some(happening) = listening.events.recv().await {
            match happening {
                StreamEvent::Event(event) => self.event(&event).await?,
                StreamEvent::Live(live) => self.live(&live).await?,
                StreamEvent::Document(id, progress) => self.progress(id, progress).await?,
                StreamEvent::Projected(position, changed) => self.rows(position, &changed).await?,
            }
        }
        Ok(())
    }

    async fn begin(&mut self, beginning: Beginning, listening: &Listener) -> Result<(), Ended> {
        match beginning {
            Beginning::Resumed(received) => {
                self.received = received;
                self.catch_up(listening.position).await?;
            }
            Beginning::Conversation { version, ended } => {
                self.received.events = listening.position;
                self.received.rows = listening.projected;
                self.told = version;
                if let Some(event) = ended {
                    self.tell(&event).await?;
                }
            }
            Beginning::Now => {
                self.received.events = listening.position;
                self.received.rows = listening.projected;
            }
        }
        for answer in &listening.answers {
            if self.concerns(answer.conversation_id) {
                self.in_flight(answer).await?;
            }
        }
        Ok(())
    }

    /// Reads from the ledger what happened since the client was last here.
    async fn catch_up(&mut self, up_to: Position) -> Result<(), Ended> {
        let mut changed: Vec<ConversationId> = Vec::new();
        let mut after = self.received.events.min(self.received.rows);
        let projected = projections::lowest_checkpoint(self.store.pool()).await.map_err(StoreError::from)?;
        while after < up_to {
            let mut events = self.store.owner_events_between(self.owner, after, up_to, PAGE).await?;
            let Some(last) = events.last().map(|event| event.position) else { break };
            self.store.open(&mut events).await?;
            for event in &events {
                if let Some(id) = conversation_of(event).filter(|id| self.concerns(*id)) {
                    if event.position > self.received.rows && !changed.contains(&id) {
                        changed.push(id);
                    }
                    self.event(event).await?;
                } else if matches!(event.event, Event::Document(_)) {
                    self.event(event).await?;
                }
            }
            after = last;
        }
        self.received.events = self.received.events.max(up_to);
        self.rows(projected.max(self.received.rows), &changed).await
    }

    fn concerns(&self, conversation: ConversationId) -> bool {
        self.only.is_none_or(|only| only == conversation)
    }

    /// Takes an event of the ledger in, in its order; one that is known already says nothing.
    async fn event(&mut self, event: &RecordedEvent) -> Result<(), Ended> {
        if event.position <= self.received.events {
            return Ok(());
        }
        self.received.events = event.position;
        let told = self.only.is_some() && event.sequence <= self.told;
        if matches!(event.event, Event::Document(_)) && self.only.is_none() {
            return self.document(event).await;
        }
        match conversation_of(event) {
            Some(id) if self.concerns(id) && !told => self.tell(event).await,
            _ => Ok(()),
        }
    }

    async fn tell(&mut self, event: &RecordedEvent) -> Result<(), Ended> {
        let Event::Conversation(happened) = &event.event else { return Ok(()) };
        let name = match happened {
            ConversationEvent::QuestionAsked { .. } => "question",
            ConversationEvent::AnswerCompleted { .. } => "answer.completed",
            ConversationEvent::AnswerStopped { .. } => "answer.stopped",
            ConversationEvent::AnswerFailed { .. } => "answer.failed",
            // What else happens shows in the conversation's row.
            ConversationEvent::ConversationStarted { .. }
            | ConversationEvent::AnswerRequested { .. }
            | ConversationEvent::AnswerRated { .. }
            | ConversationEvent::ConversationRenamed { .. }
            | ConversationEvent::ConversationPinned
            | ConversationEvent::ConversationUnpinned
            | ConversationEvent::ConversationArchived
            | ConversationEvent::ConversationUnarchived
            | ConversationEvent::ConversationTagged { .. }
            | ConversationEvent::ConversationDeleted { .. }
            | ConversationEvent::ConversationRestored
            | ConversationEvent::ConversationErased => return Ok(()),
        };
        if let Some(answer_id) = ended_answer(event) {
            self.received.answers.remove(&answer_id);
        }
        let conversation = self.conversation_at(event).await?;
        let message =
            question_message(event, &conversation).or_else(|| finished_message(event, &conversation));
        match message {
            Some(message) => self.send(name, &message).await,
            None => Ok(()),
        }
    }

    /// The conversation, at least as far as the event.
    async fn conversation_at(&self, event: &RecordedEvent) -> Result<Conversation, StoreError> {
        let conversations = self.store.conversations();
        let known = conversations.current(event.aggregate_id).await?;
        if known.version() >= event.sequence {
            return Ok(known);
        }
        conversations.forget(event.aggregate_id);
        conversations.current(event.aggregate_id).await
    }

    /// Tells of an answer that was being written when the stream began: what the client lacks of it.
    async fn in_flight(&mut self, answer: &AnswerInFlight) -> Result<(), Ended> {
        let begun = AnswerProgress {
            conversation_id: answer.conversation_id,
            question_id: answer.question_id,
            answer_id: answer.answer_id,
            attempt: answer.attempt,
            step: AnswerStep::Started,
        };
        let known = self.received.answers.get(&answer.answer_id).is_some_and(|(attempt, bytes)| {
            *attempt == answer.attempt && answer.text.get(*bytes..).is_some()
        });
        if !known {
            self.received.answers.remove(&answer.answer_id);
            self.live(&begun).await?;
            if let Some(sources) = &answer.sources {
                self.live(&AnswerProgress { step: AnswerStep::Sources(sources.clone()), ..begun }).await?;
            }
        }
        if answer.text.is_empty() {
            return Ok(());
        }
        let step = AnswerStep::Delta { offset: 0, text: answer.text.clone() };
        self.live(&AnswerProgress { step, ..begun }).await
    }

    async fn live(&mut self, live: &AnswerProgress) -> Result<(), Ended> {
        let AnswerProgress { conversation_id, question_id, answer_id, attempt, .. } = *live;
        if !self.concerns(conversation_id) {
            return Ok(());
        }
        let known = self.received.answers.get(&answer_id).copied().filter(|(known, _)| *known >= attempt);
        match (&live.step, known) {
            (AnswerStep::Started, None) => {
                self.received.answers.insert(answer_id, (attempt, 0));
                self.send("answer.started", &Started { conversation_id, answer_id, question_id, attempt })
                    .await
            }
            (AnswerStep::Sources(sources), _) => {
                self.send("answer.sources", &Found { conversation_id, answer_id, attempt, sources }).await
            }
            (AnswerStep::Delta { offset, text }, Some((known, bytes))) if known == attempt => {
                match text.get(bytes.saturating_sub(*offset)..) {
                    Some(new) if !new.is_empty() && bytes >= *offset => {
                        self.received.answers.insert(answer_id, (attempt, bytes + new.len()));
                        let delta = Delta { conversation_id, answer_id, attempt, offset: bytes, text: new };
                        self.send("answer.delta", &delta).await
                    }
                    _ => Ok(()),
                }
            }
            (AnswerStep::Started | AnswerStep::Delta { .. }, _) => Ok(()),
        }
    }

    /// Tells how the rows of conversations look now that the read models are at a position.
    async fn rows(&mut self, position: Position, changed: &[ConversationId]) -> Result<(), Ended> {
        if position < self.received.rows {
            return Ok(());
        }
        self.received.rows = position;
        for id in changed.iter().filter(|id| self.concerns(**id)) {
            let row = conversation_row(&self.store, self.owner, *id).await?;
            self.send("conversation", &row).await?;
        }
        Ok(())
    }

    pub(crate) async fn send<T: Serialize + Sync>(&self, name: &str, data: &T) -> Result<(), Ended> {
        let event = sse::Event::default().event(name).id(self.received.to_string()).json_data(data)?;
        self.out.send(event).await.map_err(|_| Ended::Gone)
    }
}

fn conversation_of(event: &RecordedEvent) -> Option<ConversationId> {
    matches!(event.event, Event::Conversation(_)).then(|| ConversationId::new(event.aggregate_id))
}
