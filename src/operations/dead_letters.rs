//! Decisions on dead letters: the work is done again, or stays undone.

use std::time::Duration;

use aggregates::conversation::{
    Conversation, ConversationCommand, ConversationEvent, ConversationRefused, Intent,
};
use aggregates::operation::{DeadLetterKind, DeadLetterOutcome};
use aggregates::{
    Actor, AggregateType, AnswerId, AnswerRef, ConversationId, Event, Metadata, UserId, Version,
};
use async_nats::Client;
use bytes::Bytes;
use chrono::Utc;
use nats::Subjects;
use uuid::Uuid;

use crate::runtime::hint::send_hint;
use crate::runtime::operation_journal::record_noted;
use crate::runtime::wake::SequencerWake;
use store::{AnswerRequest, DeadLetter, ExecuteError, Store, StoreError};

/// Time limit of a hint.
const HINT_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a decision was not carried out. The letter stays.
#[derive(Debug, thiserror::Error)]
pub enum NotDecided {
    /// There is no such letter.
    #[error("dead letter not found")]
    NotFound,
    /// The message that was delivered is no event of the ledger.
    #[error("the letter names no event of the ledger; it can only be discarded")]
    NoEvent,
    /// The conversation accepts no further answer.
    #[error("the conversation accepts no further answer")]
    Refused(#[from] ConversationRefused),
    /// The store failed, or still cannot read what the letter is about.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ExecuteError<ConversationRefused>> for NotDecided {
    fn from(error: ExecuteError<ConversationRefused>) -> Self {
        match error {
            ExecuteError::Refused(refused) => Self::Refused(refused),
            ExecuteError::Store(error) => Self::Store(error),
        }
    }
}

/// Decisions on dead letters.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    /// Event store.
    pub store: Store,
    /// Connection to NATS.
    pub nats: Client,
    /// Subject names.
    pub subjects: Subjects,
    /// Wakes the sequencer.
    pub wake: SequencerWake,
}

impl DeadLetters {
    /// Has the work of a letter done again and records that as an event. A pending answer is queued again. To
    /// the question of an answer that ended as failed, one more answer is requested, as its owner could.
    pub async fn retry(&self, id: Uuid) -> Result<(), NotDecided> {
        let letter = self.store.dead_letter(id).await?.ok_or(NotDecided::NotFound)?;
        match letter.kind {
            DeadLetterKind::Answer => {
                let (conversation, answer) = (letter.aggregate_id, AnswerId::new(letter.subject_id));
                self.request_answer(letter.owner, conversation, answer, letter.sequence).await?;
            }
            DeadLetterKind::Delivery => self.redeliver(&letter).await?,
            // A worker has what it takes. It ends the letter.
            DeadLetterKind::Document => {
                self.store.want_retry(id).await?;
                self.hint(self.subjects.wake_indexers()).await;
                return Ok(());
            }
        }
        self.end(&letter, DeadLetterOutcome::Retried).await
    }

    /// Leaves the work undone, and records that as an event.
    pub async fn discard(&self, id: Uuid) -> Result<(), NotDecided> {
        let letter = self.store.dead_letter(id).await?.ok_or(NotDecided::NotFound)?;
        self.end(&letter, DeadLetterOutcome::Discarded).await
    }

    async fn end(&self, letter: &DeadLetter, outcome: DeadLetterOutcome) -> Result<(), NotDecided> {
        if !self.store.end_dead_letter(letter, outcome).await? {
            return Err(NotDecided::NotFound);
        }
        Ok(record_noted(&self.store, &self.wake).await?)
    }

    async fn redeliver(&self, letter: &DeadLetter) -> Result<(), NotDecided> {
        let before = Version(letter.sequence.0.checked_sub(1).ok_or(NotDecided::NoEvent)?);
        let id = letter.aggregate_id;
        let entries = self.store.aggregate_entries(AggregateType::Conversation, id, before, 1).await?;
        let entry = entries.first().ok_or(NotDecided::NoEvent)?;
        let recorded = entry.event.read(entry.position)?;
        match recorded.event {
            Event::Conversation(ConversationEvent::AnswerRequested { answer_id, .. }) => {
                self.request_answer(recorded.owner, id, answer_id, recorded.sequence).await
            }
            _ => Err(NotDecided::NoEvent),
        }
    }

    async fn request_answer(
        &self,
        owner: UserId,
        conversation: Uuid,
        answer_id: AnswerId,
        sequence: Version,
    ) -> Result<(), NotDecided> {
        let current: Conversation = self.store.conversations().latest(conversation).await?;
        let answer = current.answer(answer_id).filter(|_| current.owner() == Some(owner));
        let answer = answer.ok_or(NotDecided::NoEvent)?;
        if answer.status.has_ended() {
            let intent = Intent::Regenerate {
                question_id: answer.question_id,
                answer_id: AnswerId::new(Uuid::now_v7()),
                model: None,
            };
            let command = ConversationCommand { by: Actor::System, at: Utc::now(), expected: None, intent };
            let metadata = Metadata {
                owner,
                actor: Actor::System,
                correlation_id: Uuid::now_v7(),
                causation_id: None,
                traceparent: None,
            };
            self.store.conversations().execute(conversation, command, &metadata, None).await?;
            self.wake.notify();
            return Ok(());
        }
        let answer = AnswerRef { owner, conversation_id: ConversationId::new(conversation), answer_id };
        self.store.queue_answers(&[AnswerRequest { answer, sequence }]).await?;
        self.hint(self.subjects.wake_workers()).await;
        Ok(())
    }

    async fn hint(&self, subject: String) {
        send_hint(&self.nats, subject, Bytes::new(), HINT_TIMEOUT).await;
        // The process ends soon, and the message with it if it is not sent.
        let _ = tokio::time::timeout(HINT_TIMEOUT, self.nats.flush()).await;
    }
}
