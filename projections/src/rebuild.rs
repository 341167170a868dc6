//! A read model made anew beside the old one, and put in its place in one transaction, so that readers never see half of it.

use aggregates::Position;
use sqlx::{PgPool, PgTransaction};

use crate::{Opened, ReadModel, apply_one};

/// A read model on its way to be replaced.
#[derive(Debug)]
pub struct Rebuild {
    model: ReadModel,
    table: String,
    position: Position,
}

impl Rebuild {
    /// Begins with an empty table of the old one's form. What an earlier attempt left is dropped.
    pub async fn begin(pool: &PgPool, model: ReadModel) -> Result<Self, sqlx::Error> {
        let table = format!("{}_next", model.name());
        let mut transaction = pool.begin().await?;
        sqlx::query(&format!("DROP TABLE IF EXISTS {table}")).execute(&mut *transaction).await?;
        sqlx::query(&format!("CREATE TABLE {table} (LIKE {} INCLUDING ALL)", model.name()))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Self { model, table, position: Position(0) })
    }

    /// How far the new table is.
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Applies the next events of the ledger to the new table.
    pub async fn apply(&mut self, pool: &PgPool, batch: &[Opened]) -> Result<(), sqlx::Error> {
        let mut transaction = pool.begin().await?;
        self.apply_in(&mut transaction, batch).await?;
        transaction.commit().await
    }

    async fn apply_in(
        &mut self,
        transaction: &mut PgTransaction<'_>,
        batch: &[Opened],
    ) -> Result<(), sqlx::Error> {
        apply_one(self.model, &self.table, transaction, batch).await?;
        if let Some(last) = batch.last() {
            self.position = last.recorded.position;
        }
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

    /// Applies the last events and puts the new table in the old one's place, in the transaction that holds the projector.
    pub async fn swap(
        mut self,
        mut transaction: PgTransaction<'_>,
        rest: &[Opened],
    ) -> Result<Position, sqlx::Error> {
        self.apply_in(&mut transaction, rest).await?;
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
        transaction.commit().await?;
        Ok(self.position)
    }
}
