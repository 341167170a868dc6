//! Leases of documents: the right of one process to work on one document for a time, by the clock
//! of the database.
//!
//! A process acquires a lease before it starts to work and renews it while it works. A lease that is not
//! renewed expires, so that another process continues the work of a process that died. The leases of answers
//! are in their queue (`answer_queue.rs`).

use std::time::Duration;

use aggregates::DocumentId;
use uuid::Uuid;

use crate::{Store, StoreError};

/// The right to index one document.
#[derive(Debug, Clone, Copy)]
pub struct Lease {
    document: DocumentId,
    /// Unique to this acquisition.
    holder: Uuid,
}

impl Store {
    /// Acquires the lease of a document; `None` if another process holds it.
    pub async fn lease_document(
        &self,
        document: DocumentId,
        time: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let holder = Uuid::new_v4();
        let acquire = sqlx::query(ACQUIRE_DOCUMENT).bind(document).bind(holder).bind(time.as_secs_f64());
        let acquired = acquire.execute(&self.pool).await?.rows_affected() > 0;
        Ok(acquired.then_some(Lease { document, holder }))
    }

    /// Extends a lease to a time from now; `false` if it was lost to another process.
    pub async fn renew_lease(&self, lease: &Lease, time: Duration) -> Result<bool, StoreError> {
        let renew = sqlx::query(
            "UPDATE document_claims SET until = clock_timestamp() + make_interval(secs => $3)
              WHERE document_id = $1 AND holder = $2",
        );
        let renew = renew.bind(lease.document).bind(lease.holder).bind(time.as_secs_f64());
        Ok(renew.execute(&self.pool).await?.rows_affected() > 0)
    }

    /// Renews a lease while this future is polled. Resolves when another process acquired the lease.
    ///
    /// An unavailable database does not end it: no other process can acquire the lease meanwhile.
    pub async fn hold_lease(&self, lease: &Lease, time: Duration) {
        loop {
            tokio::time::sleep(time / 3).await;
            match self.renew_lease(lease, time).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "lease was not renewed");
                }
            }
        }
    }

    /// Ends a lease whose work is done.
    pub async fn end_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM document_claims WHERE document_id = $1 AND holder = $2")
            .bind(lease.document)
            .bind(lease.holder)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Deletes leases that expired a day ago, because their work ended while the process that held them died,
    /// and attempts at files that are a week old.
    pub async fn purge_leases(&self) -> Result<(), StoreError> {
        sqlx::query(PURGE).execute(&self.pool).await?;
        Ok(())
    }
}

/// The condition that a lease is held. A lease that ends more than a minute ahead was acquired before the
/// clock was set back and counts as expired.
macro_rules! is_held {
    ($until:literal) => {
        concat!("(", $until, " BETWEEN clock_timestamp() AND clock_timestamp() + interval '1 minute')")
    };
}

pub(crate) use is_held;

const ACQUIRE_DOCUMENT: &str = concat!(
    "
INSERT INTO document_claims AS lease (document_id, holder, until)
VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
    ON CONFLICT (document_id) DO UPDATE SET holder = excluded.holder, until = excluded.until
 WHERE NOT ",
    is_held!("lease.until")
);

const PURGE: &str = "
WITH documents AS (DELETE FROM document_claims WHERE until < clock_timestamp() - interval '1 day'),
     extractions AS (DELETE FROM extraction_attempts WHERE began_at < clock_timestamp() - interval '7 days')
DELETE FROM answer_leases WHERE held_until < clock_timestamp() - interval '1 day'";
