//! Which master key wraps what, and how everything comes to be wrapped by another one.

use aggregates::UserId;
use sqlx::PgPool;
use uuid::Uuid;

use crate::{Keyring, StoreError};

/// Users' keys wrapped anew in one statement.
const BATCH: i64 = 500;

/// The store's keys are wrapped by a master key that is not configured.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The configured one is another. Nothing was written with it.
    #[error(
        "use the master key: the database's keys are wrapped by the master key {stored}, and the one configured is \
         {configured}; set MASTER_KEY or MASTER_KEY_FILE to the former, or MASTER_KEY_PREVIOUS(_FILE) while keys are rotated"
    )]
    Wrong {
        /// The one that wraps the store's keys, by its id.
        stored: String,
        /// The one configured.
        configured: String,
    },
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Keyring {
    /// Makes sure, before anything is served, that the configured master keys are those of the store.
    pub async fn check_master_key(&self) -> Result<(), MasterKeyError> {
        let wrapping: (Option<String>, Option<String>) = sqlx::query_as(
            "SELECT min(wrapped_by), max(wrapped_by) FROM keys WHERE kind = 'user' AND wrapped IS NOT NULL",
        )
        .fetch_one(self.pool())
        .await
        .map_err(StoreError::from)?;
        let stored = [wrapping.0, wrapping.1].into_iter().flatten();
        match stored.into_iter().find(|id| self.master_named(id).is_none()) {
            None => Ok(()),
            Some(stored) => Err(MasterKeyError::Wrong { stored, configured: self.master().id().to_owned() }),
        }
    }

    /// Wraps the users' keys that another master key wraps by the configured one, batch by batch, while everything goes on.
    /// What an interrupted rotation has done counts. Returns how many keys it was.
    pub async fn rotate_master_key(&self, progress: impl Fn(u64)) -> Result<u64, MasterKeyError> {
        self.check_master_key().await?;
        let mut rotated = 0;
        loop {
            let batch: Vec<(Uuid, String, Vec<u8>)> = sqlx::query_as(
                "SELECT id, wrapped_by, wrapped FROM keys
                  WHERE kind = 'user' AND wrapped IS NOT NULL AND wrapped_by <> $1 LIMIT $2",
            )
            .bind(self.master().id())
            .bind(BATCH)
            .fetch_all(self.pool())
            .await
            .map_err(StoreError::from)?;
            if batch.is_empty() {
                self.reseal_audit_keys().await?;
                return Ok(rotated);
            }
            rotated += batch.len() as u64;
            self.rewrap(self.pool(), batch).await?;
            progress(rotated);
        }
    }

    async fn rewrap(&self, pool: &PgPool, batch: Vec<(Uuid, String, Vec<u8>)>) -> Result<(), MasterKeyError> {
        let (mut ids, mut before, mut after) = (vec![], vec![], vec![]);
        for (id, wrapped_by, wrapped) in batch {
            let user = UserId::new(id);
            let Some(old) = self.master_named(&wrapped_by) else {
                let configured = self.master().id().to_owned();
                return Err(MasterKeyError::Wrong { stored: wrapped_by, configured });
            };
            let key = old.unwrap_user_key(user, &wrapped).map_err(StoreError::from)?;
            ids.push(id);
            before.push(wrapped);
            after.push(self.master().wrap_user_key(user, &key).map_err(StoreError::from)?);
        }
        // A key that was destroyed meanwhile stays destroyed.
        sqlx::query(
            "UPDATE keys k SET wrapped = r.after, wrapped_by = $1
               FROM UNNEST($2::uuid[], $3::bytea[], $4::bytea[]) AS r (id, before, after)
              WHERE k.kind = 'user' AND k.id = r.id AND k.wrapped = r.before",
        )
        .bind(self.master().id())
        .bind(ids)
        .bind(before)
        .bind(after)
        .execute(pool)
        .await
        .map_err(StoreError::from)?;
        Ok(())
    }
}
