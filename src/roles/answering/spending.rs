//! Records the tokens that an attempt at an answer took, where no completed answer tells them.

use std::time::Duration;

use aggregates::conversation::{AnswerStatus, ConversationEvent, RecordSpending, SpendingPurpose, Usage};
use aggregates::{Actor, AggregateType, AnswerRef, Event, Metadata, ModelName};
use rag::error_chain::ErrorChain;
use rag::generate::Meter;
use uuid::Uuid;

use super::failure::ATTEMPTS;
use super::processor::{AnswerProcessor, Job};
use super::record::Told;
use crate::language_models::{SpendingRecord, usage_of};
use store::{AnswerLease, StoreError};

/// Time for which recording is retried while the store is away.
const RECORD_WITHIN: Duration = Duration::from_secs(5);
/// The same while the process ends.
const RECORD_WITHIN_CLOSING: Duration = Duration::from_secs(1);

/// Tokens that were spent for an answer.
pub(super) struct Spent {
    pub(super) purpose: SpendingPurpose,
    /// The number of the attempt.
    pub(super) attempt: Option<u32>,
    pub(super) correlation_id: Uuid,
    pub(super) usage: Usage,
}

impl AnswerProcessor {
    /// Records the tokens of an attempt unless the completed answer tells them. After a longer outage of the
    /// store they are lost.
    pub(super) async fn record_attempt(&self, job: &Job, told: Told, meter: &Meter) {
        let is_told = match told {
            Told::Yes => true,
            Told::No => false,
            Told::Unknown => self.is_completed_by(&job.lease).await.unwrap_or_else(|error| {
                tracing::warn!(error = %ErrorChain(&error), answer.id = %job.lease.answer.answer_id, "tokens of an attempt may be lost");
                true
            }),
        };
        if let (false, Some(usage)) = (is_told, usage_of(meter)) {
            let spent = Spent {
                purpose: SpendingPurpose::Attempt,
                attempt: Some(job.lease.attempt),
                correlation_id: job.requested.correlation_id.unwrap_or(job.requested.event_id.uuid()),
                usage,
            };
            self.record_spending(job.lease.answer, job.asked.model.as_ref(), spent).await;
        }
    }

    /// Records tokens of the model that a question chose.
    pub(super) async fn record_spending(&self, answer: AnswerRef, model: Option<&ModelName>, spent: Spent) {
        let Some(model) = self.language_models.find(model) else { return };
        let spending = RecordSpending {
            answer_id: answer.answer_id,
            purpose: spent.purpose,
            attempt: spent.attempt,
            model: model.name().to_owned(),
            usage: spent.usage,
        };
        let metadata = Metadata {
            owner: answer.owner,
            actor: Actor::Worker,
            correlation_id: spent.correlation_id,
            causation_id: None,
            traceparent: None,
        };
        let record = SpendingRecord { conversation_id: answer.conversation_id, spending, metadata };
        let within = if self.closing.is_cancelled() { RECORD_WITHIN_CLOSING } else { RECORD_WITHIN };
        record.write(&self.store, &self.wake, within).await;
    }

    /// Whether the answer was completed by the attempt of this lease, so that its event tells the tokens.
    async fn is_completed_by(&self, lease: &AnswerLease) -> Result<bool, StoreError> {
        let AnswerRef { conversation_id, answer_id, .. } = lease.answer;
        let id = conversation_id.uuid();
        let conversation = self.store.conversations().latest(id).await?;
        let completed =
            conversation.answer(answer_id).filter(|answer| answer.status == AnswerStatus::Completed);
        let Some(completed) = completed else { return Ok(false) };
        let events = self.store.events_at(AggregateType::Conversation, id, &[completed.changed_at]).await?;
        let number = lease.attempt.min(ATTEMPTS);
        Ok(events.iter().any(|recorded| {
            matches!(&recorded.event, Event::Conversation(ConversationEvent::AnswerCompleted { attempt, .. })
                if *attempt == number)
        }))
    }
}
