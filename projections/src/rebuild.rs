//! The rebuild of a read model in a second table, which replaces the live one in one transaction.
//!
//! Readers see the old rows until the replacement and the new rows after it. The table `checkpoints` holds
//! the position of the new table, and moves in the transaction that fills it: an interrupted rebuild resumes
//! there, unless another version of this crate started it.

use aggregates::Position;
use database::{Begin, Transaction};
use sqlx::FromRow;

use crate::quarantine::{self, Mode, QuarantineSet, Target};
use crate::{LedgerBatch, QueryError, ReadModel, erased};

/// A second table of a read model that is being filled.
#[derive(Debug)]
pub struct Rebuild {
    model: ReadModel,
    table: String,
    checkpoint: String,
    position: Position,
    /// The aggregates that have no rows in the new table.
    quarantine: QuarantineSet,
    limit: u32,
}

/// A row in which the rebuilt read model and the live one differ.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Difference {
    /// The row in Postgres' text form. Private columns are ciphertext.
    pub row: String,
    /// Whether the live read model has the row; otherwise the rebuilt one has it.
    pub live: bool,
}

/// Limits of a transaction that fills, indexes, compares or replaces a whole table. Readers and the projector
/// queue behind a lock that the transaction waits for, so that it waits for a short time only.
const LIMITS: &str = "
SELECT set_config('statement_timeout', '1h', true), set_config('lock_timeout', '2s', true),
       set_config('idle_in_transaction_session_timeout', '5min', true)";

/// The most differences that are reported of each side.
const MAX_DIFFERENCES: i64 = 20;

impl Rebuild {
    /// Starts with an empty table of the live table's form, or resumes an interrupted rebuild.
    pub async fn begin(database: impl Begin<'_>, model: ReadModel) -> Result<Self, QueryError> {
        let table = format!("{}_next", model.name());
        let checkpoint = format!("{table} {}", env!("CARGO_PKG_VERSION"));
        let mut transaction = database.begin().await?;
        sqlx::query(LIMITS).execute(&mut transaction).await?;
        let interrupted_at: Option<Position> = sqlx::query_scalar(
            "SELECT position FROM checkpoints WHERE name = $1 AND to_regclass($2) IS NOT NULL",
        )
        .bind(&checkpoint)
        .bind(&table)
        .fetch_optional(&mut transaction)
        .await?;
        if interrupted_at.is_none() {
            drop_table(&mut transaction, model, &table).await?;
            create_table(&mut transaction, model, &table).await?;
            sqlx::query("INSERT INTO checkpoints (name, position) VALUES ($1, 0)")
                .bind(&checkpoint)
                .execute(&mut transaction)
                .await?;
        }
        let quarantine = QuarantineSet::of_rebuild(&mut transaction, model, &table).await?;
        transaction.commit().await?;
        let (position, limit) = (interrupted_at.unwrap_or_default(), quarantine::DEFAULT_LIMIT);
        Ok(Self { model, table, checkpoint, position, quarantine, limit })
    }

    /// Quarantines at most so many aggregates within an hour for one cause; 0 for no limit.
    #[must_use]
    pub fn limited_to(self, limit: u32) -> Self {
        Self { quarantine: self.quarantine.with_limit(limit), limit, ..self }
    }

    /// The limit of the quarantine.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// The read model that is rebuilt.
    pub const fn model(&self) -> ReadModel {
        self.model
    }

    /// The position up to which the new table is filled.
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Applies a batch to the new table in a transaction of its own. Events that it has applied before are
    /// skipped. Aggregates of which an event cannot be applied are quarantined. Fails if events are missing,
    /// or if another process moved the checkpoint of the table; the rebuild has to begin again then.
    pub async fn apply(
        &mut self,
        database: impl Begin<'_>,
        batch: &LedgerBatch,
        mode: Mode,
    ) -> Result<(), QueryError> {
        let mut transaction = database.begin().await?;
        self.lock_checkpoint(&mut transaction).await?;
        // A crash that loses the commit loses rows and checkpoint together, so the batch is applied again.
        sqlx::query("SET LOCAL synchronous_commit = off").execute(&mut transaction).await?;
        self.apply_in(&mut transaction, batch, mode).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Applies a batch to the new table in the caller's transaction. Events that it has
    /// applied before are skipped.
    async fn apply_in(
        &mut self,
        transaction: &mut Transaction<'_>,
        batch: &LedgerBatch,
        mode: Mode,
    ) -> Result<(), QueryError> {
        let Some((first, last)) = batch.range().filter(|(_, last)| *last > self.position) else {
            return Ok(());
        };
        let missing = (first > self.position.next()).then(|| self.position.next()).or_else(|| batch.gap());
        if let Some(position) = missing {
            return Err(QueryError::Gap { name: self.table.clone(), position });
        }
        let batch = erased::without_late_events(transaction, batch).await?;
        let target = Target { model: self.model, table: &self.table };
        let batch = batch.of(self.model).after(self.position);
        quarantine::apply(target, transaction, batch, &mut self.quarantine, mode).await?;
        sqlx::query("UPDATE checkpoints SET position = $1 WHERE name = $2")
            .bind(last)
            .bind(&self.checkpoint)
            .execute(&mut *transaction)
            .await?;
        self.position = last;
        Ok(())
    }

    /// Locks the checkpoint of the new table, and sets the limits of the transaction. All changes of the
    /// table hold this lock: of two processes that rebuild the same read model, one finds that the
    /// other was here.
    async fn lock_checkpoint(&self, transaction: &mut Transaction<'_>) -> Result<(), QueryError> {
        sqlx::query(LIMITS).execute(&mut *transaction).await?;
        let ours = sqlx::query("SELECT FROM checkpoints WHERE name = $1 AND position = $2 FOR UPDATE")
            .bind(&self.checkpoint)
            .bind(self.position)
            .execute(&mut *transaction)
            .await?;
        match ours.rows_affected() {
            0 => Err(QueryError::Overtaken { name: self.table.clone() }),
            _ => Ok(()),
        }
    }

    /// Creates the secondary indexes of the live table on the new one. That is far faster on a full table
    /// than row by row.
    pub async fn create_indexes(&self, database: impl Begin<'_>) -> Result<(), QueryError> {
        let mut transaction = database.begin().await?;
        self.lock_checkpoint(&mut transaction).await?;
        let definitions: Vec<String> = sqlx::query_scalar(
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index
              WHERE indrelid = to_regclass($1) AND NOT indisprimary
                AND NOT EXISTS (SELECT FROM pg_index made WHERE made.indrelid = to_regclass($2) AND NOT made.indisprimary)",
        )
        .bind(self.model.name())
        .bind(&self.table)
        .fetch_all(&mut transaction)
        .await?;
        for definition in definitions {
            let Some((_, columns)) = definition.split_once(" USING ") else { continue };
            let unique = if definition.starts_with("CREATE UNIQUE") { "UNIQUE" } else { "" };
            let statement = format!("CREATE {unique} INDEX ON {} USING {columns}", self.table);
            sqlx::query(&statement).execute(&mut transaction).await?;
        }
        // The first queries after the replacement are planned with the statistics of the full table.
        sqlx::query(&format!("ANALYZE {}", self.table)).execute(&mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Locks the read model's checkpoint, so that the projector waits until the locked rebuild is swapped,
    /// compared or dropped.
    pub async fn lock<'c>(self, database: impl Begin<'c>) -> Result<LockedRebuild<'c>, QueryError> {
        let mut transaction = database.begin().await?;
        self.lock_checkpoint(&mut transaction).await?;
        let live = sqlx::query_scalar("SELECT position FROM checkpoints WHERE name = $1 FOR UPDATE")
            .bind(self.model.name())
            .fetch_one(&mut transaction)
            .await?;
        Ok(LockedRebuild { rebuild: self, transaction, live })
    }
}

/// A rebuild whose live table does not change: one transaction holds the lock of the checkpoint, fills the
/// rest of the new table and ends the rebuild.
#[derive(Debug)]
pub struct LockedRebuild<'c> {
    rebuild: Rebuild,
    transaction: Transaction<'c>,
    live: Position,
}

impl LockedRebuild<'_> {
    /// The position up to which the new table is filled.
    pub const fn position(&self) -> Position {
        self.rebuild.position
    }

    /// The position of the live table, up to which the new one has to be filled.
    pub const fn live_position(&self) -> Position {
        self.live
    }

    /// Applies a batch to the new table, as [`Rebuild::apply`] does.
    pub async fn apply(&mut self, batch: &LedgerBatch) -> Result<(), QueryError> {
        self.rebuild.apply_in(&mut self.transaction, batch, Mode::Isolating).await
    }

    /// Replaces the live table by the new one. If the new table is ahead, the checkpoint moves forward
    /// to its position.
    pub async fn swap(self) -> Result<Position, QueryError> {
        let Self { rebuild: Rebuild { model, table, position, .. }, mut transaction, .. } = self;
        let name = model.name();
        for statement in [
            // Changes nothing, but locks the view before its table, as readers do. The
            // other order could deadlock.
            format!("ALTER VIEW my_{name} OWNER TO colloquy_reader"),
            format!("ALTER TABLE {name} RENAME TO {name}_old"),
            format!("ALTER TABLE {table} RENAME TO {name}"),
            format!("SELECT protect_read_model('{name}')"),
            format!("DROP TABLE {name}_old"),
        ] {
            sqlx::query(&statement).execute(&mut transaction).await?;
        }
        sqlx::query("UPDATE checkpoints SET position = greatest(position, $1) WHERE name = $2")
            .bind(position)
            .bind(name)
            .execute(&mut transaction)
            .await?;
        quarantine::move_to_live(model, &table, &mut transaction).await?;
        delete_checkpoints(&mut transaction, &table).await?;
        transaction.commit().await?;
        Ok(position)
    }

    /// Compares the new table with the live one row by row, drops the new one and returns
    /// the first differences.
    pub async fn compare(self) -> Result<Vec<Difference>, QueryError> {
        let Self { rebuild: Rebuild { model, table: next, .. }, mut transaction, .. } = self;
        let live = model.name();
        let columns: String = sqlx::query_scalar(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
              WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
        )
        .bind(live)
        .fetch_one(&mut transaction)
        .await?;
        let statement = format!(
            "(SELECT true AS live, a::text AS row
                FROM (SELECT {columns} FROM {live} EXCEPT ALL SELECT {columns} FROM {next}) a LIMIT $1)
             UNION ALL
             (SELECT false, b::text
                FROM (SELECT {columns} FROM {next} EXCEPT ALL SELECT {columns} FROM {live}) b LIMIT $1)"
        );
        let differences =
            sqlx::query_as(&statement).bind(MAX_DIFFERENCES).fetch_all(&mut transaction).await?;
        drop_table(&mut transaction, model, &next).await?;
        transaction.commit().await?;
        Ok(differences)
    }
}

async fn drop_table(
    transaction: &mut Transaction<'_>,
    model: ReadModel,
    table: &str,
) -> Result<(), sqlx::Error> {
    debug_assert!(table.starts_with(model.name()));
    sqlx::query(&format!("DROP TABLE IF EXISTS {table}")).execute(&mut *transaction).await?;
    sqlx::query("DELETE FROM quarantine WHERE read_model = $1")
        .bind(table)
        .execute(&mut *transaction)
        .await?;
    delete_checkpoints(transaction, table).await
}

/// Deletes the checkpoints of a table, those of other versions of this crate included.
async fn delete_checkpoints(transaction: &mut Transaction<'_>, table: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM checkpoints WHERE split_part(name, ' ', 1) = $1")
        .bind(table)
        .execute(&mut *transaction)
        .await?;
    Ok(())
}

/// Creates a table of the live table's form. It has the primary key alone, which finds rows while
/// the table is filled.
async fn create_table(
    transaction: &mut Transaction<'_>,
    model: ReadModel,
    table: &str,
) -> Result<(), sqlx::Error> {
    let name = model.name();
    sqlx::query(&format!("CREATE TABLE {table} (LIKE {name} INCLUDING ALL EXCLUDING INDEXES)"))
        .execute(&mut *transaction)
        .await?;
    let key: String = sqlx::query_scalar(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = to_regclass($1) AND contype = 'p'",
    )
    .bind(name)
    .fetch_one(&mut *transaction)
    .await?;
    sqlx::query(&format!("ALTER TABLE {table} ADD {key}")).execute(&mut *transaction).await?;
    Ok(())
}
