//! Erasures: their progress and their attempts. `keys/destroyed.rs` destroys the keys.

use std::time::Duration;

use aggregates::account::ErasureTarget;
use aggregates::{Position, ReceiptId, UserId};
use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{Store, StoreError};

/// A requested erasure of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Erasure {
    /// The receipt by which the former user follows the erasure.
    pub receipt: ReceiptId,
    /// The owner to erase.
    pub owner: UserId,
    /// The time of the request.
    pub requested_at: DateTime<Utc>,
    /// The time at which no store had data of the owner any more.
    pub finished_at: Option<DateTime<Utc>>,
    /// The number of attempts that failed.
    pub attempts: i32,
    /// The store that the last attempt failed at; `None` if no attempt failed, or if the failure
    /// concerned no store.
    pub waits_for: Option<ErasureTarget>,
}

/// A store that holds no data of the owner any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct ErasedStore {
    /// The name of the store.
    pub store: ErasureTarget,
    /// The time at which it was erased.
    pub erased_at: DateTime<Utc>,
}

/// The columns of [`Erasure`].
macro_rules! erasures {
    ($condition:literal) => {
        concat!(
            "SELECT receipt, owner, requested_at, finished_at, attempts, waits_for FROM erasures ",
            $condition
        )
    };
}

impl Store {
    /// The erasure with a receipt.
    pub async fn erasure(&self, receipt: ReceiptId) -> Result<Option<Erasure>, StoreError> {
        let query = sqlx::query_as(erasures!("WHERE receipt = $1"));
        Ok(query.bind(receipt).fetch_optional(&self.pool).await?)
    }

    /// The owners among these whose erasure this database does not know as finished.
    pub async fn unerased(&self, owners: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let unerased = sqlx::query_scalar(
            "SELECT o.id FROM UNNEST($1::uuid[]) AS o (id)
              WHERE NOT EXISTS (SELECT FROM erasures e WHERE e.owner = o.id AND e.finished_at IS NOT NULL)",
        );
        Ok(unerased.bind(owners).fetch_all(&self.pool).await?)
    }

    /// Whether the erasure of an owner was requested.
    pub async fn is_erased(&self, owner: UserId) -> Result<bool, StoreError> {
        let is_erased = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM erasures WHERE owner = $1)
                 OR EXISTS (SELECT FROM events WHERE aggregate_type = 'account' AND aggregate_id = $1
                               AND event_type = 'AccountErasureRequested')",
        );
        Ok(is_erased.bind(owner).fetch_one(&self.pool).await?)
    }

    /// The owners whose erasure is finished.
    pub async fn finished_erasures(&self) -> Result<Vec<UserId>, StoreError> {
        let finished = sqlx::query_scalar("SELECT owner FROM erasures WHERE finished_at IS NOT NULL");
        Ok(finished.fetch_all(&self.pool).await?)
    }

    /// The position at which the ledger records that an owner's keys are destroyed; `None` before.
    pub async fn keys_erased_position(&self, owner: UserId) -> Result<Option<Position>, StoreError> {
        let position = sqlx::query_scalar(
            "SELECT min(l.position)
               FROM events e JOIN ledger l ON l.aggregate_type = e.aggregate_type
                AND l.aggregate_id = e.aggregate_id AND l.sequence = e.sequence
              WHERE e.aggregate_type = 'account' AND e.aggregate_id = $1 AND e.event_type = 'StoreErased'
                AND e.payload ->> 'store' = $2",
        );
        let keys = ErasureTarget::Keys;
        Ok(position.bind(owner).bind(keys).fetch_one(&self.pool).await?)
    }

    /// All erasures that this database knows, as owner and receipt.
    pub async fn all_erasures(&self) -> Result<Vec<(UserId, ReceiptId)>, StoreError> {
        Ok(sqlx::query_as("SELECT owner, receipt FROM erasures").fetch_all(&self.pool).await?)
    }

    /// The stores of an owner that were erased so far, in order.
    pub async fn erased_stores(&self, owner: UserId) -> Result<Vec<ErasedStore>, StoreError> {
        let stores = sqlx::query_as(
            "SELECT payload ->> 'store' AS store, recorded_at AS erased_at FROM events
              WHERE aggregate_type = 'account' AND aggregate_id = $1 AND event_type = 'StoreErased'
              ORDER BY sequence",
        );
        Ok(stores.bind(owner).fetch_all(&self.pool).await?)
    }

    /// Inserts the erasures that were requested by an event and are missing in the table.
    pub async fn find_requested_erasures(&self) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO erasures (receipt, owner, requested_at)
             SELECT (e.payload ->> 'receipt')::uuid, e.aggregate_id, e.recorded_at FROM events e
              WHERE e.event_type = 'AccountErasureRequested' AND e.aggregate_type = 'account'
                AND NOT EXISTS (SELECT FROM erasures k WHERE k.owner = e.aggregate_id)
             ON CONFLICT DO NOTHING",
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// At most `limit` unfinished erasures whose next attempt is due, those with the fewest attempts first.
    /// With `retried`, only those that failed before; otherwise only those that did not.
    pub async fn due_erasures(&self, retried: bool, limit: u32) -> Result<Vec<Erasure>, StoreError> {
        let due = sqlx::query_as(erasures!(
            "WHERE finished_at IS NULL AND next_attempt_at <= clock_timestamp() AND (attempts > 0) = $1
             ORDER BY attempts, next_attempt_at, requested_at LIMIT $2"
        ));
        Ok(due.bind(retried).bind(i64::from(limit)).fetch_all(&self.pool).await?)
    }

    /// All unfinished erasures, in the order of their requests, whether or not their next attempt is due.
    pub async fn unfinished_erasures(&self) -> Result<Vec<Erasure>, StoreError> {
        let unfinished = sqlx::query_as(erasures!("WHERE finished_at IS NULL ORDER BY requested_at"));
        Ok(unfinished.fetch_all(&self.pool).await?)
    }

    /// The time until the next attempt of an unfinished erasure, zero if one is due; `None` if
    /// none is unfinished.
    pub async fn next_erasure_attempt(&self) -> Result<Option<Duration>, StoreError> {
        let seconds: Option<f64> = sqlx::query_scalar(
            "SELECT EXTRACT(EPOCH FROM min(greatest(next_attempt_at, clock_timestamp())) - clock_timestamp())::float8
               FROM erasures WHERE finished_at IS NULL",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()))
    }

    /// Records the request for an erasure.
    pub async fn begin_erasure(&self, receipt: ReceiptId, owner: UserId) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO erasures (receipt, owner) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(receipt)
            .bind(owner)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Records that an attempt failed, and when the next one is due.
    pub async fn postpone_erasure(
        &self,
        receipt: ReceiptId,
        waits_for: Option<ErasureTarget>,
        delay: Duration,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE erasures SET attempts = attempts + 1, waits_for = $2,
                    next_attempt_at = clock_timestamp() + make_interval(secs => $3)
              WHERE receipt = $1 AND finished_at IS NULL",
        )
        .bind(receipt)
        .bind(waits_for)
        .bind(delay.as_secs_f64())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Records that no store has data of the owner any more.
    pub async fn finish_erasure(&self, owner: UserId) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE erasures SET finished_at = clock_timestamp(), waits_for = NULL
              WHERE owner = $1 AND finished_at IS NULL",
        )
        .bind(owner)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
