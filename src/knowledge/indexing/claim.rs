//! Claims of documents: one process at a time indexes a document.

use std::time::Duration;

use aggregates::DocumentId;
use rag::error_chain::ErrorChain;
use tokio::task::JoinHandle;

use super::Indexing;
use store::{Lease, Store, StoreError};

/// Time after which the claim of a process that died expires.
const LEASE: Duration = Duration::from_secs(12);

/// The right to index a document. Renewed in the background until this value is dropped.
pub struct Claim {
    store: Store,
    lease: Lease,
    renewal: JoinHandle<()>,
}

impl Indexing {
    /// Claims a document; `None` while another process holds it.
    pub async fn claim(&self, document: DocumentId) -> Result<Option<Claim>, StoreError> {
        let store = self.store.clone();
        let Some(lease) = store.lease_document(document, LEASE).await? else { return Ok(None) };
        let renewing = store.clone();
        let renewal = tokio::spawn(async move { renewing.hold_lease(&lease, LEASE).await });
        Ok(Some(Claim { store, lease, renewal }))
    }
}

impl Claim {
    /// Ends the claim, so that another process can claim the document at once. After a failure
    /// the claim expires.
    pub async fn release(self) {
        self.renewal.abort();
        if let Err(error) = self.store.end_lease(&self.lease).await {
            tracing::debug!(error = %ErrorChain(&error), "a claim could not be released");
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}
