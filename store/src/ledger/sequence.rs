//! Moves committed events from the outbox into the ledger: each gets the next position and its hash.

use aggregates::Position;
use sqlx::FromRow;

use crate::ledger::chain::LedgerHash;
use crate::ledger::read::{LedgerEntry, StoredEvent};
use crate::{Store, StoreError};

/// The advisory lock that one sequencer at a time holds for the length of a transaction.
const SEQUENCER_LOCK: i64 = 0x636f_6c6c_6f71_7579;

/// Events that one transaction moves, at most. A larger batch saves round trips and delays its first event.
const BATCH: i64 = 1_000;

/// The result of one attempt to move events.
#[derive(Debug)]
pub enum Sequenced {
    /// Events got their positions.
    Appended {
        /// The new entries of the ledger, in order.
        entries: Vec<LedgerEntry>,
        /// The transaction was full, so that more events may wait.
        full: bool,
    },
    /// No event waits, or another sequencer holds the lock.
    Nothing,
    /// Another sequencer extended the ledger: the head that the caller knows is not its head any more.
    Overtaken,
}

#[derive(FromRow)]
struct WaitingEvent {
    outbox_id: i64,
    #[sqlx(flatten)]
    event: StoredEvent,
}

impl Store {
    /// Appends the events that wait in the outbox to the ledger, after its given head.
    ///
    /// The lock saves work only: of two sequencers that know the same head, the constraints of the ledger
    /// refuse one.
    pub async fn sequence_outbox(&self, head: (Position, LedgerHash)) -> Result<Sequenced, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let waiting: Vec<WaitingEvent> =
            sqlx::query_as(WAITING).bind(SEQUENCER_LOCK).bind(BATCH).fetch_all(&mut *transaction).await?;
        if waiting.is_empty() {
            transaction.rollback().await?;
            return Ok(Sequenced::Nothing);
        }
        let mut outbox_ids = Vec::with_capacity(waiting.len());
        let mut entries = Vec::with_capacity(waiting.len());
        let (mut position, mut hash) = head;
        for WaitingEvent { outbox_id, event } in waiting {
            position = position.next();
            hash = event.chain(&hash);
            outbox_ids.push(outbox_id);
            entries.push(LedgerEntry { position, hash, event });
        }
        match append(&mut transaction, &outbox_ids, &entries).await {
            Err(error) if is_overtaken(&error) => return Ok(Sequenced::Overtaken),
            appended => appended?,
        }
        transaction.commit().await?;
        let full = i64::try_from(entries.len()) == Ok(BATCH);
        Ok(Sequenced::Appended { entries, full })
    }
}

async fn append(
    transaction: &mut sqlx::PgTransaction<'_>,
    outbox_ids: &[i64],
    entries: &[LedgerEntry],
) -> Result<(), sqlx::Error> {
    sqlx::query(APPEND)
        .bind(entries.iter().map(|entry| entry.position).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.event.aggregate_type.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.event.aggregate_id).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.event.sequence).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.event.owner).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.hash.as_slice()).collect::<Vec<_>>())
        .bind(outbox_ids)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

fn is_overtaken(error: &sqlx::Error) -> bool {
    let constraint = error.as_database_error().and_then(sqlx::error::DatabaseError::constraint);
    matches!(constraint, Some("ledger_position" | "ledger_event"))
}

/// Outbox ids keep the order within each aggregate: an event is appended after its predecessor is committed.
/// Its id is higher, and a transaction that sees the event sees the predecessor.
const WAITING: &str = "
SELECT o.id AS outbox_id, e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, e.event_version,
       e.event_id, e.owner, e.payload, e.metadata, e.private, e.recorded_at
  FROM (SELECT pg_try_advisory_xact_lock($1) AS held OFFSET 0) AS sequencer
 CROSS JOIN LATERAL (
       SELECT id, aggregate_type, aggregate_id, sequence FROM outbox WHERE sequencer.held ORDER BY id LIMIT $2
       ) AS o
  JOIN events e
    ON e.aggregate_type = o.aggregate_type AND e.aggregate_id = o.aggregate_id AND e.sequence = o.sequence
 ORDER BY o.id";

const APPEND: &str = "
WITH appended AS (
    INSERT INTO ledger (position, aggregate_type, aggregate_id, sequence, owner, hash)
    SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::uuid[], $4::bigint[], $5::uuid[], $6::bytea[])
)
DELETE FROM outbox WHERE id = ANY($7::bigint[])";
