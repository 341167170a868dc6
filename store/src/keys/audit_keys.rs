//! The keys that sign checkpoints of the ledger.

use chrono::{DateTime, Utc};
use sealing::Zeroizing;
use sqlx::FromRow;

use crate::{Keyring, Store, StoreError};
use database::{Limit, Transaction};

/// The advisory lock under which a process decides which key is in use.
const KEYS_LOCK: i64 = 0x636f_6c6c_6b65_7973;

/// The name under which private keys are encrypted by the master key.
const SECRET: &str = "audit signing key";

/// A key that signs checkpoints, or signed them before another key replaced it.
#[derive(Debug, Clone, FromRow)]
pub struct AuditKeyRow {
    /// The start of the public key's SHA-256, in hexadecimal.
    pub key_id: String,
    /// The Ed25519 public key.
    pub public_key: Vec<u8>,
    /// The private key, encrypted by the master key; `None` for a configured key, which is not stored.
    pub sealed: Option<Vec<u8>>,
    /// The id of the master key.
    pub sealed_by: Option<String>,
    /// The time of its first use.
    pub created_at: DateTime<Utc>,
    /// The time at which another key replaced it.
    pub retired_at: Option<DateTime<Utc>>,
}

impl Store {
    /// All keys, the newest first.
    pub async fn audit_keys(&self) -> Result<Vec<AuditKeyRow>, StoreError> {
        Ok(sqlx::query_as(KEYS).fetch_all(&self.pool).await?)
    }

    /// Puts a key in use if no other key is in use, or if `retire` lets it replace the other key.
    ///
    /// Returns the key in use.
    pub async fn put_audit_key_in_use(
        &self,
        key: &AuditKeyRow,
        retire: bool,
    ) -> Result<AuditKeyRow, StoreError> {
        let in_use = self.pool.transaction(Limit::Short, async |transaction| {
            sqlx::query("SELECT pg_advisory_xact_lock($1)")
                .bind(KEYS_LOCK)
                .execute(&mut *transaction)
                .await?;
            let known: Vec<AuditKeyRow> = sqlx::query_as(KEYS).fetch_all(&mut *transaction).await?;
            let in_use = known.into_iter().find(|key| key.retired_at.is_none());
            match in_use {
                Some(in_use) if !retire || in_use.key_id == key.key_id => return Ok(in_use),
                _ => {}
            }
            replace_key_in_use(transaction, key).await?;
            Ok(key.clone())
        });
        Ok(in_use.await?)
    }
}

impl Keyring {
    /// Decrypts a stored private key; `None` for a configured key, which is not stored.
    pub fn open_audit_key(&self, row: &AuditKeyRow) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let (Some(sealed), Some(id)) = (&row.sealed, &row.sealed_by) else { return Ok(None) };
        let master = self.master_named(id);
        let master = master.ok_or_else(|| StoreError::UnknownMasterKey { id: id.clone() })?;
        Ok(Some(master.open_secret(SECRET, sealed)?))
    }

    /// Encrypts a private key by the configured master key. Returns the ciphertext and the master key's id.
    pub fn seal_audit_key(&self, seed: &[u8]) -> Result<(Vec<u8>, String), StoreError> {
        Ok((self.master().seal_secret(SECRET, seed)?, self.master().id().to_owned()))
    }

    /// Encrypts by the configured master key the private keys that the previous master key encrypts.
    pub(crate) async fn reseal_audit_keys(&self) -> Result<(), StoreError> {
        let rows: Vec<AuditKeyRow> = sqlx::query_as(KEYS).fetch_all(self.pool()).await?;
        let is_outdated = |row: &&AuditKeyRow| {
            row.sealed_by
                .as_deref()
                .is_some_and(|id| id != self.master().id() && self.master_named(id).is_some())
        };
        for row in rows.iter().filter(is_outdated) {
            let Some(seed) = self.open_audit_key(row)? else { continue };
            let (sealed, sealed_by) = self.seal_audit_key(&seed)?;
            sqlx::query("UPDATE audit_keys SET sealed = $2, sealed_by = $3 WHERE key_id = $1")
                .bind(&row.key_id)
                .bind(sealed)
                .bind(sealed_by)
                .execute(self.pool())
                .await?;
        }
        Ok(())
    }
}

async fn replace_key_in_use(connection: &mut Transaction<'_>, key: &AuditKeyRow) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE audit_keys SET retired_at = clock_timestamp() WHERE retired_at IS NULL")
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO audit_keys (key_id, public_key, sealed, sealed_by) VALUES ($1, $2, $3, $4)
             ON CONFLICT (key_id) DO UPDATE SET retired_at = NULL",
    )
    .bind(&key.key_id)
    .bind(&key.public_key)
    .bind(key.sealed.as_deref())
    .bind(key.sealed_by.as_deref())
    .execute(&mut *connection)
    .await?;
    Ok(())
}

const KEYS: &str = "SELECT key_id, public_key, sealed, sealed_by, created_at, retired_at FROM audit_keys
 ORDER BY retired_at DESC NULLS FIRST, created_at DESC";
