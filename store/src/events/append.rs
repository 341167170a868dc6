//! Appends the events of commands: events, outbox rows, a new key and the use of an Idempotency-Key in one
//! statement, which concurrent commands share.

use std::time::Duration;

use aggregates::{AggregateType, EventId, UserId, Version};
use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use sqlx::PgPool;
use uuid::Uuid;

use crate::StoreError;
use crate::batch::{Batcher, Request};
use crate::events::idempotency::IdempotencyKey;
use crate::keys::keyring::NewKey;

/// Time of an append before its outcome is looked up.
const APPEND_TIMEOUT: Duration = Duration::from_secs(5);
/// Time within which the outcome of an interrupted append is looked up, and the pause between two attempts.
const OUTCOME_TIMEOUT: Duration = Duration::from_secs(4);
const OUTCOME_PAUSE: Duration = Duration::from_millis(100);

/// The events of one command, ready to be stored.
#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) aggregate: AggregateType,
    pub(crate) aggregate_id: Uuid,
    pub(crate) owner: UserId,
    pub(crate) metadata: String,
    pub(crate) events: Vec<EncryptedEvent>,
    pub(crate) new_key: Option<NewKey>,
    pub(crate) idempotency: Option<IdempotencyKey>,
}

/// An event whose private part is encrypted.
#[derive(Debug)]
pub(crate) struct EncryptedEvent {
    pub(crate) sequence: Version,
    pub(crate) event_type: String,
    pub(crate) event_version: String,
    pub(crate) event_id: EventId,
    pub(crate) payload: String,
    pub(crate) private: Option<Vec<u8>>,
}

type Outcome = Result<(), StoreError>;

impl Request for Append {
    fn key(&self) -> Option<Uuid> {
        Some(self.aggregate_id)
    }
}

/// Batches concurrent appends. Clones share the batches.
#[derive(Debug, Clone)]
pub(crate) struct Appender(Batcher<Append, Outcome>);

impl Appender {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self(Batcher::new(move |appends: Vec<Append>| {
            let pool = pool.clone();
            async move { append(&pool, &appends).await }.boxed()
        }))
    }

    /// Appends, and is certain of the outcome: after an interrupted connection the events are looked up.
    pub(crate) async fn append(&self, append: Append) -> Outcome {
        self.0.request(append).await.unwrap_or(Err(StoreError::TimedOut))
    }
}

/// Appends all of them in one statement. An append that the database refuses takes the others of its
/// statement with it; each half is then tried separately, until the refused append is alone.
fn append<'a>(pool: &'a PgPool, appends: &'a [Append]) -> BoxFuture<'a, Vec<Outcome>> {
    async move {
        let outcome = match tokio::time::timeout(APPEND_TIMEOUT, execute(pool, appends)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(StoreError::TimedOut),
        };
        match outcome {
            Ok(()) => appends.iter().map(|_| Ok(())).collect(),
            Err(error) if appends.len() > 1 && was_rolled_back(&error) => {
                let (first, second) = appends.split_at(appends.len() / 2);
                let mut outcomes = append(pool, first).await;
                outcomes.extend(append(pool, second).await);
                outcomes
            }
            Err(error) if error.is_unavailable() && !was_never_sent(&error) => {
                join_all(appends.iter().map(|append| append.look_up_outcome(pool))).await
            }
            Err(error) if appends.len() == 1 => vec![Err(error)],
            Err(_) => appends.iter().map(|_| Err(StoreError::TimedOut)).collect(),
        }
    }
    .boxed()
}

/// Binds the rows column by column. Appends are in the order of their aggregates, so that two concurrent
/// statements wait for each other in one direction only.
async fn execute(pool: &PgPool, appends: &[Append]) -> Outcome {
    let mut ordered: Vec<&Append> = appends.iter().collect();
    ordered.sort_unstable_by_key(|append| append.aggregate_id);
    let rows: Vec<(&Append, &EncryptedEvent)> =
        ordered.iter().flat_map(|append| append.events.iter().map(|event| (*append, event))).collect();
    let keys: Vec<&NewKey> = ordered.iter().filter_map(|append| append.new_key.as_ref()).collect();
    let used: Vec<(&Append, &IdempotencyKey)> =
        ordered.iter().filter_map(|append| Some((*append, append.idempotency.as_ref()?))).collect();
    sqlx::query(APPEND)
        .bind(rows.iter().map(|(append, _)| append.aggregate).collect::<Vec<_>>())
        .bind(rows.iter().map(|(append, _)| append.aggregate_id).collect::<Vec<_>>())
        .bind(rows.iter().map(|(append, _)| append.owner).collect::<Vec<_>>())
        .bind(rows.iter().map(|(append, _)| append.metadata.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, event)| event.sequence).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, event)| event.event_type.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, event)| event.event_version.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, event)| event.event_id).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, event)| event.payload.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, event)| event.private.as_deref()).collect::<Vec<_>>())
        .bind(keys.iter().map(|key| key.subject.kind()).collect::<Vec<_>>())
        .bind(keys.iter().map(|key| key.subject.id()).collect::<Vec<_>>())
        .bind(keys.iter().map(|key| key.owner).collect::<Vec<_>>())
        .bind(keys.iter().map(|key| key.wrapped_by.as_str()).collect::<Vec<_>>())
        .bind(keys.iter().map(|key| key.wrapped.as_slice()).collect::<Vec<_>>())
        .bind(used.iter().map(|(append, _)| append.owner).collect::<Vec<_>>())
        .bind(used.iter().map(|(_, key)| key.key.as_slice()).collect::<Vec<_>>())
        .bind(used.iter().map(|(_, key)| key.command.as_slice()).collect::<Vec<_>>())
        .bind(used.iter().map(|(append, _)| append.version()).collect::<Vec<_>>())
        .bind(used.iter().map(|(append, _)| append.event_names()).collect::<Vec<_>>())
        .execute(pool)
        .await?;
    Ok(())
}

impl Append {
    /// The version of the aggregate after it.
    fn version(&self) -> Version {
        self.events.last().map_or(Version(0), |event| event.sequence)
    }

    /// The names of its events, separated by spaces.
    fn event_names(&self) -> String {
        self.events.iter().map(|event| event.event_type.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Whether the events were stored by a statement whose answer was lost.
    async fn look_up_outcome(&self, pool: &PgPool) -> Outcome {
        let Some(first) = self.events.first() else { return Ok(()) };
        let deadline = tokio::time::Instant::now() + OUTCOME_TIMEOUT;
        while tokio::time::Instant::now() < deadline {
            let stored: Result<Option<EventId>, _> = sqlx::query_scalar(
                "SELECT event_id FROM events WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence = $3",
            )
            .bind(self.aggregate)
            .bind(self.aggregate_id)
            .bind(first.sequence)
            .fetch_optional(pool)
            .await;
            match stored {
                Ok(Some(event_id)) if event_id == first.event_id => return Ok(()),
                Ok(Some(_)) => return Err(StoreError::Conflict),
                // Rolled back with its connection.
                Ok(None) => return Err(StoreError::TimedOut),
                Err(_) => tokio::time::sleep(OUTCOME_PAUSE).await,
            }
        }
        Err(StoreError::TimedOut)
    }
}

/// The database answered that it refused the whole statement: one command conflicted with another one or with
/// a lock.
fn was_rolled_back(error: &StoreError) -> bool {
    match error {
        StoreError::Unavailable(sqlx::Error::Database(error)) => {
            matches!(error.code().as_deref(), Some("40001" | "40P01"))
        }
        error => !error.is_unavailable(),
    }
}

/// There was no connection, so nothing was written.
fn was_never_sent(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed))
}

/// For an owner whose key was destroyed the table accepts no event but those of the account, which end the
/// erasure: the row has no owner and is refused.
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
