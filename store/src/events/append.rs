//! Appends the events of commands: events, outbox rows, a new key and the use of an Idempotency-Key in one
//! statement, which concurrent commands share.

use std::sync::Arc;
use std::time::Duration;

use aggregates::{AggregateType, EventId, UserId, Version};
use database::{CLIENT_LIMIT, Pool, is_lost, no_answer};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use measures::catalogue::APPEND_BATCH;
use sqlx::postgres::{PgDatabaseError, PgSeverity};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::StoreError;
use crate::batch::{Batcher, Request, SLOTS};
use crate::events::idempotency::IdempotencyKey;
use crate::events::load_limit::LoadLimit;
use crate::keys::keyring::NewKey;

/// Time to look up the outcome of an append without an answer, and the pause between two attempts. With
/// [`CLIENT_LIMIT`] it bounds the time for which a silent connection holds a slot.
const OUTCOME_TIMEOUT: Duration = Duration::from_secs(2);
const OUTCOME_PAUSE: Duration = Duration::from_millis(100);
/// Time limit of an append that is repeated because its connection broke.
const REPETITION_TIMEOUT: Duration = Duration::from_secs(3);

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
pub(crate) struct Appender {
    batches: Batcher<Append, Outcome>,
    limit: LoadLimit,
}

impl Appender {
    pub(crate) fn new(pool: Pool) -> Self {
        let limit = LoadLimit::new(SLOTS);
        let running = limit.clone();
        let batches = Batcher::new(move |appends: Vec<Append>| {
            let (pool, running) = (pool.clone(), running.run());
            APPEND_BATCH.record_count(&[], appends.len());
            async move { append(&pool, &appends).inspect(|_| drop(running)).await }.boxed()
        });
        Self { batches, limit }
    }

    /// Appends. An append whose connection broke is repeated on another connection. Where the database is
    /// silent, the events are looked up; if they are not there, the statement may still be on its way and the
    /// outcome is unknown. While the database is far behind, the append is refused at once.
    pub(crate) async fn append(&self, append: Append) -> Outcome {
        let span = tracing::info_span!("append", events = append.events.len());
        let _place = self.limit.enter()?;
        self.batches.request(append).instrument(span).await.unwrap_or(Err(StoreError::OutcomeUnknown))
    }
}

/// An append that the database did not confirm.
#[derive(Debug)]
enum Failure {
    /// Nothing was written: there was no connection, or the database answered that it refused the statement.
    Refused(StoreError),
    /// The statement was sent, and its connection broke before an answer came.
    Lost(StoreError),
    /// The statement was sent, and no answer came in time.
    Unanswered(StoreError),
}

/// Appends all of them in one statement. An append that the database refuses takes the others of its
/// statement with it; each half is then tried separately, until the refused append is alone.
fn append<'a>(pool: &'a Pool, appends: &'a [Append]) -> BoxFuture<'a, Vec<Outcome>> {
    async move {
        match execute(pool, appends, CLIENT_LIMIT).await {
            Ok(()) => appends.iter().map(|_| Ok(())).collect(),
            Err(Failure::Unanswered(error)) => {
                log_unanswered(&error, appends.len());
                look_up_outcomes(pool, appends).await
            }
            Err(Failure::Lost(error)) => {
                log_unanswered(&error, appends.len());
                append_again(pool, appends).await
            }
            Err(Failure::Refused(StoreError::Unavailable(cause))) if !is_a_conflict_of_locks(&cause) => {
                appends.iter().map(|_| Err(StoreError::Unavailable(Arc::clone(&cause)))).collect()
            }
            Err(Failure::Refused(_)) if appends.len() > 1 => {
                let (first, second) = appends.split_at(appends.len() / 2);
                let mut outcomes = append(pool, first).await;
                outcomes.extend(append(pool, second).await);
                outcomes
            }
            Err(Failure::Refused(error)) => vec![Err(error)],
        }
    }
    .boxed()
}

/// Appends what may have been appended by a statement whose connection broke. Both statements together write
/// the events once: the place of an event in its aggregate is unique. Which of them wrote an event shows by
/// the event's id.
fn append_again<'a>(pool: &'a Pool, appends: &'a [Append]) -> BoxFuture<'a, Vec<Outcome>> {
    async move {
        match execute(pool, appends, REPETITION_TIMEOUT).await {
            Ok(()) => appends.iter().map(|_| Ok(())).collect(),
            Err(Failure::Refused(StoreError::Unavailable(_)) | Failure::Lost(_) | Failure::Unanswered(_)) => {
                look_up_outcomes(pool, appends).await
            }
            Err(Failure::Refused(_)) if appends.len() > 1 => {
                let (first, second) = appends.split_at(appends.len() / 2);
                let mut outcomes = append_again(pool, first).await;
                outcomes.extend(append_again(pool, second).await);
                outcomes
            }
            Err(Failure::Refused(error)) => match look_up_outcomes(pool, appends).await.pop() {
                Some(outcome @ (Ok(()) | Err(StoreError::Conflict))) => vec![outcome],
                _ => vec![Err(refused_for_good(error))],
            },
        }
    }
    .boxed()
}

/// The outcome of a statement that is still under way, after the same one was refused.
fn refused_for_good(error: StoreError) -> StoreError {
    match error {
        StoreError::Conflict | StoreError::IdempotencyKeyUsed | StoreError::OwnerErased => error,
        _ => StoreError::OutcomeUnknown,
    }
}

fn log_unanswered(error: &StoreError, appends: usize) {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        appends,
        "an append had no answer; it is looked up or repeated"
    );
}

/// Binds the rows column by column. Appends are in the order of their aggregates, so that two concurrent
/// statements wait for each other in one direction only.
async fn execute(pool: &Pool, appends: &[Append], limit: Duration) -> Result<(), Failure> {
    let mut ordered: Vec<&Append> = appends.iter().collect();
    ordered.sort_unstable_by_key(|append| append.aggregate_id);
    let rows: Vec<(&Append, &EncryptedEvent)> =
        ordered.iter().flat_map(|append| append.events.iter().map(|event| (*append, event))).collect();
    let keys: Vec<&NewKey> = ordered.iter().filter_map(|append| append.new_key.as_ref()).collect();
    let used: Vec<(&Append, &IdempotencyKey)> =
        ordered.iter().filter_map(|append| Some((*append, append.idempotency.as_ref()?))).collect();
    let query = sqlx::query(APPEND)
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
        .bind(used.iter().map(|(append, _)| append.event_names()).collect::<Vec<_>>());
    let mut connection = pool.acquire().await.map_err(|error| Failure::Refused(error.into()))?;
    let executed = timeout(limit, query.execute(&mut connection)).await;
    match executed.unwrap_or_else(|_| Err(no_answer())) {
        Ok(_) => Ok(()),
        Err(error) if is_an_answer(&error) => Err(Failure::Refused(error.into())),
        Err(error) => {
            connection.abandon();
            let failure = if is_lost(&error) { Failure::Lost } else { Failure::Unanswered };
            Err(failure(error.into()))
        }
    }
}

impl Append {
    /// The version of the aggregate after it.
    fn version(&self) -> Version {
        self.events.last().map_or(Version(0), |event| event.sequence)
    }

    /// The outcome, by the event that is stored in the place of its first event.
    fn outcome(&self, stored: Option<EventId>) -> Outcome {
        match (stored, self.events.first()) {
            (Some(stored), Some(first)) if stored == first.event_id => Ok(()),
            (Some(_), _) => Err(StoreError::Conflict),
            (None, _) => Err(StoreError::OutcomeUnknown),
        }
    }

    /// The names of its events, separated by spaces.
    fn event_names(&self) -> String {
        self.events.iter().map(|event| event.event_type.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// Whether the events were stored by a statement whose answer was lost. That they are missing proves nothing:
/// the statement can be in a pooler's queue or on a network path that comes back.
async fn look_up_outcomes(pool: &Pool, appends: &[Append]) -> Vec<Outcome> {
    let deadline = Instant::now() + OUTCOME_TIMEOUT;
    while Instant::now() < deadline {
        match timeout_at(deadline, stored_events(pool, appends)).await {
            Ok(Ok(stored)) => {
                return appends.iter().zip(stored).map(|(append, stored)| append.outcome(stored)).collect();
            }
            Ok(Err(_)) => tokio::time::sleep(OUTCOME_PAUSE).await,
            Err(_) => break,
        }
    }
    appends.iter().map(|_| Err(StoreError::OutcomeUnknown)).collect()
}

/// The events that stand where the first event of each append belongs.
async fn stored_events(pool: &Pool, appends: &[Append]) -> Result<Vec<Option<EventId>>, sqlx::Error> {
    let first = |append: &Append| append.events.first().map_or(Version(0), |event| event.sequence);
    sqlx::query_scalar(
        "SELECT e.event_id
           FROM UNNEST($1::text[], $2::uuid[], $3::bigint[])
                WITH ORDINALITY AS a (aggregate_type, aggregate_id, sequence, number)
           LEFT JOIN events e USING (aggregate_type, aggregate_id, sequence)
          ORDER BY a.number",
    )
    .bind(appends.iter().map(|append| append.aggregate).collect::<Vec<_>>())
    .bind(appends.iter().map(|append| append.aggregate_id).collect::<Vec<_>>())
    .bind(appends.iter().map(first).collect::<Vec<_>>())
    .fetch_all(pool)
    .await
}

/// The database answered that it refused the statement and rolled it back. An error that ends the session is
/// not an answer to the statement: it can come after the commit.
fn is_an_answer(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error
            .try_downcast_ref::<PgDatabaseError>()
            .is_some_and(|error| matches!(error.severity(), PgSeverity::Error)),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            false
        }
        _ => true,
    }
}

/// One of the appends was in the way of another process: its halves can pass.
fn is_a_conflict_of_locks(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("40001" | "40P01"))
}

/// For an owner whose key was destroyed the table accepts no event but those of the account, which end the
/// erasure, and the failures of pending answers, which have no text: any other row has no owner
/// and is refused.
const APPEND: &str = "
WITH appended AS (
    INSERT INTO events (aggregate_type, aggregate_id, owner, metadata,
                        sequence, event_type, event_version, event_id, payload, private)
    SELECT e.aggregate_type, e.aggregate_id,
           CASE WHEN e.aggregate_type <> 'account' AND e.event_type <> 'AnswerFailed'
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
    INSERT INTO outbox (aggregate_type, aggregate_id, sequence, owner)
    SELECT * FROM UNNEST($1::text[], $2::uuid[], $5::bigint[], $3::uuid[])
), new_keys AS (
    INSERT INTO keys (kind, id, owner, wrapped_by, wrapped)
    SELECT * FROM UNNEST($11::text[], $12::uuid[], $13::uuid[], $14::text[], $15::bytea[])
)
INSERT INTO idempotency (owner, key_hash, command_hash, version, events)
SELECT k.owner, k.key_hash, k.command_hash, k.version, string_to_array(k.events, ' ')
  FROM UNNEST($16::uuid[], $17::bytea[], $18::bytea[], $19::bigint[], $20::text[])
       AS k (owner, key_hash, command_hash, version, events)";
