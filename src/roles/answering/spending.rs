//! Records the tokens of language models that no completed answer counts: of attempts that were stopped, failed
//! or lost, of answers that became quotations, and of titles. Usage and budgets count them.

use std::time::Duration;

use aggregates::conversation::{ConversationCommand, Intent, RecordSpending, SpendingPurpose, Usage};
use aggregates::{Actor, AnswerRef, Metadata, ModelName};
use chrono::Utc;
use rag::error_chain::ErrorChain;
use rag::generate::Meter;
use store::ExecuteError;
use uuid::Uuid;

use super::processor::{AnswerProcessor, AttemptOutcome, Job};
use super::record::Ending;

/// Time for which recording is retried while the store is away, and the delays.
const RECORD_WITHIN: Duration = Duration::from_secs(5);
/// The same while the process ends.
const RECORD_WITHIN_CLOSING: Duration = Duration::from_secs(1);
const RECORD_PAUSE: Duration = Duration::from_millis(200);

/// Tokens that were spent for an answer.
pub(super) struct Spent {
    pub(super) purpose: SpendingPurpose,
    /// The number of the attempt.
    pub(super) attempt: Option<u32>,
    pub(super) correlation_id: Uuid,
}

impl AttemptOutcome {
    /// Whether the completed answer tells the tokens of the attempt.
    pub(super) fn counts_its_tokens(&self) -> bool {
        matches!(self, Self::Attempted(Ok(Ending::Answered(answered))) if answered.1.language_model.is_some())
    }
}

impl AnswerProcessor {
    /// Records the tokens of an attempt that no completed answer counts. After a longer outage of the store they
    /// are lost.
    pub(super) async fn record_attempt(&self, job: &Job, meter: &Meter) {
        let spent = Spent {
            purpose: SpendingPurpose::Attempt,
            attempt: Some(job.lease.attempt),
            correlation_id: job.requested.correlation_id.unwrap_or(job.requested.event_id.uuid()),
        };
        self.record_spending(job.lease.answer, job.asked.model.as_ref(), &spent, meter).await;
    }

    /// Records the tokens on a meter, if there are any, for the model that a question chose.
    pub(super) async fn record_spending(
        &self,
        answer: AnswerRef,
        model: Option<&ModelName>,
        spent: &Spent,
        meter: &Meter,
    ) {
        let total = meter.total();
        let usage = Usage { prompt_tokens: total.prompt_tokens, completion_tokens: total.completion_tokens };
        let Some(model) = self.chat_models.find(model).filter(|_| usage != Usage::default()) else { return };
        let spending = RecordSpending {
            answer_id: answer.answer_id,
            purpose: spent.purpose,
            attempt: spent.attempt,
            model: model.name().to_owned(),
            usage,
        };
        let metadata = Metadata {
            owner: answer.owner,
            actor: Actor::Worker,
            correlation_id: spent.correlation_id,
            causation_id: None,
            traceparent: None,
        };
        let limit = if self.closing.is_cancelled() { RECORD_WITHIN_CLOSING } else { RECORD_WITHIN };
        let recorded = tokio::time::timeout(limit, self.spend(answer, spending, &metadata)).await;
        match recorded {
            Ok(Ok(())) => self.wake.notify(),
            Ok(Err(error)) => {
                tracing::warn!(error, answer.id = %answer.answer_id, "spent tokens could not be recorded");
            }
            Err(_) => {
                tracing::warn!(answer.id = %answer.answer_id, "spent tokens could not be recorded in time");
            }
        }
    }

    async fn spend(
        &self,
        answer: AnswerRef,
        spending: RecordSpending,
        metadata: &Metadata,
    ) -> Result<(), String> {
        loop {
            let intent = Intent::RecordSpending(spending.clone());
            let command = ConversationCommand { by: Actor::Worker, at: Utc::now(), expected: None, intent };
            let id = answer.conversation_id.uuid();
            match self.store.conversations().execute(id, command, metadata, None).await {
                Ok(_) => return Ok(()),
                Err(ExecuteError::Store(error)) if error.is_unavailable() => {
                    tokio::time::sleep(RECORD_PAUSE).await;
                }
                Err(error) => return Err(ErrorChain(&error).to_string()),
            }
        }
    }
}
