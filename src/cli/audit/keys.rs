//! `colloquy audit keys` and `colloquy audit rotate-key`.

use aggregates::operation::{OperationEvent, RotatedKey};
use anyhow::bail;

use super::{Database, print_json};
use crate::config::AppConfig;
use crate::operations::journal;

pub(super) async fn list(config: AppConfig) -> anyhow::Result<()> {
    print_json(&Database::connect(config).await?.signer().keys().await?)
}

pub(super) async fn rotate(config: AppConfig) -> anyhow::Result<()> {
    let database = Database::connect(config).await?;
    let signer = database.signer();
    if signer.is_configured() {
        bail!(
            "the signing key is configured: change AUDIT_SIGNING_KEY or its file; the previous public key stays listed"
        );
    }
    let key = signer.rotate().await?;
    let rotated = RotatedKey::CheckpointSigning;
    let event = OperationEvent::KeyRotated { key: rotated, key_id: key.key_id.clone(), rewrapped: 0 };
    journal::record(&database.store, &database.app.wake(), event).await?;
    print_json(&key)
}
