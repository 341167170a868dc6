//! A read model made anew beside the old one, and put in its place in one transaction, so that readers never see half of it.
//!
//! How far the new table is stands in `checkpoints` and moves in the transaction that fills it: a rebuild that was
//! interrupted goes on where it was, unless another version of this crate began it.

use aggregates::Position;
use sqlx::{PgPool, PgTransaction, Row as _};

use crate::{Opened, ReadModel, apply_one};

/// A read model on its way to be replaced, or to be compared.
#[derive(Debug)]
pub struct Rebuild {
    model: ReadModel,
    table: String,
    checkpoint: String,
    position: Position,
}

/// Where a rebuilt read model and the live one differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// A row, in Postgres' text form. Whatever somebody wrote is ciphertext in it.
    pub row: String,
    /// Whether the live read model has it; else the rebuilt one does.
    pub live: bool,
}

/// Differences told of one read model; more of them say nothing new.
const MOST_DIFFERENCES: i64 = 20;

impl Rebuild {
    /// Begins with an empty table of the old one's form, or goes on with the one that was begun before.
    pub async fn begin(pool: &PgPool, model: ReadModel) -> Result<Self, sqlx::Error> {
        let table = format!("{}_next", model.name());
        let checkpoint = format!("{table} {}", env!("CARGO_PKG_VERSION"));
        let mut transaction = pool.begin().await?;
        let begun: Option<i64> = sqlx::query_scalar(
            "SELECT position FROM checkpoints WHERE name = $1 AND to_regclass($2) IS NOT NULL",
        )
        .bind(&checkpoint)
        .bind(&table)
        .fetch_optional(&mut *transaction)
        .await?;
        if begun.is_none() {
            drop_next(&mut transaction, model, &table).await?;
            create_next(&mut transaction, model, &table).await?;
            sqlx::query("INSERT INTO checkpoints (name, position) VALUES ($1, 0)")
                .bind(&checkpoint)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(Self { model, table, checkpoint, position: Position(begun.unwrap_or(0).unsigned_abs()) })
    }

    /// The read model.
    pub const fn model(&self) -> ReadModel {
        self.model
    }

    /// How far the new table is.
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Applies the next events of the ledger to the new table; those it has seen already are passed over.
    pub async fn apply(&mut self, pool: &PgPool, batch: &[Opened]) -> Result<(), sqlx::Error> {
        let mut transaction = pool.begin().await?;
        // What a crash takes away is made again.
        sqlx::query("SET LOCAL synchronous_commit = off").execute(&mut *transaction).await?;
        self.apply_in(&mut transaction, batch).await?;
        transaction.commit().await
    }

    /// The same in a transaction that is open already.
    pub async fn apply_in(
        &mut self,
        transaction: &mut PgTransaction<'_>,
        batch: &[Opened],
    ) -> Result<(), sqlx::Error> {
        let unseen = batch.partition_point(|event| event.recorded.position <= self.position);
        let batch = batch.get(unseen..).unwrap_or_default();
        let Some(last) = batch.last() else { return Ok(()) };
        apply_one(self.model, &self.table, transaction, batch).await?;
        sqlx::query("UPDATE checkpoints SET position = $1 WHERE name = $2")
            .bind(last.recorded.position.0.cast_signed())
            .bind(&self.checkpoint)
            .execute(&mut **transaction)
            .await?;
        self.position = last.recorded.position;
        Ok(())
    }

    /// Makes the indexes that filling does not need: far faster over a full table than row by row.
    pub async fn index(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut transaction = pool.begin().await?;
        let definitions: Vec<String> = sqlx::query_scalar(
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index
              WHERE indrelid = to_regclass($1) AND NOT indisprimary
                AND NOT EXISTS (SELECT FROM pg_index made WHERE made.indrelid = to_regclass($2) AND NOT made.indisprimary)",
        )
        .bind(self.model.name())
        .bind(&self.table)
        .fetch_all(&mut *transaction)
        .await?;
        for definition in definitions {
            let Some((_, form)) = definition.split_once(" USING ") else { continue };
            let unique = if definition.starts_with("CREATE UNIQUE") { "UNIQUE" } else { "" };
            let statement = format!("CREATE {unique} INDEX ON {} USING {form}", self.table);
            sqlx::query(&statement).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        // So that the first queries after the swap are planned for the rows that are there.
        sqlx::query(&format!("ANALYZE {}", self.table)).execute(pool).await?;
        Ok(())
    }

    /// Holds the projector where it is until the transaction ends, and says where that is: the position up to which the new
    /// table has to be brought within the transaction.
    pub async fn hold(&self, transaction: &mut PgTransaction<'_>) -> Result<Position, sqlx::Error> {
        let position: i64 = sqlx::query_scalar("SELECT position FROM checkpoints WHERE name = $1 FOR UPDATE")
            .bind(self.model.name())
            .fetch_one(&mut **transaction)
            .await?;
        Ok(Position(position.unsigned_abs()))
    }

    /// Puts the new table in the old one's place, in the transaction that holds the projector. Where the old one was behind,
    /// the projector goes on from where the new one is.
    pub async fn swap(self, mut transaction: PgTransaction<'_>) -> Result<Position, sqlx::Error> {
        let (name, table) = (self.model.name(), &self.table);
        for statement in [
            // Readers lock the view before its table. So must this, or the two could wait for each other; it changes nothing.
            format!("ALTER VIEW my_{name} OWNER TO colloquy_reader"),
            format!("ALTER TABLE {name} RENAME TO {name}_old"),
            format!("ALTER TABLE {table} RENAME TO {name}"),
            format!("SELECT protect_read_model('{name}')"),
            format!("DROP TABLE {name}_old"),
        ] {
            sqlx::query(&statement).execute(&mut *transaction).await?;
        }
        sqlx::query("UPDATE checkpoints SET position = greatest(position, $1) WHERE name = $2")
            .bind(self.position.0.cast_signed())
            .bind(name)
            .execute(&mut *transaction)
            .await?;
        forget(&mut transaction, table).await?;
        transaction.commit().await?;
        Ok(self.position)
    }

    /// Compares the new table with the live one row by row, in the transaction that holds the projector, and drops the new
    /// one. Returns the first differences.
    pub async fn compare(self, mut transaction: PgTransaction<'_>) -> Result<Vec<Difference>, sqlx::Error> {
        let (live, next) = (self.model.name(), &self.table);
        let columns: String = sqlx::query_scalar(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
              WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
        )
        .bind(live)
        .fetch_one(&mut *transaction)
        .await?;
        let differing = format!(
            "(SELECT true AS live, a::text AS row FROM (SELECT {columns} FROM {live} EXCEPT ALL SELECT {columns} FROM {next}) a LIMIT $1)
             UNION ALL
             (SELECT false, b::text FROM (SELECT {columns} FROM {next} EXCEPT ALL SELECT {columns} FROM {live}) b LIMIT $1)"
        );
        let rows = sqlx::query(&differing).bind(MOST_DIFFERENCES).fetch_all(&mut *transaction).await?;
        let differences = rows
            .iter()
            .map(|row| Ok(Difference { live: row.try_get(0)?, row: row.try_get(1)? }))
            .collect::<Result<_, sqlx::Error>>()?;
        drop_next(&mut transaction, self.model, next).await?;
        transaction.commit().await?;
        Ok(differences)
    }
}

async fn drop_next(
    transaction: &mut PgTransaction<'_>,
    model: ReadModel,
    table: &str,
) -> Result<(), sqlx::Error> {
    debug_assert!(table.starts_with(model.name()));
    sqlx::query(&format!("DROP TABLE IF EXISTS {table}")).execute(&mut **transaction).await?;
    forget(transaction, table).await
}

/// Forgets how far a table was, whichever version filled it.
async fn forget(transaction: &mut PgTransaction<'_>, table: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM checkpoints WHERE split_part(name, ' ', 1) = $1")
        .bind(table)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// The old table's form with its primary key alone: rows are found by it while the table is filled.
async fn create_next(
    transaction: &mut PgTransaction<'_>,
    model: ReadModel,
    table: &str,
) -> Result<(), sqlx::Error> {
    let name = model.name();
    sqlx::query(&format!("CREATE TABLE {table} (LIKE {name} INCLUDING ALL EXCLUDING INDEXES)"))
        .execute(&mut **transaction)
        .await?;
    let key: String = sqlx::query_scalar(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = to_regclass($1) AND contype = 'p'",
    )
    .bind(name)
    .fetch_one(&mut **transaction)
    .await?;
    sqlx::query(&format!("ALTER TABLE {table} ADD {key}")).execute(&mut **transaction).await?;
    Ok(())
}
