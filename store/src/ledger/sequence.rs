//! From the outbox to the ledger: what was committed gets its place in the one order.

use aggregates::Position;
use sqlx::FromRow as _;
use sqlx::Row as _;
use uuid::Uuid;

use crate::ledger::chain::LedgerHash;
use crate::ledger::read::{LedgerEntry, StoredEvent};
use crate::{Store, StoreError};

/// The advisory lock that one sealer at a time holds for the length of a transaction.
const SEALER_LOCK: i64 = 0x636f_6c6c_6f71_7579;

/// The most events one transaction places. Larger batches save round trips but make the first event wait.
const BATCH: i64 = 1_000;

/// What one attempt at sealing led to.
#[derive(Debug)]
pub enum Sealed {
    /// These events were placed, in order.
    Placed {
        /// The events.
        entries: Vec<LedgerEntry>,
        /// They are as many as one transaction places, so that more may wait.
        full: bool,
    },
    /// Nothing was waiting, or another sealer is at it.
    Nothing,
    /// Another sealer has moved on: the head known to the caller is not the ledger's any more.
    Overtaken,
}

impl Store {
    /// Places the events waiting in the outbox after the given head of the ledger.
    ///
    /// The lock only saves work: two sealers that both believe in the same head are kept apart by the ledger's keys.
    pub async fn seal_outbox(&self, head: (Position, LedgerHash)) -> Result<Sealed, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let rows = sqlx::query(WAITING).bind(SEALER_LOCK).bind(BATCH).fetch_all(&mut *transaction).await?;
        if rows.is_empty() {
            transaction.rollback().await?;
            return Ok(Sealed::Nothing);
        }
        let mut ids: Vec<i64> = Vec::with_capacity(rows.len());
        let mut entries = Vec::with_capacity(rows.len());
        let (mut position, mut hash) = head;
        for row in &rows {
            let event = StoredEvent::from_row(row)?;
            position = position.next();
            hash = event.chain(&hash);
            ids.push(row.try_get("outbox_id")?);
            entries.push(LedgerEntry { position, hash, event });
        }
        match place(&mut transaction, &ids, &entries).await {
            Err(error) if is_overtaken(&error) => return Ok(Sealed::Overtaken),
            placed => placed?,
        }
        transaction.commit().await?;
        let full = i64::try_from(entries.len()) == Ok(BATCH);
        Ok(Sealed::Placed { entries, full })
    }
}

async fn place(
    transaction: &mut sqlx::PgTransaction<'_>,
    outbox_ids: &[i64],
    entries: &[LedgerEntry],
) -> Result<(), sqlx::Error> {
    let positions: Vec<i64> = entries.iter().map(|entry| entry.position.0.cast_signed()).collect();
    let types: Vec<&str> = entries.iter().map(|entry| entry.event.aggregate_type.as_str()).collect();
    let ids: Vec<Uuid> = entries.iter().map(|entry| entry.event.aggregate_id).collect();
    let sequences: Vec<i64> = entries.iter().map(|entry| entry.event.sequence).collect();
    let owners: Vec<Uuid> = entries.iter().map(|entry| entry.event.owner).collect();
    let hashes: Vec<&[u8]> = entries.iter().map(|entry| entry.hash.as_slice()).collect();
    sqlx::query(PLACE)
        .bind(positions)
        .bind(types)
        .bind(ids)
        .bind(sequences)
        .bind(owners)
        .bind(hashes)
        .bind(outbox_ids)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

fn is_overtaken(error: &sqlx::Error) -> bool {
    let constraint = error.as_database_error().and_then(sqlx::error::DatabaseError::constraint);
    matches!(constraint, Some("ledger_position" | "ledger_event"))
}

/// Order within an aggregate: an event is appended only after its predecessor was committed, so its outbox id is higher,
/// and whoever sees it sees the predecessor too.
const WAITING: &str = "
SELECT o.id AS outbox_id, e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, e.event_version,
       e.event_id, e.owner, e.payload, e.metadata, e.private, e.recorded_at
  FROM (SELECT pg_try_advisory_xact_lock($1) AS held OFFSET 0) AS seat
 CROSS JOIN LATERAL (
       SELECT id, aggregate_type, aggregate_id, sequence FROM outbox WHERE seat.held ORDER BY id LIMIT $2
       ) AS o
  JOIN events e
    ON e.aggregate_type = o.aggregate_type AND e.aggregate_id = o.aggregate_id AND e.sequence = o.sequence
 ORDER BY o.id";

const PLACE: &str = "
WITH placed AS (
    INSERT INTO ledger (position, aggregate_type, aggregate_id, sequence, owner, hash)
    SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::uuid[], $4::bigint[], $5::uuid[], $6::bytea[])
)
DELETE FROM outbox WHERE id = ANY($7::bigint[])";
