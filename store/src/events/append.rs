//! The append: one command's events, their outbox rows, a new key and a remembered answer - and those of all commands that
//! wait at the same moment - in one statement.

use std::time::Duration;

use aggregates::{AggregateType, UserId};
use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use sqlx::PgPool;
use uuid::Uuid;

use crate::StoreError;
use crate::batch::{Batcher, Request};
use crate::events::idempotency::IdempotencyKey;
use crate::keys::keyring::NewKey;

/// How long an append may take before its outcome is looked up.
const APPEND_TIMEOUT: Duration = Duration::from_secs(5);
/// How long, and how often, the outcome of a broken append is looked up.
const OUTCOME_TIMEOUT: Duration = Duration::from_secs(4);
const OUTCOME_PAUSE: Duration = Duration::from_millis(100);

/// One command's events, ready for the store.
#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) aggregate: AggregateType,
    pub(crate) aggregate_id: Uuid,
    pub(crate) owner: UserId,
    pub(crate) metadata: String,
    pub(crate) events: Vec<SealedEvent>,
    pub(crate) new_key: Option<NewKey>,
    pub(crate) idempotency: Option<IdempotencyKey>,
}

/// An event whose private part is sealed.
#[derive(Debug)]
pub(crate) struct SealedEvent {
    pub(crate) sequence: i64,
    pub(crate) event_type: String,
    pub(crate) event_version: String,
    pub(crate) event_id: Uuid,
    pub(crate) payload: String,
    pub(crate) private: Option<Vec<u8>>,
}

type Outcome = Result<(), StoreError>;

impl Request for Append {
    fn key(&self) -> Option<Uuid> {
        Some(self.aggregate_id)
    }
}

/// Where appends meet. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Appender(Batcher<Append, Outcome>);

impl Appender {
    /// An appender to a store.
    pub(crate) fn new(pool: PgPool) -> Self {
        Self(Batcher::new(move |appends: Vec<Append>| {
            let pool = pool.clone();
            async move { append(&pool, &appends).await }.boxed()
        }))
    }

    /// Appends, and is sure of the outcome: where the connection broke in between, the store is asked what became of it.
    pub(crate) async fn append(&self, append: Append) -> Outcome {
        self.0.request(append).await.unwrap_or(Err(StoreError::TimedOut))
    }
}

/// Appends all of them. One that is refused takes the others of its statement with it: then each half is tried alone, until
/// the one refused is by itself.
fn append<'a>(pool: &'a PgPool, appends: &'a [Append]) -> BoxFuture<'a, Vec<Outcome>> {
    async move {
        let outcome = match tokio::time::timeout(APPEND_TIMEOUT, execute(pool, appends)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(StoreError::TimedOut),
        };
        match outcome {
            Ok(()) => appends.iter().map(|_| Ok(())).collect(),
            Err(error) if appends.len() > 1 && rolled_back(&error) => {
                let (first, second) = appends.split_at(appends.len() / 2);
                let mut outcomes = append(pool, first).await;
                outcomes.extend(append(pool, second).await);
                outcomes
            }
            Err(error) if error.is_away() && !never_sent(&error) => {
                join_all(appends.iter().map(|append| append.look_up_outcome(pool))).await
            }
            Err(error) if appends.len() == 1 => vec![Err(error)],
            Err(_) => appends.iter().map(|_| Err(StoreError::TimedOut)).collect(),
        }
    }
    .boxed()
}

/// Rows of several commands, column by column. Commands are in the order of their aggregates, so that two statements wait
/// for each other in one direction only.
async fn execute(pool: &PgPool, appends: &[Append]) -> Outcome {
    let mut ordered: Vec<&Append> = appends.iter().collect();
    ordered.sort_unstable_by_key(|append| append.aggregate_id);
    let rows: Vec<(&Append, &SealedEvent)> =
        ordered.iter().flat_map(|append| append.events.iter().map(|event| (*append, event))).collect();
    let keys: Vec<&NewKey> = ordered.iter().filter_map(|append| append.new_key.as_ref()).collect();
    let remembered: Vec<(&Append, &IdempotencyKey)> =
        ordered.iter().filter_map(|append| Some((*append, append.idempotency.as_ref()?))).collect();
    sqlx::query(APPEND)
        .bind(rows.iter().map(|(append, _)| append.aggregate.name()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(append, _)| append.aggregate_id).collect::<Vec<_>>())
        .bind(rows.iter().map(|(append, _)| append.owner.uuid()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(append, _)| append.metadata.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, event)| event.sequence).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, event)| event.event_type.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, event)| event.event_version.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, event)| event.event_id).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, event)| event.payload.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, event)| event.private.as_deref()).collect::<Vec<_>>())
        .bind(keys.iter().map(|key| key.subject.kind()).collect::<Vec<_>>())
        .bind(keys.iter().map(|key| key.subject.id()).collect::<Vec<_>>())
        .bind(keys.iter().map(|key| key.owner.uuid()).collect::<Vec<_>>())
        .bind(keys.iter().map(|key| key.wrapped_by.as_str()).collect::<Vec<_>>())
        .bind(keys.iter().map(|key| key.wrapped.as_slice()).collect::<Vec<_>>())
        .bind(remembered.iter().map(|(append, _)| append.owner.uuid()).collect::<Vec<_>>())
        .bind(remembered.iter().map(|(_, key)| key.key.as_slice()).collect::<Vec<_>>())
        .bind(remembered.iter().map(|(_, key)| key.command.as_slice()).collect::<Vec<_>>())
        .bind(remembered.iter().map(|(append, _)| append.version()).collect::<Vec<_>>())
        .bind(remembered.iter().map(|(append, _)| append.event_names()).collect::<Vec<_>>())
        .execute(pool)
        .await?;
    Ok(())
}

impl Append {
    /// The aggregate's version after it.
    fn version(&self) -> i64 {
        self.events.last().map_or(0, |event| event.sequence)
    }

    /// The names of its events, separated by spaces.
    fn event_names(&self) -> String {
        self.events.iter().map(|event| event.event_type.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Whether our events are there after all.
    async fn look_up_outcome(&self, pool: &PgPool) -> Outcome {
        let Some(first) = self.events.first() else { return Ok(()) };
        let deadline = tokio::time::Instant::now() + OUTCOME_TIMEOUT;
        while tokio::time::Instant::now() < deadline {
            let found: Result<Option<Uuid>, _> = sqlx::query_scalar(
                "SELECT event_id FROM events WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence = $3",
            )
            .bind(self.aggregate.name())
            .bind(self.aggregate_id)
            .bind(first.sequence)
            .fetch_optional(pool)
            .await;
            match found {
                Ok(Some(event_id)) if event_id == first.event_id => return Ok(()),
                Ok(Some(_)) => return Err(StoreError::Conflict),
                // Not there: rolled back with its connection.
                Ok(None) => return Err(StoreError::TimedOut),
                Err(_) => tokio::time::sleep(OUTCOME_PAUSE).await,
            }
        }
        Err(StoreError::TimedOut)
    }
}

/// The server refused the statement as a whole and said so: one of its commands was in the way of another's, or of a lock.
fn rolled_back(error: &StoreError) -> bool {
    match error {
        StoreError::Away(sqlx::Error::Database(error)) => {
            matches!(error.code().as_deref(), Some("40001" | "40P01"))
        }
        error => !error.is_away(),
    }
}

/// No connection was to be had, so nothing can have been written.
fn never_sent(error: &StoreError) -> bool {
    matches!(error, StoreError::Away(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed))
}

/// For an owner whose key was destroyed nothing is appended but the end of the erasure itself: the missing owner makes the
/// table refuse it.
const APPEND: &str = "
WITH appended AS (
    INSERT INTO events (aggregate_type, aggregate_id, owner, metadata,
                        sequence, event_type, event_version, event_id, payload, private)
    SELECT e.aggregate_type, e.aggregate_id,
           CASE WHEN e.aggregate_type <> 'account'
                 AND EXISTS (SELECT FROM keys k
                              WHERE k.kind = 'user' AND k.id = e.owner AND k.destroyed_at IS NOT NULL)
                THEN NULL ELSE e.owner END,
           e.metadata::json,
           e.sequence, e.event_type, e.event_version, e.event_id, e.payload::json, e.private
      FROM UNNEST($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::bigint[],
                  $6::text[], $7::text[], $8::uuid[], $9::text[], $10::bytea[])
           AS e (aggregate_type, aggregate_id, owner, metadata, sequence,
                 event_type, event_version, event_id, payload, private)
), queued AS (
    INSERT INTO outbox (aggregate_type, aggregate_id, sequence)
    SELECT * FROM UNNEST($1::text[], $2::uuid[], $5::bigint[])
), new_keys AS (
    INSERT INTO keys (kind, id, owner, wrapped_by, wrapped)
    SELECT * FROM UNNEST($11::text[], $12::uuid[], $13::uuid[], $14::text[], $15::bytea[])
)
INSERT INTO idempotency (owner, key_hash, command_hash, version, events)
SELECT k.owner, k.key_hash, k.command_hash, k.version, string_to_array(k.events, ' ')
  FROM UNNEST($16::uuid[], $17::bytea[], $18::bytea[], $19::bigint[], $20::text[])
       AS k (owner, key_hash, command_hash, version, events)";
