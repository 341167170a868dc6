//! Execution of commands on conversations, once for each idempotency key.

use std::sync::Arc;

use aggregates::conversation::{
    Answer, ConversationCommand, ConversationEvent, ConversationRefused, Intent, Receipt,
};
use aggregates::{AnswerRef, ConversationId, Metadata, UserId, Version};
use axum::extract::FromRef;
use sealing::MasterKey;

use crate::api::ApiState;
use crate::api::limits::{Budgets, PendingAnswers};
use crate::api::live::Live;
use crate::api::models::ModelChoices;
use crate::api::problem::Problem;
use crate::api::reads::ReadModels;
use crate::runtime::wake::SequencerWake;
use projections::messages::pending_answers_of;
use store::{ExecuteError, IdempotencyKey, Remembered, Store, StoreError};

/// Executes commands of users on conversations.
#[derive(Debug, Clone)]
pub(in crate::api) struct ConversationCommands {
    pub(super) store: Store,
    wake: SequencerWake,
    live: Arc<Live>,
    pub(super) reads: Arc<ReadModels>,
    models: ModelChoices,
}

impl FromRef<ApiState> for ConversationCommands {
    fn from_ref(state: &ApiState) -> Self {
        Self {
            store: Store::from_ref(state),
            wake: SequencerWake::from_ref(state),
            live: Arc::from_ref(state),
            reads: Arc::from_ref(state),
            models: ModelChoices::from_ref(state),
        }
    }
}

/// Result of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommandOutcome {
    /// Version of the conversation after the command.
    pub(super) version: Version,
    /// Types of the events.
    pub(super) events: Vec<String>,
}

/// Why a command was not executed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    /// The conversation or the store refused the command.
    #[error(transparent)]
    Refused(#[from] ExecuteError<ConversationRefused>),
    /// The idempotency key was sent with another command before.
    #[error("idempotency key belongs to another command")]
    KeyReused,
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused(error) => error.into(),
            CommandError::KeyReused => Self::idempotency_key_reused(),
        }
    }
}

impl ConversationCommands {
    /// The master key, which keys the hashes of idempotency keys.
    pub(super) fn master_key(&self) -> &MasterKey {
        self.store.keyring().master()
    }

    /// The language models that a command can name.
    pub(super) const fn models(&self) -> &ModelChoices {
        &self.models
    }

    /// The text and sources of a pending answer, as far as the worker has published them.
    pub(super) fn text_so_far(&self, answer: AnswerRef) -> Answer {
        self.live.so_far(answer)
    }

    /// Refuses a command that requests one more answer than its author may have pending. A repeated command
    /// requests none.
    pub(super) async fn check_pending(
        &self,
        limit: &PendingAnswers,
        user: UserId,
        conversation: ConversationId,
        intent: &Intent,
    ) -> Result<(), Problem> {
        if !matches!(intent, Intent::Ask(_) | Intent::Regenerate { .. }) {
            return Ok(());
        }
        let counted = limit.check(user, pending_answers_of(self.store.read_models(), user)).await?;
        self.unless_repeated(user, conversation, intent, counted.map_err(Problem::from)).await
    }

    /// Refuses a command that requests one more answer of a person who has spent a budget of the day. A
    /// repeated command requests none. Costs a query where budgets are limited.
    pub(super) async fn check_budgets(
        &self,
        budgets: &Budgets,
        user: UserId,
        conversation: ConversationId,
        intent: &Intent,
    ) -> Result<(), Problem> {
        if !matches!(intent, Intent::Ask(_) | Intent::Regenerate { .. }) {
            return Ok(());
        }
        let checked = self.models.check_budgets(budgets, &self.store, user).await?;
        self.unless_repeated(user, conversation, intent, checked.map_err(Problem::from)).await
    }

    /// Passes on the outcome of a check, which a repetition of an executed command needs not pass: it has the
    /// outcome of the first one.
    pub(super) async fn unless_repeated(
        &self,
        user: UserId,
        conversation: ConversationId,
        intent: &Intent,
        checked: Result<(), Problem>,
    ) -> Result<(), Problem> {
        let Err(problem) = checked else { return Ok(()) };
        let conversation = self.store.conversations().latest(conversation.uuid()).await?;
        let is_repeated = conversation.owner() == Some(user) && conversation.is_repetition(intent);
        if is_repeated { Ok(()) } else { Err(problem) }
    }

    /// Executes a command. A repeated command has the outcome of the first one.
    pub(super) async fn execute(
        &self,
        conversation: ConversationId,
        command: ConversationCommand,
        metadata: &Metadata,
        idempotency: Option<&IdempotencyKey>,
    ) -> Result<CommandOutcome, CommandError> {
        if let Some(key) = idempotency
            && let Some(outcome) = self.remembered(key, metadata).await?
        {
            return Ok(outcome);
        }
        let intent = command.intent.clone();
        let conversations = self.store.conversations();
        let executed = conversations.execute(conversation.uuid(), command, metadata, idempotency).await;
        let executed = match (executed, idempotency) {
            // The same command arrived twice at the same time, and the other one was first.
            (Err(ExecuteError::Store(StoreError::IdempotencyKeyUsed)), Some(key)) => {
                return self.remembered(key, metadata).await?.ok_or(CommandError::KeyReused);
            }
            (executed, _) => executed?,
        };
        if executed.events.is_empty() {
            let receipt = executed.aggregate.receipt(&intent);
            let Some(key) = idempotency else { return Ok(receipt.into()) };
            self.store.record_idempotency_key_use(metadata.owner, key, &receipt).await?;
            // Another process may have executed the same command in the meantime: its outcome is
            // the first one.
            return Ok(self.remembered(key, metadata).await?.unwrap_or_else(|| receipt.into()));
        }
        self.wake.notify();
        let events = executed.events.iter().map(|event| ConversationEvent::name(event).to_owned()).collect();
        Ok(CommandOutcome { version: executed.aggregate.version(), events })
    }

    async fn remembered(
        &self,
        key: &IdempotencyKey,
        metadata: &Metadata,
    ) -> Result<Option<CommandOutcome>, CommandError> {
        match self.store.idempotency_key_use(metadata.owner, key).await? {
            None => Ok(None),
            Some(Remembered::Same { version, events }) => Ok(Some(CommandOutcome { version, events })),
            Some(Remembered::Other) => Err(CommandError::KeyReused),
        }
    }
}

impl From<Receipt> for CommandOutcome {
    fn from(receipt: Receipt) -> Self {
        Self { version: receipt.version, events: receipt.events.into_iter().map(str::to_owned).collect() }
    }
}
