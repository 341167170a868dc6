//! The keys that sign the ledger's checkpoints, and the checkpoints signed so far.

use aggregates::Position;
use chrono::{DateTime, Utc};
use sealing::Zeroizing;
use sqlx::{FromRow, PgConnection};

use crate::ledger::chain::LedgerHash;
use crate::{Keyring, Store, StoreError};

/// Keeps two processes from making a first key each.
const KEYS_LOCK: i64 = 0x636f_6c6c_6b65_7973;

/// The name under which private keys are sealed.
const SECRET: &str = "audit signing key";

/// A key that signs, or once signed, checkpoints.
#[derive(Debug, Clone, FromRow)]
pub struct AuditKeyRow {
    /// Its name: the beginning of the public key's SHA-256.
    pub key_id: String,
    /// The public key.
    pub public_key: Vec<u8>,
    /// The private key under the master key; `None` where it is configured and not kept here.
    pub sealed: Option<Vec<u8>>,
    /// The master key's id.
    pub sealed_by: Option<String>,
    /// When it was first used.
    pub created_at: DateTime<Utc>,
    /// When another took its place.
    pub retired_at: Option<DateTime<Utc>>,
}

/// A checkpoint as it is kept.
#[derive(Debug, Clone)]
pub struct CheckpointRow {
    /// The ledger's last position then.
    pub position: Position,
    /// The head of the chain there.
    pub root: LedgerHash,
    /// The signature.
    pub signature: Vec<u8>,
    /// The key that signed.
    pub key_id: String,
    /// When.
    pub signed_at: DateTime<Utc>,
}

impl FromRow<'_, sqlx::postgres::PgRow> for CheckpointRow {
    fn from_row(row: &sqlx::postgres::PgRow) -> Result<Self, sqlx::Error> {
        use sqlx::Row as _;
        let root: Vec<u8> = row.try_get("root")?;
        Ok(Self {
            position: Position(row.try_get::<i64, _>("position")?.unsigned_abs()),
            root: root.try_into().map_err(|_| sqlx::Error::Decode("a hash of another length".into()))?,
            signature: row.try_get("signature")?,
            key_id: row.try_get("key_id")?,
            signed_at: row.try_get("signed_at")?,
        })
    }
}

impl Store {
    /// All keys, the newest first.
    pub async fn audit_keys(&self) -> Result<Vec<AuditKeyRow>, StoreError> {
        Ok(sqlx::query_as(KEYS).fetch_all(&self.pool).await?)
    }

    /// Puts a key in use unless there is one in use already; `retire` lets it take that one's place. Returns the key in use.
    pub async fn put_audit_key_in_use(
        &self,
        key: &AuditKeyRow,
        retire: bool,
    ) -> Result<AuditKeyRow, StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(KEYS_LOCK).execute(&mut *transaction).await?;
        let known: Vec<AuditKeyRow> = sqlx::query_as(KEYS).fetch_all(&mut *transaction).await?;
        let in_use = known.into_iter().find(|key| key.retired_at.is_none());
        match in_use {
            Some(in_use) if !retire || in_use.key_id == key.key_id => return Ok(in_use),
            _ => {}
        }
        use_key(&mut transaction, key).await?;
        transaction.commit().await?;
        Ok(key.clone())
    }

    /// Keeps a checkpoint. One that is there already stays.
    pub async fn keep_checkpoint(&self, checkpoint: &CheckpointRow) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO audit_checkpoints (position, root, signature, key_id, signed_at)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        )
        .bind(checkpoint.position.0.cast_signed())
        .bind(checkpoint.root.as_slice())
        .bind(&checkpoint.signature)
        .bind(&checkpoint.key_id)
        .bind(checkpoint.signed_at)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The checkpoint of a position by a key, if it was signed.
    pub async fn checkpoint_at(
        &self,
        position: Position,
        key_id: &str,
    ) -> Result<Option<CheckpointRow>, StoreError> {
        let row = sqlx::query_as("SELECT * FROM audit_checkpoints WHERE position = $1 AND key_id = $2")
            .bind(position.0.cast_signed())
            .bind(key_id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row)
    }

    /// All checkpoints, in order.
    pub async fn all_checkpoints(&self) -> Result<Vec<CheckpointRow>, StoreError> {
        let rows = sqlx::query_as("SELECT * FROM audit_checkpoints ORDER BY position, key_id");
        Ok(rows.fetch_all(&self.pool).await?)
    }
}

impl Keyring {
    /// Opens a kept signing key; `None` if no configured master key seals it.
    pub fn open_audit_key(&self, row: &AuditKeyRow) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let (Some(sealed), Some(sealed_by)) = (&row.sealed, &row.sealed_by) else { return Ok(None) };
        let master = self.master_named(sealed_by);
        Ok(master.map(|master| master.open_secret(SECRET, sealed)).transpose()?)
    }

    /// Seals a signing key by the master key; with the master key's id.
    pub fn seal_audit_key(&self, seed: &[u8]) -> Result<(Vec<u8>, String), StoreError> {
        Ok((self.master().seal_secret(SECRET, seed)?, self.master().id().to_owned()))
    }

    /// Seals the signing keys by the configured master key that another one seals.
    pub(crate) async fn reseal_audit_keys(&self) -> Result<(), StoreError> {
        let rows: Vec<AuditKeyRow> = sqlx::query_as(KEYS).fetch_all(self.pool()).await?;
        for row in
            rows.iter().filter(|row| row.sealed_by.as_deref().is_some_and(|id| id != self.master().id()))
        {
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

async fn use_key(connection: &mut PgConnection, key: &AuditKeyRow) -> Result<(), sqlx::Error> {
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
