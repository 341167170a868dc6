//! What an erasure does in Postgres: to the keys, to what remembers requests, to the account service's rows.

use aggregates::{AnswerId, ConversationId, ReceiptId, UserId};
use chrono::{DateTime, Utc};
use sealing::Subject;
use sqlx::PgPool;
use uuid::Uuid;

use super::{Store, StoreError};

/// An erasure that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// What its owner follows it by.
    pub receipt: ReceiptId,
    /// Whose.
    pub owner: UserId,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When nothing was left.
    pub finished_at: Option<DateTime<Utc>>,
}

type Row = (Uuid, Uuid, DateTime<Utc>, Option<DateTime<Utc>>);

impl From<Row> for Erasure {
    fn from((receipt, owner, requested_at, finished_at): Row) -> Self {
        Self { receipt: ReceiptId::new(receipt), owner: UserId::new(owner), requested_at, finished_at }
    }
}

impl Store {
    /// The erasure of a receipt.
    pub async fn erasure(&self, receipt: ReceiptId) -> Result<Option<Erasure>, StoreError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT receipt, owner, requested_at, finished_at FROM erasures WHERE receipt = $1",
        )
        .bind(receipt.uuid())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(Erasure::from))
    }

    /// Those of whom this database does not say that they were erased to the end.
    pub async fn unerased(&self, owners: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let owners: Vec<Uuid> = owners.iter().map(|owner| owner.uuid()).collect();
        let unerased: Vec<Uuid> = sqlx::query_scalar(
            "SELECT o.id FROM UNNEST($1::uuid[]) AS o (id)
              WHERE NOT EXISTS (SELECT FROM erasures e WHERE e.owner = o.id AND e.finished_at IS NOT NULL)",
        )
        .bind(owners)
        .fetch_all(&self.pool)
        .await?;
        Ok(unerased.into_iter().map(UserId::new).collect())
    }

    /// The stores that were erased so far, by the name in their event, with when.
    pub async fn erased_stores(&self, owner: UserId) -> Result<Vec<(String, DateTime<Utc>)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT payload ->> 'store', recorded_at FROM events
              WHERE aggregate_type = 'account' AND aggregate_id = $1 AND event_type = 'StoreErased'
              ORDER BY sequence",
        )
        .bind(owner.uuid())
        .fetch_all(&self.pool)
        .await?)
    }

    /// The erasures that are not finished, those asked for first at the front. What the events know and the table does not
    /// is taken over from them.
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
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT receipt, owner, requested_at, finished_at FROM erasures
              WHERE finished_at IS NULL ORDER BY requested_at",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(Erasure::from).collect())
    }

    /// Remembers that an erasure was asked for.
    pub async fn begin_erasure(&self, receipt: ReceiptId, owner: UserId) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO erasures (receipt, owner) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(receipt.uuid())
            .bind(owner.uuid())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Remembers that nothing is left.
    pub async fn finish_erasure(&self, owner: UserId) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE erasures SET finished_at = clock_timestamp() WHERE owner = $1 AND finished_at IS NULL",
        )
        .bind(owner.uuid())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// An owner's answers that have not ended, as far as the events know.
    pub async fn unended_answers(
        &self,
        owner: UserId,
    ) -> Result<Vec<(ConversationId, AnswerId)>, StoreError> {
        let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(
            "SELECT DISTINCT r.aggregate_id, (r.payload ->> 'answer_id')::uuid
               FROM ledger l JOIN events r ON r.aggregate_type = l.aggregate_type
                AND r.aggregate_id = l.aggregate_id AND r.sequence = l.sequence
              WHERE l.owner = $1 AND r.event_type = 'AnswerRequested'
                AND NOT EXISTS (SELECT FROM events e
                                 WHERE e.aggregate_type = r.aggregate_type AND e.aggregate_id = r.aggregate_id
                                   AND e.event_type IN ('AnswerCompleted', 'AnswerStopped', 'AnswerFailed')
                                   AND e.payload ->> 'answer_id' = r.payload ->> 'answer_id')",
        )
        .bind(owner.uuid())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(id, answer)| (ConversationId::new(id), AnswerId::new(answer))).collect())
    }

    /// Destroys an owner's key and those below it, and what remembers their requests. Every ciphertext of theirs is
    /// unreadable from then on.
    pub async fn destroy_keys(&self, owner: UserId) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(
            "UPDATE keys SET wrapped = NULL, destroyed_at = clock_timestamp()
              WHERE (owner = $1 OR (kind = 'user' AND id = $1)) AND wrapped IS NOT NULL",
        )
        .bind(owner.uuid())
        .execute(&mut *transaction)
        .await?;
        sqlx::query("DELETE FROM idempotency WHERE owner = $1")
            .bind(owner.uuid())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.keyring.forget(owner);
        Ok(())
    }

    /// Destroys the keys of conversations that were ended for good and of documents that were taken away.
    pub async fn destroy_keys_of_the_ended(&self) -> Result<(), StoreError> {
        let destroyed: Vec<(String, Uuid)> = sqlx::query_as(
            "UPDATE keys SET wrapped = NULL, destroyed_at = clock_timestamp()
              WHERE wrapped IS NOT NULL
                AND (kind = 'conversation' AND id IN
                         (SELECT aggregate_id FROM events WHERE event_type = 'ConversationErased')
                  OR kind = 'document' AND id IN (SELECT id FROM documents WHERE status = 'removed'))
             RETURNING kind, id",
        )
        .fetch_all(&self.pool)
        .await?;
        for (kind, id) in destroyed {
            let is_document = kind == "document";
            self.keyring.forget_content(if is_document {
                Subject::Document(id)
            } else {
                Subject::Conversation(id)
            });
        }
        Ok(())
    }
}

/// Whether a session of the account service is alive at this moment.
pub async fn is_session_live(accounts: &PgPool, user: UserId, session: Uuid) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM auth.session s
                         WHERE s.id::text = $1 AND s.\"userId\"::text = $2 AND s.\"expiresAt\" > now())",
    )
    .bind(session.to_string())
    .bind(user.to_string())
    .fetch_one(accounts)
    .await?)
}

/// Removes somebody's rows from the account service, and has Postgres free their place on its pages.
pub async fn erase_account(accounts: &PgPool, user: UserId) -> Result<(), StoreError> {
    let id = user.to_string();
    let mut transaction = accounts.begin().await?;
    for statement in [
        "DELETE FROM auth.verification v WHERE v.value = $1
            OR v.identifier IN (SELECT u.email FROM auth.\"user\" u WHERE u.id::text = $1)",
        "DELETE FROM auth.session WHERE \"userId\"::text = $1",
        "DELETE FROM auth.account WHERE \"userId\"::text = $1",
        "DELETE FROM auth.\"user\" WHERE id::text = $1",
    ] {
        sqlx::query(statement).bind(&id).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    // Best effort: without it the rows' old versions stay until Postgres' own vacuum.
    for table in ["\"user\"", "session", "account", "verification"] {
        if let Err(error) = sqlx::query(&format!("VACUUM auth.{table}")).execute(accounts).await {
            tracing::debug!(%error, "could not vacuum after an erasure");
        }
    }
    Ok(())
}
