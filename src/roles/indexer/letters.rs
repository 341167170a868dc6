//! Documents that cannot be indexed for a reason that lasts: their dead letters, and their retries.

use aggregates::document::DocumentRefused;
use aggregates::operation::{DeadLetterKind, DeadLetterOutcome};
use aggregates::{DocumentId, UserId, Version};
use rag::error_chain::ErrorChain;
use uuid::Uuid;

use super::{Indexer, Job, SWEPT_BYTES};
use crate::runtime::operation_journal::record_noted;
use store::{ExecuteError, NewDeadLetter, StoreError};

/// Letters that are retried at once.
const RETRIES: u32 = 100;

/// The work on a document panicked. The log has the panic, whose message can quote the document.
#[derive(Debug, thiserror::Error)]
#[error("the work on the document panicked")]
pub(super) struct Panicked;

/// Whether the same work fails again whenever it is done: it panics, or the document's data is at fault.
/// Everything else, such as an index that is away, passes.
pub(super) fn is_lasting(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let store = cause.downcast_ref::<StoreError>().or_else(|| {
            match cause.downcast_ref::<ExecuteError<DocumentRefused>>() {
                Some(ExecuteError::Store(error)) => Some(error),
                _ => None,
            }
        });
        cause.is::<Panicked>() || store.is_some_and(StoreError::is_of_data)
    })
}

impl Indexer {
    /// Keeps a dead letter; `false` if it could not be stored.
    pub(super) async fn keep_letter(
        &self,
        id: DocumentId,
        owner: UserId,
        error: &anyhow::Error,
        attempts: u32,
    ) -> bool {
        let letter = NewDeadLetter {
            kind: DeadLetterKind::Document,
            owner,
            aggregate_id: id.uuid(),
            subject_id: id.uuid(),
            sequence: Version(0),
            cause: if error.is::<Panicked>() { "panicked" } else { "unreadable" },
            detail: format!("{error:#}"),
            attempts,
        };
        let kept = self.documents.indexing.store.keep_dead_letter(&letter).await;
        if let Err(error) = &kept {
            tracing::warn!(error = %ErrorChain(error), document.id = %id, "a dead letter could not be stored");
        }
        kept.is_ok()
    }

    /// Those of some documents that are not tried again by themselves. None if the store is away.
    pub(super) async fn given_up(&self, documents: &[(UserId, DocumentId)]) -> Vec<Uuid> {
        let ids: Vec<Uuid> = documents.iter().map(|(_, id)| id.uuid()).collect();
        if ids.is_empty() {
            return ids;
        }
        let given_up = self.documents.indexing.store.given_up(DeadLetterKind::Document, &ids).await;
        // Tried again once at most.
        given_up.unwrap_or_default()
    }

    /// Takes up the documents that an operator wants to be tried again. What fails is found by
    /// the next sweep.
    pub(super) async fn retry_letters(&self) {
        if let Err(error) = self.try_retry_letters().await {
            tracing::warn!(error = %ErrorChain(&error), "dead letters could not be retried");
        }
    }

    async fn try_retry_letters(&self) -> Result<(), StoreError> {
        let store = &self.documents.indexing.store;
        let letters = store.wanted_retries(DeadLetterKind::Document, RETRIES).await?;
        if letters.is_empty() {
            return Ok(());
        }
        for letter in letters {
            let (owner, id) = (letter.owner, DocumentId::new(letter.aggregate_id));
            store.end_dead_letter(&letter, DeadLetterOutcome::Retried).await?;
            // Without a place in the queue, a later sweep finds it.
            let _ = self.queue.push(owner, SWEPT_BYTES, Job { id, owner, delivery: None });
        }
        record_noted(store, &self.documents.indexing.wake).await
    }
}
