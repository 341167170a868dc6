//! Leases: the right of one process to do one piece of work for a time, by the clock of the database.
//!
//! A process acquires a lease before it starts to work and renews it while it works. A lease that is not
//! renewed expires, so that another process continues the work of a process that died. Answers and documents
//! have a table each and share the mechanism. The leases of answers also count attempts, which are limited.

use std::collections::HashSet;
use std::time::Duration;

use aggregates::{AnswerId, ConversationId, DocumentId, EventId};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Store, StoreError};

/// The right to do one piece of work.
#[derive(Debug, Clone, Copy)]
pub struct Lease {
    table: &'static Table,
    id: Uuid,
    /// Unique to this acquisition.
    holder: Uuid,
    /// The number of this attempt at an answer, from 1. Always 1 for a document.
    pub attempt: u32,
}

/// The result of an attempt to acquire the lease of an answer.
#[derive(Debug, Clone)]
pub enum AnswerClaim {
    /// The caller holds the lease.
    Acquired(Lease, Requested),
    /// Another process holds the lease, for this time unless it renews it.
    Held(Duration),
    /// The answer was never requested.
    NotRequested,
}

/// The request for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested {
    /// The event that requested the answer.
    pub event_id: EventId,
    /// The user's HTTP request that led to the event.
    pub correlation_id: Option<Uuid>,
    /// The W3C trace context of the HTTP request.
    pub traceparent: Option<String>,
}

#[derive(FromRow)]
struct AnswerClaimRow {
    event_id: EventId,
    correlation_id: Option<String>,
    traceparent: Option<String>,
    attempt: Option<i32>,
    seconds_left: Option<f64>,
}

impl From<AnswerClaimRow> for Requested {
    fn from(row: AnswerClaimRow) -> Self {
        Self {
            event_id: row.event_id,
            correlation_id: row.correlation_id.and_then(|id| id.parse().ok()),
            traceparent: row.traceparent,
        }
    }
}

impl Store {
    /// Acquires the lease of an answer unless another process holds it. One round trip.
    pub async fn lease_answer(
        &self,
        conversation: ConversationId,
        answer: AnswerId,
        time: Duration,
    ) -> Result<AnswerClaim, StoreError> {
        let holder = Uuid::new_v4();
        let row: Option<AnswerClaimRow> = sqlx::query_as(ACQUIRE_ANSWER)
            .bind(answer)
            .bind(conversation)
            .bind(holder)
            .bind(time.as_secs_f64())
            .fetch_optional(&self.pool)
            .await?;
        Ok(match row {
            None => AnswerClaim::NotRequested,
            Some(row) => match row.attempt {
                None => AnswerClaim::Held(
                    Duration::try_from_secs_f64(row.seconds_left.unwrap_or_default()).unwrap_or_default(),
                ),
                Some(attempt) => {
                    let (id, attempt) = (answer.uuid(), attempt.unsigned_abs());
                    AnswerClaim::Acquired(Lease { table: &ANSWERS, id, holder, attempt }, row.into())
                }
            },
        })
    }

    /// Acquires the lease of a document; `None` if another process holds it.
    pub async fn lease_document(
        &self,
        document: DocumentId,
        time: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let holder = Uuid::new_v4();
        let acquire = sqlx::query(ACQUIRE_DOCUMENT).bind(document).bind(holder).bind(time.as_secs_f64());
        let acquired = acquire.execute(&self.pool).await?.rows_affected() > 0;
        Ok(acquired.then_some(Lease { table: &DOCUMENTS, id: document.uuid(), holder, attempt: 1 }))
    }

    /// Extends a lease to a time from now; `false` if it was lost to another process.
    pub async fn renew_lease(&self, lease: &Lease, time: Duration) -> Result<bool, StoreError> {
        let renew = sqlx::query(lease.table.renew).bind(lease.id).bind(lease.holder).bind(time.as_secs_f64());
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

    /// Gives a lease back before its work is done. Attempts stay counted.
    pub async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        self.renew_lease(lease, Duration::ZERO).await.map(drop)
    }

    /// Ends a lease whose work is done. Attempts are forgotten.
    pub async fn end_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        sqlx::query(lease.table.end).bind(lease.id).bind(lease.holder).execute(&self.pool).await?;
        Ok(())
    }

    /// The answers among these whose leases are held.
    pub async fn held_answers(&self, answers: &[AnswerId]) -> Result<HashSet<AnswerId>, StoreError> {
        let held: Vec<AnswerId> =
            sqlx::query_scalar(HELD_ANSWERS).bind(answers).fetch_all(&self.pool).await?;
        Ok(held.into_iter().collect())
    }

    /// Deletes leases that expired a day ago, because their work ended while the process that held them died,
    /// and attempts at files that are a week old.
    pub async fn purge_leases(&self) -> Result<(), StoreError> {
        sqlx::query(PURGE).execute(&self.pool).await?;
        Ok(())
    }
}

/// A table of leases, by the statements on it.
#[derive(Debug)]
struct Table {
    renew: &'static str,
    end: &'static str,
}

macro_rules! table {
    ($table:literal, $id:literal, $holder:literal, $until:literal) => {
        Table {
            renew: concat!(
                "UPDATE ",
                $table,
                " SET ",
                $until,
                " = clock_timestamp() + make_interval(secs => $3) WHERE ",
                $id,
                " = $1 AND ",
                $holder,
                " = $2"
            ),
            end: concat!("DELETE FROM ", $table, " WHERE ", $id, " = $1 AND ", $holder, " = $2"),
        }
    };
}

const ANSWERS: Table = table!("answer_leases", "answer_id", "held_by", "held_until");
const DOCUMENTS: Table = table!("document_claims", "document_id", "holder", "until");

/// The condition that a lease is held. A lease that ends more than a minute ahead was acquired before the
/// clock was set back and counts as expired.
macro_rules! is_held {
    ($until:literal) => {
        concat!("(", $until, " BETWEEN clock_timestamp() AND clock_timestamp() + interval '1 minute')")
    };
}

const ACQUIRE_ANSWER: &str = concat!(
    "
WITH requested AS (
    SELECT event_id, metadata->>'correlation_id' AS correlation_id, metadata->>'traceparent' AS traceparent
      FROM events
     WHERE aggregate_type = 'conversation' AND aggregate_id = $2 AND event_type = 'AnswerRequested'
       AND payload->>'answer_id' = $1::uuid::text
     ORDER BY sequence LIMIT 1
), acquired AS (
    INSERT INTO answer_leases AS lease (answer_id, attempt, held_by, held_until)
    SELECT $1, 1, $3, clock_timestamp() + make_interval(secs => $4) FROM requested
    ON CONFLICT (answer_id) DO UPDATE
       SET attempt = lease.attempt + 1, held_by = excluded.held_by, held_until = excluded.held_until
     WHERE NOT ",
    is_held!("lease.held_until"),
    "
    RETURNING attempt
)
SELECT r.event_id, r.correlation_id, r.traceparent, a.attempt,
       EXTRACT(EPOCH FROM l.held_until - clock_timestamp())::float8 AS seconds_left
  FROM requested r LEFT JOIN acquired a ON true LEFT JOIN answer_leases l ON l.answer_id = $1"
);

const ACQUIRE_DOCUMENT: &str = concat!(
    "
INSERT INTO document_claims AS lease (document_id, holder, until)
VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
    ON CONFLICT (document_id) DO UPDATE SET holder = excluded.holder, until = excluded.until
 WHERE NOT ",
    is_held!("lease.until")
);

const HELD_ANSWERS: &str =
    concat!("SELECT answer_id FROM answer_leases WHERE answer_id = ANY($1) AND ", is_held!("held_until"));

const PURGE: &str = "
WITH documents AS (DELETE FROM document_claims WHERE until < clock_timestamp() - interval '1 day'),
     extractions AS (DELETE FROM extraction_attempts WHERE began_at < clock_timestamp() - interval '7 days')
DELETE FROM answer_leases WHERE held_until < clock_timestamp() - interval '1 day'";
