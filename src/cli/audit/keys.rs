//! `colloquy audit keys` and `colloquy audit rotate-key`.

use anyhow::bail;

use super::{Database, print_json};
use crate::config::AppConfig;

pub(super) async fn list(config: AppConfig) -> anyhow::Result<()> {
    print_json(&Database::connect(config).await?.signer().keys().await?)
}

pub(super) async fn rotate(config: AppConfig) -> anyhow::Result<()> {
    let signer = Database::connect(config).await?.signer();
    if signer.is_configured() {
        bail!(
            "the signing key is configured: change AUDIT_SIGNING_KEY or its file; the previous public key stays listed"
        );
    }
    print_json(&signer.rotate().await?)
}
