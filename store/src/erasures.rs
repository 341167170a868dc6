//! Erasures: their progress, and the destruction of keys, after which no ciphertext of the owner can be read.

use aggregates::account::ErasureTarget;
use aggregates::{ReceiptId, UserId};
use chrono::{DateTime, Utc};
use sealing::Subject;
use sqlx::FromRow;
use uuid::Uuid;

use crate::database::Limit;
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
}

/// A store that holds no data of the owner any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct ErasedStore {
    /// The name of the store.
    pub store: ErasureTarget,
    /// The time at which it was erased.
    pub erased_at: DateTime<Utc>,
}

impl Store {
    /// The erasure with a receipt.
    pub async fn erasure(&self, receipt: ReceiptId) -> Result<Option<Erasure>, StoreError> {
        let query = "SELECT receipt, owner, requested_at, finished_at FROM erasures WHERE receipt = $1";
        Ok(sqlx::query_as(query).bind(receipt).fetch_optional(&self.pool).await?)
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

    /// The stores of an owner that were erased so far, in order.
    pub async fn erased_stores(&self, owner: UserId) -> Result<Vec<ErasedStore>, StoreError> {
        let stores = sqlx::query_as(
            "SELECT payload ->> 'store' AS store, recorded_at AS erased_at FROM events
              WHERE aggregate_type = 'account' AND aggregate_id = $1 AND event_type = 'StoreErased'
              ORDER BY sequence",
        );
        Ok(stores.bind(owner).fetch_all(&self.pool).await?)
    }

    /// The erasures that are not finished, in the order of their requests. Inserts the erasures that were
    /// requested by an event and are missing in the table.
    pub async fn unfinished_erasures(&self) -> Result<Vec<Erasure>, StoreError> {
        sqlx::query(
            "INSERT INTO erasures (receipt, owner, requested_at)
             SELECT (e.payload ->> 'receipt')::uuid, e.aggregate_id, e.recorded_at FROM events e
              WHERE e.event_type = 'AccountErasureRequested' AND e.aggregate_type = 'account'
                AND NOT EXISTS (SELECT FROM erasures k WHERE k.owner = e.aggregate_id)
             ON CONFLICT DO NOTHING",
        )
        .execute(&self.pool)
        .await?;
        let unfinished = sqlx::query_as(
            "SELECT receipt, owner, requested_at, finished_at FROM erasures
              WHERE finished_at IS NULL ORDER BY requested_at",
        );
        Ok(unfinished.fetch_all(&self.pool).await?)
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

    /// Records that no store has data of the owner any more.
    pub async fn finish_erasure(&self, owner: UserId) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE erasures SET finished_at = clock_timestamp() WHERE owner = $1 AND finished_at IS NULL",
        )
        .bind(owner)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Destroys the keys of an owner and the record of the owner's Idempotency-Keys. From then on no
    /// ciphertext of the owner can be read.
    pub async fn destroy_keys(&self, owner: UserId) -> Result<(), StoreError> {
        let destroying = self.pool.transaction(Limit::Long, async |transaction| {
            sqlx::query(
                "UPDATE keys SET wrapped = NULL, destroyed_at = clock_timestamp()
                  WHERE (owner = $1 OR (kind = 'user' AND id = $1)) AND wrapped IS NOT NULL",
            )
            .bind(owner)
            .execute(&mut *transaction)
            .await?;
            sqlx::query("DELETE FROM idempotency WHERE owner = $1").bind(owner).execute(transaction).await?;
            Ok(())
        });
        destroying.await?;
        self.keyring.forget(owner);
        Ok(())
    }

    /// Destroys the keys of conversations that were erased and of documents that were removed.
    pub async fn destroy_keys_of_the_ended(&self) -> Result<(), StoreError> {
        let destroying = self.pool.transaction(Limit::Long, async |transaction| {
            sqlx::query_as(
                "UPDATE keys SET wrapped = NULL, destroyed_at = clock_timestamp()
                  WHERE wrapped IS NOT NULL
                    AND (kind = 'conversation' AND id IN
                             (SELECT aggregate_id FROM events WHERE event_type = 'ConversationErased')
                      OR kind = 'document' AND id IN (SELECT id FROM documents WHERE status = 'removed'))
                 RETURNING kind, id",
            )
            .fetch_all(transaction)
            .await
        });
        let destroyed: Vec<(String, Uuid)> = destroying.await?;
        for (kind, id) in destroyed {
            self.keyring.forget_content(Subject::named(&kind, id).map_err(StoreError::UnknownKeyKind)?);
        }
        Ok(())
    }
}
