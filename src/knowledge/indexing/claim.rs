//! One process at a time indexes a document: two would only do the same work twice.

use std::time::Duration;

use aggregates::DocumentId;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::Indexing;
use store::{Store, StoreError};

/// How long a claim outlives whoever made it, and how often it is kept for longer.
const TIME: Duration = Duration::from_secs(12);
const SIGN_OF_LIFE: Duration = Duration::from_secs(4);

/// A document that is this process's to index while this value lives.
pub struct Claim {
    store: Store,
    document: DocumentId,
    holder: Uuid,
    keeping: JoinHandle<()>,
}

impl Indexing {
    /// Claims a document; `None` while somebody else is at it.
    pub async fn claim(&self, document: DocumentId) -> Result<Option<Claim>, StoreError> {
        let (store, holder) = (self.store.clone(), Uuid::new_v4());
        if !store.claim_document(document, holder, TIME).await? {
            return Ok(None);
        }
        let keeping = tokio::spawn(keep(store.clone(), document, holder));
        Ok(Some(Claim { store, document, holder, keeping }))
    }
}

impl Claim {
    /// Lets it go for somebody to take at once. If that fails, the claim runs out by itself.
    pub async fn release(self) {
        self.keeping.abort();
        if let Err(error) = self.store.release_document(self.document, self.holder).await {
            tracing::debug!(%error, "a claim could not be released");
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.keeping.abort();
    }
}

async fn keep(store: Store, document: DocumentId, holder: Uuid) {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        if let Err(error) = store.claim_document(document, holder, TIME).await {
            tracing::debug!(%error, "a claim could not be kept");
        }
    }
}
