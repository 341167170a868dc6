//! Checks which master key wraps the users' keys, and wraps them by another one.

use aggregates::UserId;
use sqlx::FromRow;

use crate::{Keyring, StoreError};

/// Users' keys that one statement wraps.
const BATCH: i64 = 500;

/// A master key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// Another master key wraps the keys of the database. Nothing was written with the configured one.
    #[error(
        "keys of the database are wrapped by master key {stored}, and master key {configured} is configured; set \
         MASTER_KEY or MASTER_KEY_FILE to the former, or MASTER_KEY_PREVIOUS(_FILE) while keys are rotated"
    )]
    Wrong {
        /// The id of the master key that wraps the keys of the database.
        stored: String,
        /// The id of the configured master key.
        configured: String,
    },
    /// The keys were not read or not written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(FromRow)]
struct UserKeyRow {
    id: UserId,
    wrapped_by: String,
    wrapped: Vec<u8>,
}

impl Keyring {
    /// Checks that the configured master keys wrap the keys of the database. Runs before anything is served.
    pub async fn check_master_key(&self) -> Result<(), MasterKeyError> {
        let (first, last): (Option<String>, Option<String>) = sqlx::query_as(
            "SELECT min(wrapped_by), max(wrapped_by) FROM keys WHERE kind = 'user' AND wrapped IS NOT NULL",
        )
        .fetch_one(self.pool())
        .await
        .map_err(StoreError::from)?;
        match [first, last].into_iter().flatten().find(|id| self.master_named(id).is_none()) {
            None => Ok(()),
            Some(stored) => Err(self.wrong_master_key(stored)),
        }
    }

    /// Wraps by the configured master key the users' keys that the previous one wraps, batch by batch, while
    /// the service runs. Resumes an interrupted rotation. Calls `progress` with the number of keys so far and
    /// returns it at the end.
    pub async fn rotate_master_key(&self, progress: impl Fn(u64)) -> Result<u64, MasterKeyError> {
        self.check_master_key().await?;
        let mut rotated = 0;
        loop {
            let batch: Vec<UserKeyRow> = sqlx::query_as(
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
            self.rewrap(batch).await?;
            progress(rotated);
        }
    }

    async fn rewrap(&self, batch: Vec<UserKeyRow>) -> Result<(), MasterKeyError> {
        let (mut ids, mut before, mut after) = (vec![], vec![], vec![]);
        for UserKeyRow { id, wrapped_by, wrapped } in batch {
            let Some(old) = self.master_named(&wrapped_by) else {
                return Err(self.wrong_master_key(wrapped_by));
            };
            let key = old.unwrap_user_key(id, &wrapped).map_err(StoreError::from)?;
            after.push(self.master().wrap_user_key(id, &key).map_err(StoreError::from)?);
            ids.push(id);
            before.push(wrapped);
        }
        // A key that is destroyed at the same time stays destroyed.
        sqlx::query(
            "UPDATE keys k SET wrapped = r.after, wrapped_by = $1
               FROM UNNEST($2::uuid[], $3::bytea[], $4::bytea[]) AS r (id, before, after)
              WHERE k.kind = 'user' AND k.id = r.id AND k.wrapped = r.before",
        )
        .bind(self.master().id())
        .bind(ids)
        .bind(before)
        .bind(after)
        .execute(self.pool())
        .await
        .map_err(StoreError::from)?;
        Ok(())
    }

    fn wrong_master_key(&self, stored: String) -> MasterKeyError {
        MasterKeyError::Wrong { stored, configured: self.master().id().to_owned() }
    }
}
