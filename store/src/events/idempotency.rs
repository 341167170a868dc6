//! Responses to commands that carried an Idempotency-Key.

use std::collections::HashMap;
use std::time::Duration;

use aggregates::conversation::Receipt;
use aggregates::{UserId, Version};
use sealing::MasterKey;
use serde_json::{Map, Value};

use crate::{Store, StoreError};

/// Time for which an Idempotency-Key is known, and rows that one statement deletes.
const KEPT: Duration = Duration::from_hours(7 * 24);
const PURGED_AT_ONCE: i64 = 5_000;

/// Entries of a command's metadata that carry the key to the append. They are not stored with the events.
const KEY_ENTRY: &str = "~idempotency_key";
const COMMAND_ENTRY: &str = "~idempotency_command";

/// A client's Idempotency-Key with the command it came with. Both are kept as keyed hashes, because both can
/// hold words of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyKey {
    pub(crate) key: [u8; 32],
    pub(crate) command: [u8; 32],
}

/// The earlier use of an Idempotency-Key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remembered {
    /// The same command was executed.
    Same {
        /// The version of the aggregate after the command.
        version: Version,
        /// The names of the events that the command appended.
        events: Vec<String>,
    },
    /// Another command came with the key.
    Other,
}

#[derive(sqlx::FromRow)]
struct Row {
    command_hash: [u8; 32],
    version: Version,
    events: Vec<String>,
}

impl IdempotencyKey {
    /// Hashes the value of the header and the bytes of the command, which must include the aggregate's id.
    ///
    /// The hash is keyed BLAKE3 under a key derived from the master key. Stored rows depend on it.
    pub fn new(master: &MasterKey, header: &str, command: &[u8]) -> Self {
        let secret = master.derive("idempotency");
        let hash = |text: &[u8]| *blake3::keyed_hash(secret.as_bytes(), text).as_bytes();
        Self { key: hash(header.as_bytes()), command: hash(command) }
    }

    /// Writes the hashes into a command's metadata.
    pub(crate) fn put_into(&self, metadata: &mut HashMap<String, String>) {
        metadata.insert(KEY_ENTRY.to_owned(), hex::encode(self.key));
        metadata.insert(COMMAND_ENTRY.to_owned(), hex::encode(self.command));
    }

    /// Takes the hashes out of a command's metadata.
    pub(crate) fn take_from(metadata: &mut Map<String, Value>) -> Option<Self> {
        let mut take = |entry| {
            let mut hash = [0; 32];
            hex::decode_to_slice(metadata.remove(entry)?.as_str()?, &mut hash).ok()?;
            Some(hash)
        };
        Some(Self { key: take(KEY_ENTRY)?, command: take(COMMAND_ENTRY)? })
    }
}

impl Store {
    /// The earlier use of an Idempotency-Key by an owner.
    pub async fn idempotency_key_use(
        &self,
        owner: UserId,
        key: &IdempotencyKey,
    ) -> Result<Option<Remembered>, StoreError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT command_hash, version, events FROM idempotency WHERE owner = $1 AND key_hash = $2",
        )
        .bind(owner)
        .bind(key.key)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| {
            if row.command_hash == key.command {
                Remembered::Same { version: row.version, events: row.events }
            } else {
                Remembered::Other
            }
        }))
    }

    /// Forgets Idempotency-Keys that are older than `KEPT`, a limited number at a time. Returns whether more
    /// are left.
    pub async fn purge_idempotency_keys(&self) -> Result<bool, StoreError> {
        let purged = sqlx::query(
            "DELETE FROM idempotency WHERE (owner, key_hash) IN (
                 SELECT owner, key_hash FROM idempotency WHERE created_at < clock_timestamp() - make_interval(secs => $1)
                  ORDER BY created_at LIMIT $2)",
        )
        .bind(KEPT.as_secs_f64())
        .bind(PURGED_AT_ONCE)
        .execute(&self.pool)
        .await?;
        Ok(i64::try_from(purged.rows_affected()) == Ok(PURGED_AT_ONCE))
    }

    /// Records the use of an Idempotency-Key by a command that appended no event. An append records its own.
    pub async fn record_idempotency_key_use(
        &self,
        owner: UserId,
        key: &IdempotencyKey,
        receipt: &Receipt,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO idempotency (owner, key_hash, command_hash, version, events)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        )
        .bind(owner)
        .bind(key.key)
        .bind(key.command)
        .bind(receipt.version)
        .bind(receipt.events.as_slice())
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashes_of_stored_rows_stay_the_same() {
        let master = MasterKey::parse(&"2a".repeat(32).into()).unwrap();
        let key = IdempotencyKey::new(&master, "once", b"{}");
        assert_eq!(hex::encode(key.key), "426983c040d93623a6b9da63433e140f6a899913368e76393cb01d58124da7b6");
        assert_ne!(key.key, key.command);
    }
}
