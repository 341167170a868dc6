//! State of the store: one query over indexes, for metrics and the state of an installation.

use aggregates::Position;
use chrono::{DateTime, Utc};
use database::Limit;
use sqlx::FromRow;

use crate::{Store, StoreError};

/// Rows that a count reads at most.
const MAX_COUNT: i64 = 10_000;

/// The state of the event store at one moment. Ages are in seconds by the clock of the database, which also
/// dates events.
#[derive(Debug, Clone, Copy, PartialEq, FromRow)]
pub struct Vitals {
    /// The last position of the ledger.
    pub head: Position,
    /// Events that wait for their position, counted up to 10,000.
    pub outbox_events: i64,
    /// Age of the oldest of them.
    pub outbox_oldest: Option<f64>,
    /// Answers that wait for a worker or are being written, counted up to 10,000.
    pub pending_answers: i64,
    /// The position of the last checkpoint.
    pub checkpoint: Option<Position>,
    /// The time of the last checkpoint.
    pub checkpoint_at: Option<DateTime<Utc>>,
    /// Age of the last checkpoint.
    pub checkpoint_age: Option<f64>,
    /// Erasures that are not complete, counted up to 10,000.
    pub erasures: i64,
    /// Age of the oldest of them.
    pub erasures_oldest: Option<f64>,
    /// Whether the database accepts no change: it is a replica, or was set read-only.
    pub is_read_only: bool,
}

impl Store {
    /// The state of the event store. The costs do not depend on the number of events.
    pub async fn vitals(&self) -> Result<Vitals, StoreError> {
        Ok(sqlx::query_as(VITALS).bind(MAX_COUNT).fetch_one(&self.pool).await?)
    }

    /// Whether the database accepts no change: it is a replica, or was set read-only.
    pub async fn is_read_only(&self) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar(IS_READ_ONLY).fetch_one(&self.pool).await?)
    }

    /// Age of the event at a position, in seconds; `None` beyond the head.
    pub async fn age_of(&self, position: Position) -> Result<Option<f64>, StoreError> {
        Ok(sqlx::query_scalar(AGE).bind(position).fetch_optional(&self.pool).await?)
    }

    /// Whether the database accepts a change of some size now. Takes pages in its files and gives them back.
    pub async fn accepts_writes(&self) -> Result<(), StoreError> {
        let written = self.pool.transaction(Limit::Short, async |transaction| {
            sqlx::query(WRITE).execute(&mut *transaction).await?;
            // Rolls the transaction back.
            Err::<(), _>(sqlx::Error::RowNotFound)
        });
        match written.await {
            Ok(()) | Err(sqlx::Error::RowNotFound) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

const IS_READ_ONLY: &str = "
    SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean";

const WRITE: &str = "
    CREATE TEMPORARY TABLE write_check ON COMMIT DROP AS
    SELECT i, repeat(md5(i::text), 40) AS filling FROM generate_series(1, 64) i";

const VITALS: &str = "
    SELECT (SELECT coalesce(max(position), 0) FROM ledger) AS head,
           (SELECT count(*) FROM (SELECT FROM outbox LIMIT $1) counted) AS outbox_events,
           (SELECT extract(epoch FROM clock_timestamp() - e.recorded_at)::float8
              FROM (SELECT * FROM outbox ORDER BY id LIMIT 1) o
              JOIN events e USING (aggregate_type, aggregate_id, sequence)) AS outbox_oldest,
           (SELECT count(*) FROM (SELECT FROM answer_queue LIMIT $1) counted) AS pending_answers,
           c.position AS checkpoint,
           c.signed_at AS checkpoint_at,
           extract(epoch FROM clock_timestamp() - c.signed_at)::float8 AS checkpoint_age,
           (SELECT count(*) FROM (SELECT FROM erasures WHERE finished_at IS NULL LIMIT $1) counted) AS erasures,
           (SELECT extract(epoch FROM clock_timestamp() - min(requested_at))::float8
              FROM erasures WHERE finished_at IS NULL) AS erasures_oldest,
           pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS is_read_only
      FROM (SELECT) one
      LEFT JOIN (SELECT position, signed_at FROM audit_checkpoints ORDER BY position DESC LIMIT 1) c ON true";

const AGE: &str = "
    SELECT extract(epoch FROM clock_timestamp() - e.recorded_at)::float8
      FROM ledger l JOIN events e USING (aggregate_type, aggregate_id, sequence)
     WHERE l.position = $1";
