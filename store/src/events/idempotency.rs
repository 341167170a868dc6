//! What was answered to commands that carried an Idempotency-Key.

use aggregates::conversation::Receipt;
use aggregates::{UserId, Version};
use sealing::MasterKey;
use sqlx::PgPool;

use crate::StoreError;

/// A client's Idempotency-Key and the command it came with, both only as keyed hashes: either may hold words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    pub(crate) key: [u8; 32],
    pub(crate) command: [u8; 32],
}

/// What is known of an Idempotency-Key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remembered {
    /// The key belongs to the same command.
    Same {
        /// Version of the aggregate after the command.
        version: Version,
        /// Names of the events that the command recorded.
        events: Vec<String>,
    },
    /// The key belongs to another command.
    Other,
}

impl IdempotencyKey {
    /// Takes the header's value and the command's bytes (which must name their target, too).
    pub fn new(master: &MasterKey, header: &str, command: &[u8]) -> Self {
        let secret = master.derive("idempotency");
        Self {
            key: *blake3::keyed_hash(secret.as_bytes(), header.as_bytes()).as_bytes(),
            command: *blake3::keyed_hash(secret.as_bytes(), command).as_bytes(),
        }
    }

    /// Looks the key up.
    pub async fn look_up(&self, pool: &PgPool, owner: UserId) -> Result<Option<Remembered>, StoreError> {
        let row: Option<(Vec<u8>, i64, Vec<String>)> = sqlx::query_as(
            "SELECT command_hash, version, events FROM idempotency WHERE owner = $1 AND key_hash = $2",
        )
        .bind(owner.uuid())
        .bind(self.key.as_slice())
        .fetch_optional(pool)
        .await?;
        Ok(row.map(|(command, version, events)| {
            if command == self.command {
                Remembered::Same { version: Version(version.unsigned_abs()), events }
            } else {
                Remembered::Other
            }
        }))
    }

    /// Remembers the answer to a command that needed no event.
    pub async fn remember(&self, pool: &PgPool, owner: UserId, receipt: &Receipt) -> Result<(), StoreError> {
        let events: Vec<&str> = receipt.events.clone();
        sqlx::query(
            "INSERT INTO idempotency (owner, key_hash, command_hash, version, events)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        )
        .bind(owner.uuid())
        .bind(self.key.as_slice())
        .bind(self.command.as_slice())
        .bind(receipt.version.0.cast_signed())
        .bind(events)
        .execute(pool)
        .await?;
        Ok(())
    }
}
