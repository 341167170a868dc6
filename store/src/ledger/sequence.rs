//! Moves committed events from the outbox into the ledger: each gets the next position and its hash.

use aggregates::Position;
use sqlx::FromRow;

use crate::ledger::chain::LedgerHash;
use crate::ledger::read::{LedgerEntry, StoredEvent};
use crate::{Store, StoreError};
use database::{Limit, Transaction};

/// The advisory lock that one sequencer at a time holds for the length of a transaction.
const SEQUENCER_LOCK: i64 = 0x636f_6c6c_6f71_7579;

/// Time for which a process may stand still between two statements of its transaction, with the lock.
const STANDSTILL: &str = "5s";

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
    /// Appends at most `limit` of the events that wait in the outbox to the ledger, after its given head.
    /// Takes four round trips.
    ///
    /// The lock saves work only: of two sequencers that know the same head, the constraints of the ledger
    /// refuse one. A sequencer whose head is not the ledger's, because the database went back in time, is
    /// refused as well.
    ///
    /// PostgreSQL ends the transaction of a process that stands still in it for `STANDSTILL`, so that another
    /// sequencer takes over.
    pub async fn sequence_outbox(
        &self,
        head: (Position, LedgerHash),
        limit: u32,
    ) -> Result<Sequenced, StoreError> {
        let sequencing = self.pool.transaction(Limit::Short, async |transaction| {
            let waiting: Vec<WaitingEvent> = sqlx::query_as(WAITING)
                .bind(SEQUENCER_LOCK)
                .bind(i64::from(limit))
                .bind(STANDSTILL)
                .fetch_all(&mut *transaction)
                .await?;
            if waiting.is_empty() {
                return Ok(Sequenced::Nothing);
            }
            let full = waiting.len() == limit as usize;
            let (outbox_ids, entries) = chain(waiting, head);
            let appended = append(transaction, &outbox_ids, &entries, head).await?;
            Ok(if appended { Sequenced::Appended { entries, full } } else { Sequenced::Overtaken })
        });
        match sequencing.await {
            Err(error) if is_overtaken(&error) => Ok(Sequenced::Overtaken),
            sequenced => Ok(sequenced?),
        }
    }
}

impl Store {
    /// Removes rows of the outbox that no position can be given to: of events that have one already, that
    /// another row names as well, or that do not exist. No statement of this service leaves such a row, and a
    /// single one would hold up all others. Returns their number.
    pub async fn clear_outbox(&self) -> Result<u64, StoreError> {
        Ok(sqlx::query(CLEAR).execute(&self.pool).await?.rows_affected())
    }
}

/// Assigns positions and hashes. Returns the outbox rows and the entries in the same order.
fn chain(waiting: Vec<WaitingEvent>, head: (Position, LedgerHash)) -> (Vec<i64>, Vec<LedgerEntry>) {
    let (mut position, mut hash) = head;
    let placed = waiting.into_iter().map(|WaitingEvent { outbox_id, event }| {
        position = position.next();
        hash = event.chain(&hash);
        (outbox_id, LedgerEntry { position, hash, event })
    });
    placed.unzip()
}

/// Returns `false` if the ledger does not end in the given head; nothing is appended then.
async fn append(
    transaction: &mut Transaction<'_>,
    outbox_ids: &[i64],
    entries: &[LedgerEntry],
    (head, head_hash): (Position, LedgerHash),
) -> Result<bool, sqlx::Error> {
    let previous = std::iter::once(&head_hash).chain(entries.iter().map(|entry| &entry.hash));
    let appended = sqlx::query(APPEND)
        .bind(entries.iter().map(|entry| entry.position).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.event.aggregate_type.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.event.aggregate_id).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.event.sequence).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.event.owner).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.hash.as_slice()).collect::<Vec<_>>())
        .bind(outbox_ids)
        .bind(previous.take(entries.len()).map(<[u8; 32]>::as_slice).collect::<Vec<_>>())
        .bind(head)
        .bind(head_hash)
        .execute(transaction)
        .await?;
    Ok(appended.rows_affected() > 0)
}

fn is_overtaken(error: &sqlx::Error) -> bool {
    let constraint = error.as_database_error().and_then(sqlx::error::DatabaseError::constraint);
    matches!(constraint, Some("ledger_position" | "ledger_event" | "ledger_chain"))
}

/// Outbox ids keep the order within each aggregate: an event is appended after its predecessor is committed.
/// Its id is higher, and a transaction that sees the event sees the predecessor.
const WAITING: &str = "
SELECT o.id AS outbox_id, e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, e.event_version,
       e.event_id, e.owner, e.payload, e.metadata, e.private, e.recorded_at
  FROM (SELECT pg_try_advisory_xact_lock($1) AS held,
               set_config('idle_in_transaction_session_timeout', $3, true) OFFSET 0) AS sequencer
 CROSS JOIN LATERAL (
       SELECT id, aggregate_type, aggregate_id, sequence FROM outbox WHERE sequencer.held ORDER BY id LIMIT $2
       ) AS o
  JOIN events e
    ON e.aggregate_type = o.aggregate_type AND e.aggregate_id = o.aggregate_id AND e.sequence = o.sequence
 ORDER BY o.id";

const CLEAR: &str = "
DELETE FROM outbox o
 WHERE EXISTS (SELECT FROM ledger l
                WHERE l.aggregate_type = o.aggregate_type AND l.aggregate_id = o.aggregate_id AND l.sequence = o.sequence)
    OR EXISTS (SELECT FROM outbox first
                WHERE first.aggregate_type = o.aggregate_type AND first.aggregate_id = o.aggregate_id
                  AND first.sequence = o.sequence AND first.id < o.id)
    OR NOT EXISTS (SELECT FROM events e
                    WHERE e.aggregate_type = o.aggregate_type AND e.aggregate_id = o.aggregate_id
                      AND e.sequence = o.sequence)";

/// Appends after the head only. The trigger `ledger_chain` checks what every writer of the ledger
/// has to keep.
const APPEND: &str = "
WITH appended AS (
    INSERT INTO ledger (position, aggregate_type, aggregate_id, sequence, owner, hash, previous_hash)
    SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::uuid[], $4::bigint[], $5::uuid[], $6::bytea[], $8::bytea[])
     WHERE $9::bigint = 0 OR EXISTS (SELECT FROM ledger WHERE position = $9 AND hash = $10)
    RETURNING position
)
DELETE FROM outbox WHERE id = ANY($7::bigint[]) AND EXISTS (SELECT FROM appended)";
