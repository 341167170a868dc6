//! Records the tokens of language models that no completed answer counts: of attempts that were stopped, failed
//! or lost, of answers that became quotations, of titles and of suggestions. Usage and budgets count them.

use std::time::Duration;

use aggregates::conversation::{ConversationCommand, Intent, RecordSpending, Usage};
use aggregates::{ConversationId, Metadata};
use chrono::Utc;
use measures::catalogue::TOKENS;
use rag::error_chain::ErrorChain;
use rag::generate::Meter;
use uuid::Uuid;

use crate::runtime::wake::SequencerWake;
use store::{ExecuteError, IdempotencyKey, Store, StoreError};

/// Delay after a failure of the store.
const PAUSE: Duration = Duration::from_millis(200);

/// Tokens to record. Each record counts once, however often it is tried.
#[derive(Debug, Clone)]
pub(crate) struct SpendingRecord {
    pub(crate) conversation_id: ConversationId,
    pub(crate) spending: RecordSpending,
    pub(crate) metadata: Metadata,
}

/// The tokens on a meter; `None` if there are none.
pub(crate) fn usage_of(meter: &Meter) -> Option<Usage> {
    let total = meter.total();
    let usage = Usage { prompt_tokens: total.prompt_tokens, completion_tokens: total.completion_tokens };
    (usage != Usage::default()).then_some(usage)
}

/// Adds tokens that an event tells to the metric of this process.
pub(crate) fn count_tokens(usage: Usage) {
    TOKENS.add(&["input"], usage.prompt_tokens.into());
    TOKENS.add(&["output"], usage.completion_tokens.into());
}

impl SpendingRecord {
    /// Records the tokens. Tries again while the store is away, for this time at most; after that
    /// they are lost.
    pub(crate) async fn write(self, store: &Store, wake: &SequencerWake, within: Duration) {
        let answer_id = self.spending.answer_id;
        match tokio::time::timeout(within, self.append(store)).await {
            Ok(Ok(())) => {
                count_tokens(self.spending.usage);
                wake.notify();
            }
            Ok(Err(error)) => {
                tracing::warn!(error, answer.id = %answer_id, "spent tokens could not be recorded");
            }
            Err(_) => tracing::warn!(answer.id = %answer_id, "spent tokens could not be recorded in time"),
        }
    }

    async fn append(&self, store: &Store) -> Result<(), String> {
        let key = self.key(store);
        let id = self.conversation_id.uuid();
        loop {
            let intent = Intent::RecordSpending(self.spending.clone());
            let (by, at) = (self.metadata.actor, Utc::now());
            let command = ConversationCommand { by, at, expected: None, intent };
            match store.conversations().execute(id, command, &self.metadata, Some(&key)).await {
                Ok(_) | Err(ExecuteError::Store(StoreError::IdempotencyKeyUsed)) => return Ok(()),
                Err(ExecuteError::Store(error))
                    if error.is_unavailable() || matches!(error, StoreError::Conflict) =>
                {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(ErrorChain(&error).to_string()),
            }
        }
    }

    /// The key by which the tokens count once: of an attempt by its number, whichever worker records it; of
    /// any other use by this record.
    fn key(&self, store: &Store) -> IdempotencyKey {
        let RecordSpending { answer_id, purpose, attempt, .. } = &self.spending;
        let of = match attempt {
            Some(attempt) => format!("{}:{answer_id}:{attempt}", self.conversation_id),
            None => Uuid::new_v4().to_string(),
        };
        IdempotencyKey::new(store.keyring().master(), &format!("spending:{}:{of}", purpose.name()), b"")
    }
}
