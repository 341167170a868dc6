//! Signs the head of the ledger, with the configured key or with one that is kept encrypted in the store.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, SubsecRound as _, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::signing::{Checkpoint, InvalidKey, SigningKey};
use store::{AuditKeyRow, CheckpointRow, Store, StoreError};

/// Signs checkpoints.
#[derive(Debug, Clone)]
pub struct CheckpointSigner {
    store: Store,
    configured: Option<Arc<SigningKey>>,
}

/// A public key that signed checkpoints.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditKey {
    /// Key id in checkpoints.
    pub key_id: String,
    /// Always `ed25519`.
    pub algorithm: &'static str,
    /// The public key, in base64.
    pub public_key: String,
    /// Time of its first use.
    pub created_at: DateTime<Utc>,
    /// Time at which another key replaced it; `null` for the key in use.
    #[schema(required)]
    pub retired_at: Option<DateTime<Utc>>,
}

impl CheckpointSigner {
    /// A signer with the configured key, or else with one that is generated and kept encrypted in the store.
    pub const fn new(store: Store, configured: Option<Arc<SigningKey>>) -> Self {
        Self { store, configured }
    }

    /// The key in use.
    pub async fn key(&self) -> Result<Arc<SigningKey>, StoreError> {
        if let Some(key) = &self.configured {
            self.store.put_audit_key_in_use(&row(key, None), true).await?;
            return Ok(Arc::clone(key));
        }
        let in_use = self.store.audit_keys().await?.into_iter().find(|key| key.retired_at.is_none());
        let kept = match in_use {
            // A formerly configured key cannot sign: a new one replaces it.
            Some(kept) if kept.sealed.is_some() => kept,
            in_use => self.make_key(in_use.is_some()).await?,
        };
        self.open(&kept).map(Arc::new)
    }

    /// Replaces the key in use with a new one.
    pub async fn rotate(&self) -> Result<AuditKey, StoreError> {
        Ok(self.make_key(true).await?.into())
    }

    /// Whether the key comes from the configuration.
    pub const fn is_configured(&self) -> bool {
        self.configured.is_some()
    }

    /// All keys, the one in use first.
    pub async fn keys(&self) -> Result<Vec<AuditKey>, StoreError> {
        self.key().await?;
        Ok(self.store.audit_keys().await?.into_iter().map(Into::into).collect())
    }

    /// Signs the ledger's head and stores the checkpoint.
    pub async fn checkpoint(&self) -> Result<Checkpoint, StoreError> {
        self.checkpoint_with(&*self.key().await?).await
    }

    /// Like [`Self::checkpoint`], with the given key.
    pub async fn checkpoint_with(&self, key: &SigningKey) -> Result<Checkpoint, StoreError> {
        let (position, root) = self.store.ledger_head().await?;
        if let Some(kept) = self.store.checkpoint_at(position, &key.public_key().id()).await?
            && kept.root == root
        {
            return Ok(kept.into());
        }
        let at = Utc::now().trunc_subsecs(6);
        let signed = Checkpoint::sign(key, position, &root, time(at));
        let row = CheckpointRow {
            position,
            root,
            signature: STANDARD.decode(&signed.signature).map_err(|_| unusable(InvalidKey::Private))?,
            key_id: signed.key_id.clone(),
            signed_at: at,
        };
        self.store.keep_checkpoint(&row).await?;
        Ok(signed)
    }

    async fn make_key(&self, retire: bool) -> Result<AuditKeyRow, StoreError> {
        let key = SigningKey::generate().map_err(unusable)?;
        let sealed = self.store.keyring().seal_audit_key(&key.seed().map_err(unusable)?)?;
        let new = row(&key, Some(sealed));
        self.store.put_audit_key_in_use(&new, retire).await
    }

    fn open(&self, kept: &AuditKeyRow) -> Result<SigningKey, StoreError> {
        let seed = self.store.keyring().open_audit_key(kept)?;
        let seed = seed.ok_or(StoreError::KeyDestroyed)?;
        SigningKey::from_seed(&seed).map_err(unusable)
    }
}

fn unusable(error: InvalidKey) -> StoreError {
    StoreError::InvalidSigningKey(Box::new(error))
}

fn row(key: &SigningKey, sealed: Option<(Vec<u8>, String)>) -> AuditKeyRow {
    let (sealed, sealed_by) = sealed.unzip();
    AuditKeyRow {
        key_id: key.public_key().id(),
        public_key: key.public_key().as_bytes().to_vec(),
        sealed,
        sealed_by,
        created_at: Utc::now(),
        retired_at: None,
    }
}

/// The text of a time in a signed checkpoint.
fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

impl From<AuditKeyRow> for AuditKey {
    fn from(row: AuditKeyRow) -> Self {
        Self {
            key_id: row.key_id,
            algorithm: "ed25519",
            public_key: STANDARD.encode(row.public_key),
            created_at: row.created_at,
            retired_at: row.retired_at,
        }
    }
}

impl From<CheckpointRow> for Checkpoint {
    fn from(row: CheckpointRow) -> Self {
        Self {
            position: row.position,
            root: hex::encode(row.root),
            signature: STANDARD.encode(row.signature),
            key_id: row.key_id,
            at: time(row.signed_at),
        }
    }
}
