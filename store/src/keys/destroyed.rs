//! The destruction of keys, after which no ciphertext under them can be read, and what was destroyed lately.

use std::time::Duration;

use aggregates::{DocumentId, UserId};
use chrono::{DateTime, TimeDelta, Utc};
use sealing::Subject;
use sqlx::FromRow;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{Store, StoreError};
use database::Limit;

/// Keys that one look returns. A process that has missed more drops its whole cache.
const MOST_DESTROYED: usize = 10_000;
/// Time before the last look for which destroyed keys are returned again: longer than a transaction that
/// destroys keys takes to commit, and than a read of a key takes to arrive.
const OVERLAP: TimeDelta = TimeDelta::minutes(5);
/// Longest wait for transactions that began before a destruction, and the age from which on a transaction is
/// no append: an append is cut off earlier.
const APPENDS_END_WITHIN: Duration = Duration::from_secs(15);
const APPENDS_ARE_YOUNGER: TimeDelta = TimeDelta::seconds(30);
const LOOK: Duration = Duration::from_millis(20);

/// The keys that were destroyed since a look.
#[derive(Debug, Clone)]
pub struct DestroyedKeys {
    /// The time of this look by the clock of the database. The next look starts from here.
    pub at: DateTime<Utc>,
    /// The destroyed keys with their owners; `None` if there are more than a look returns.
    pub keys: Option<Vec<(UserId, Subject)>>,
}

#[derive(FromRow)]
struct Row {
    kind: String,
    id: Uuid,
    owner: UserId,
}

impl Store {
    /// Destroys the keys of an owner, with the record of the owner's Idempotency-Keys and days of reading.
    /// From then on no ciphertext of the owner can be read.
    pub async fn destroy_keys(&self, owner: UserId) -> Result<(), StoreError> {
        let destroying = self.pool.transaction(Limit::Long, async |transaction| {
            for statement in DESTROY_KEYS_OF_OWNER {
                sqlx::query(statement).bind(owner).execute(&mut *transaction).await?;
            }
            Ok(())
        });
        destroying.await?;
        self.keyring.forget(&[(owner, Subject::User(owner))]);
        Ok(())
    }

    /// Destroys the key of a removed document.
    pub async fn destroy_document_key(&self, owner: UserId, document: DocumentId) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE keys SET wrapped = NULL, destroyed_at = clock_timestamp()
              WHERE kind = 'document' AND id = $1 AND owner = $2 AND wrapped IS NOT NULL",
        )
        .bind(document)
        .bind(owner)
        .execute(&self.pool)
        .await?;
        self.keyring.forget(&[(owner, Subject::Document(document.uuid()))]);
        Ok(())
    }

    /// Destroys the keys of conversations that were erased and of documents that were removed;
    /// returns their number.
    pub async fn destroy_keys_of_the_ended(&self) -> Result<usize, StoreError> {
        let destroying = self.pool.transaction(Limit::Long, async |transaction| {
            sqlx::query_as(
                "UPDATE keys SET wrapped = NULL, destroyed_at = clock_timestamp()
                  WHERE wrapped IS NOT NULL
                    AND (kind = 'conversation' AND id IN
                             (SELECT aggregate_id FROM events WHERE event_type = 'ConversationErased')
                      OR kind = 'document' AND id IN (SELECT id FROM documents WHERE status = 'removed'))
                 RETURNING kind, id, owner",
            )
            .fetch_all(transaction)
            .await
        });
        let destroyed: Vec<Row> = destroying.await?;
        self.keyring.forget(&subjects(&destroyed)?);
        let (owners, ids): (Vec<UserId>, Vec<Uuid>) = destroyed.iter().map(|row| (row.owner, row.id)).unzip();
        sqlx::query(
            "DELETE FROM last_reads l USING UNNEST($1::uuid[], $2::uuid[]) AS ended (owner, id)
              WHERE l.owner = ended.owner AND l.id = ended.id",
        )
        .bind(owners)
        .bind(ids)
        .execute(&self.pool)
        .await?;
        Ok(destroyed.len())
    }

    /// Whether the key of an owner was destroyed, by the database and not by the cache.
    pub async fn is_key_destroyed(&self, owner: UserId) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM keys WHERE kind = 'user' AND id = $1 AND destroyed_at IS NOT NULL)",
        )
        .bind(owner)
        .fetch_one(&self.pool)
        .await?)
    }

    /// Waits until no append runs that began before this call. A later append sees a key that is destroyed by
    /// now as destroyed. Gives up after 15 s, by when every append of that time is cut off. Transactions that
    /// are older than an append can be, such as a backup's, are not waited for.
    pub async fn await_older_appends(&self) -> Result<(), StoreError> {
        let began: DateTime<Utc> =
            sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&self.pool).await?;
        let deadline = Instant::now() + APPENDS_END_WITHIN;
        while Instant::now() < deadline {
            let running: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT FROM pg_stat_activity
                                 WHERE datname = current_database() AND pid <> pg_backend_pid()
                                   AND backend_type = 'client backend' AND xact_start BETWEEN $1 AND $2)",
            )
            .bind(began - APPENDS_ARE_YOUNGER)
            .bind(began)
            .fetch_one(&self.pool)
            .await?;
            if !running {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// The keys that were destroyed since an earlier look, or since this one, and shortly before it.
    pub async fn destroyed_keys(&self, since: Option<DateTime<Utc>>) -> Result<DestroyedKeys, StoreError> {
        let at: DateTime<Utc> = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&self.pool).await?;
        let rows: Vec<Row> = sqlx::query_as(DESTROYED_SINCE)
            .bind(since.unwrap_or(at).min(at) - OVERLAP)
            .bind(i64::try_from(MOST_DESTROYED).unwrap_or(i64::MAX).saturating_add(1))
            .fetch_all(&self.pool)
            .await?;
        let keys = if rows.len() > MOST_DESTROYED { None } else { Some(subjects(&rows)?) };
        Ok(DestroyedKeys { at, keys })
    }
}

fn subjects(rows: &[Row]) -> Result<Vec<(UserId, Subject)>, StoreError> {
    let subject = |row: &Row| {
        let subject = Subject::named(&row.kind, row.id).map_err(StoreError::UnknownKeyKind)?;
        Ok((row.owner, subject))
    };
    rows.iter().map(subject).collect()
}

pub(crate) const DESTROY_KEYS_OF_OWNER: [&str; 3] = [
    "UPDATE keys SET wrapped = NULL, destroyed_at = clock_timestamp()
      WHERE (owner = $1 OR (kind = 'user' AND id = $1)) AND wrapped IS NOT NULL",
    "DELETE FROM idempotency WHERE owner = $1",
    "DELETE FROM last_reads WHERE owner = $1",
];

/// The keys below a destroyed user key are left out: a cache drops them with the user's.
const DESTROYED_SINCE: &str = "
SELECT k.kind, k.id, k.owner FROM keys k
 WHERE k.destroyed_at > $1
   AND (k.kind = 'user'
     OR NOT EXISTS (SELECT FROM keys u WHERE u.kind = 'user' AND u.id = k.owner AND u.destroyed_at IS NOT NULL))
 ORDER BY k.destroyed_at LIMIT $2";
