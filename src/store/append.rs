//! The append: one command's events, their outbox rows, a new key and a remembered answer, in one statement.

use std::time::Duration;

use aggregates::UserId;
use sqlx::PgPool;
use uuid::Uuid;

use super::StoreError;
use super::idempotency::IdempotencyKey;
use super::keyring::NewKey;

/// How long an append may take before its outcome is looked up.
const APPEND_TIMEOUT: Duration = Duration::from_secs(5);
/// How long, and how often, the outcome of a broken append is looked up.
const OUTCOME_TIMEOUT: Duration = Duration::from_secs(4);
const OUTCOME_PAUSE: Duration = Duration::from_millis(100);

/// One command's events, ready for the store.
#[derive(Debug)]
pub(super) struct Append<'a> {
    pub(super) aggregate_type: &'a str,
    pub(super) aggregate_id: Uuid,
    pub(super) owner: UserId,
    pub(super) metadata: String,
    pub(super) sequences: Vec<i64>,
    pub(super) types: Vec<&'a str>,
    pub(super) versions: Vec<&'a str>,
    pub(super) event_ids: Vec<Uuid>,
    pub(super) payloads: Vec<String>,
    pub(super) privates: Vec<Option<Vec<u8>>>,
    pub(super) new_key: Option<NewKey>,
    pub(super) idempotency: Option<IdempotencyKey>,
}

impl Append<'_> {
    /// Appends, and is sure of the outcome: where the connection broke in between, the store is asked what became of it.
    pub(super) async fn run(&self, pool: &PgPool) -> Result<(), StoreError> {
        let outcome = match tokio::time::timeout(APPEND_TIMEOUT, self.execute(pool)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(StoreError::TimedOut),
        };
        match outcome {
            Err(error) if error.is_away() && !never_sent(&error) => {
                self.look_up_outcome(pool).await.unwrap_or(Err(error))
            }
            decided => decided,
        }
    }

    async fn execute(&self, pool: &PgPool) -> Result<(), StoreError> {
        let (key_subject, idempotency) = (self.new_key.as_ref(), self.idempotency.as_ref());
        sqlx::query(APPEND)
            .bind(self.aggregate_type)
            .bind(self.aggregate_id)
            .bind(self.owner.uuid())
            .bind(&self.metadata)
            .bind(&self.sequences)
            .bind(&self.types)
            .bind(&self.versions)
            .bind(&self.event_ids)
            .bind(&self.payloads)
            .bind(&self.privates)
            .bind(key_subject.map(|key| key.subject.kind()))
            .bind(key_subject.map(|key| key.subject.id()))
            .bind(key_subject.map(|key| key.owner.uuid()))
            .bind(key_subject.map(|key| key.wrapped_by.as_str()))
            .bind(key_subject.map(|key| key.wrapped.as_slice()))
            .bind(idempotency.map(|key| key.key.as_slice()))
            .bind(idempotency.map(|key| key.command.as_slice()))
            .execute(pool)
            .await?;
        Ok(())
    }

    /// Whether our events are there after all; `None` while nobody can say.
    async fn look_up_outcome(&self, pool: &PgPool) -> Option<Result<(), StoreError>> {
        let deadline = tokio::time::Instant::now() + OUTCOME_TIMEOUT;
        while tokio::time::Instant::now() < deadline {
            let found: Result<Option<Uuid>, _> = sqlx::query_scalar(
                "SELECT event_id FROM events WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence = $3",
            )
            .bind(self.aggregate_type)
            .bind(self.aggregate_id)
            .bind(self.sequences.first())
            .fetch_optional(pool)
            .await;
            match found {
                Ok(Some(event_id)) if self.event_ids.first() == Some(&event_id) => return Some(Ok(())),
                Ok(Some(_)) => return Some(Err(StoreError::Conflict)),
                // Not there: rolled back with its connection.
                Ok(None) => return None,
                Err(_) => tokio::time::sleep(OUTCOME_PAUSE).await,
            }
        }
        None
    }
}

/// No connection was to be had, so nothing can have been written.
fn never_sent(error: &StoreError) -> bool {
    matches!(error, StoreError::Away(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed))
}

const APPEND: &str = "
WITH appended AS (
    INSERT INTO events (aggregate_type, aggregate_id, owner, metadata,
                        sequence, event_type, event_version, event_id, payload, private)
    SELECT $1, $2, $3, $4::json, e.sequence, e.event_type, e.event_version, e.event_id, e.payload::json, e.private
      FROM UNNEST($5::bigint[], $6::text[], $7::text[], $8::uuid[], $9::text[], $10::bytea[])
           AS e (sequence, event_type, event_version, event_id, payload, private)
), queued AS (
    INSERT INTO outbox (aggregate_type, aggregate_id, sequence)
    SELECT $1, $2, sequence FROM UNNEST($5::bigint[]) AS e (sequence)
), new_key AS (
    INSERT INTO keys (kind, id, owner, wrapped_by, wrapped)
    SELECT $11, $12, $13, $14, $15 WHERE $11::text IS NOT NULL
)
INSERT INTO idempotency (owner, key_hash, command_hash, version, events)
SELECT $3, $16, $17, $5[array_upper($5, 1)], $6 WHERE $16::bytea IS NOT NULL";
