//! Carries out a person's command on a conversation: once, however often it comes, and wakes the sealer.

use aggregates::conversation::{ConversationCommand, ConversationEvent, ConversationRefused, Receipt};
use aggregates::{ConversationId, Metadata, Version};

use crate::runtime::wake::SequencerWake;
use store::{ExecuteError, IdempotencyKey, Remembered, Store, StoreError};

/// What the sender of a command is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Done {
    /// The conversation's version after it.
    pub version: Version,
    /// The names of its events.
    pub events: Vec<String>,
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotDone {
    /// The conversation refused it, or the store did not take it.
    #[error(transparent)]
    Failed(#[from] ExecuteError<ConversationRefused>),
    /// Its Idempotency-Key came with another command before.
    #[error("carry out the command: its idempotency key was used for another one")]
    KeyReused,
}

impl From<StoreError> for NotDone {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// Carries out a command. The same command again is answered as the first time.
pub(crate) async fn carry_out(
    store: &Store,
    wake: &SequencerWake,
    conversation: ConversationId,
    command: ConversationCommand,
    metadata: &Metadata,
    idempotency: Option<&IdempotencyKey>,
) -> Result<Done, NotDone> {
    if let Some(key) = idempotency
        && let Some(done) = remembered(store, key, metadata).await?
    {
        return Ok(done);
    }
    let intent = command.intent.clone();
    let executed = store.conversations().execute(conversation.uuid(), command, metadata, idempotency).await;
    let executed = match (executed, idempotency) {
        // The same command came in beside this one and was first.
        (Err(ExecuteError::Store(StoreError::IdempotencyKeyUsed)), Some(key)) => {
            return remembered(store, key, metadata).await?.ok_or(NotDone::KeyReused);
        }
        (executed, _) => executed?,
    };
    if executed.events.is_empty() {
        let receipt = executed.aggregate.receipt(&intent);
        if let Some(key) = idempotency {
            key.remember(store.pool(), metadata.owner, &receipt).await?;
        }
        return Ok(receipt.into());
    }
    wake.notify();
    let events = executed.events.iter().map(|event| ConversationEvent::name(event).to_owned()).collect();
    Ok(Done { version: executed.aggregate.version(), events })
}

async fn remembered(
    store: &Store,
    key: &IdempotencyKey,
    metadata: &Metadata,
) -> Result<Option<Done>, NotDone> {
    match key.look_up(store.pool(), metadata.owner).await? {
        None => Ok(None),
        Some(Remembered::Same { version, events }) => Ok(Some(Done { version, events })),
        Some(Remembered::Other) => Err(NotDone::KeyReused),
    }
}

impl From<Receipt> for Done {
    fn from(receipt: Receipt) -> Self {
        Self { version: receipt.version, events: receipt.events.into_iter().map(str::to_owned).collect() }
    }
}
