//! Signed checkpoints: the ledger's last position and hash at a time, with a signature.

use aggregates::Position;
use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::ledger::chain::LedgerHash;
use crate::{Store, StoreError};

/// A checkpoint as it is stored.
#[derive(Debug, Clone, FromRow)]
pub struct CheckpointRow {
    /// The last position of the ledger at the time.
    pub position: Position,
    /// The hash at this position.
    pub root: LedgerHash,
    /// The Ed25519 signature.
    pub signature: Vec<u8>,
    /// The id of the key that signed.
    pub key_id: String,
    /// The time of the signature.
    pub signed_at: DateTime<Utc>,
}

impl Store {
    /// Stores a checkpoint unless the key signed this position before.
    pub async fn keep_checkpoint(&self, checkpoint: &CheckpointRow) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO audit_checkpoints (position, root, signature, key_id, signed_at)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        )
        .bind(checkpoint.position)
        .bind(checkpoint.root)
        .bind(&checkpoint.signature)
        .bind(&checkpoint.key_id)
        .bind(checkpoint.signed_at)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The checkpoint of a position that a key signed.
    pub async fn checkpoint_at(
        &self,
        position: Position,
        key_id: &str,
    ) -> Result<Option<CheckpointRow>, StoreError> {
        let query = "SELECT position, root, signature, key_id, signed_at FROM audit_checkpoints
                      WHERE position = $1 AND key_id = $2";
        Ok(sqlx::query_as(query).bind(position).bind(key_id).fetch_optional(&self.pool).await?)
    }

    /// All checkpoints in the order of their positions.
    pub async fn all_checkpoints(&self) -> Result<Vec<CheckpointRow>, StoreError> {
        let query = "SELECT position, root, signature, key_id, signed_at FROM audit_checkpoints
                      ORDER BY position, key_id";
        Ok(sqlx::query_as(query).fetch_all(&self.pool).await?)
    }
}
