//! The api processes that accept commands. Each has a row and renews it; no clock decides whether a process
//! is alive: the others see that its row changes.

use database::Limit;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Store, StoreError};

/// The advisory lock under which a process registers.
const REGISTRATION_LOCK: i64 = 0x6170_6970_726f_6373;

/// The row of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct ApiProcess {
    /// Unique to a registration.
    pub id: Uuid,
    /// Number of renewals.
    pub renewals: i64,
}

impl Store {
    /// Registers a process, in place of its former registration, and returns the others. Registrations
    /// exclude each other: of two processes, the later one sees the earlier one.
    pub async fn register_api_process(
        &self,
        id: Uuid,
        former: Option<Uuid>,
    ) -> Result<Vec<ApiProcess>, StoreError> {
        let registering = self.pool.transaction(Limit::Short, async |transaction| {
            sqlx::query("SELECT pg_advisory_xact_lock($1)")
                .bind(REGISTRATION_LOCK)
                .execute(&mut *transaction)
                .await?;
            sqlx::query("DELETE FROM api_processes WHERE id = $1")
                .bind(former)
                .execute(&mut *transaction)
                .await?;
            sqlx::query("INSERT INTO api_processes (id) VALUES ($1)")
                .bind(id)
                .execute(&mut *transaction)
                .await?;
            sqlx::query_as("SELECT id, renewals FROM api_processes WHERE id <> $1")
                .bind(id)
                .fetch_all(&mut *transaction)
                .await
        });
        Ok(registering.await?)
    }

    /// Renews the row of a process and returns the other rows; `None` if the row is gone.
    pub async fn renew_api_process(&self, id: Uuid) -> Result<Option<Vec<ApiProcess>>, StoreError> {
        let mut rows: Vec<ApiProcess> = sqlx::query_as(
            "WITH renewed AS (UPDATE api_processes SET renewals = renewals + 1 WHERE id = $1 RETURNING id, renewals)
             SELECT id, renewals FROM renewed
              UNION ALL
             SELECT id, renewals FROM api_processes WHERE id <> $1",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await?;
        let all = rows.len();
        rows.retain(|process| process.id != id);
        Ok((rows.len() < all).then_some(rows))
    }

    /// Deletes the rows of processes that ended.
    pub async fn remove_api_processes(&self, ids: &[Uuid]) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM api_processes WHERE id = ANY ($1)").bind(ids).execute(&self.pool).await?;
        Ok(())
    }
}
