//! The keys of an installation beside a backup, encrypted by a passphrase.

use std::collections::BTreeMap;

use sealing::{Zeroizing, open_with_passphrase, seal_with_passphrase};
use secrecy::{ExposeSecret as _, SecretString};

use super::error::BackupError;
use super::manifest::{encode, keys_path};
use super::repository::Repository;

/// Keys by the names of their variables, such as `MASTER_KEY`.
pub type InstallationKeys = BTreeMap<String, SecretString>;

/// Encrypts keys by a passphrase. Takes about a quarter of a second.
pub(super) async fn sealed(
    keys: &InstallationKeys,
    passphrase: &SecretString,
) -> Result<Vec<u8>, BackupError> {
    let texts: BTreeMap<&str, &str> =
        keys.iter().map(|(name, key)| (name.as_str(), key.expose_secret())).collect();
    let content = Zeroizing::new(encode(serde_json::to_vec(&texts))?);
    let passphrase = passphrase.clone();
    encode(tokio::task::spawn_blocking(move || seal_with_passphrase(&passphrase, &content)).await?)
}

/// Decrypts the keys of a backup. Needs the passphrase alone.
pub async fn keys_of(
    repository: &Repository,
    id: &str,
    passphrase: &SecretString,
) -> Result<InstallationKeys, BackupError> {
    let sealed = repository.get(&keys_path(id)).await?;
    let sealed = sealed.ok_or_else(|| BackupError::NoKeys(id.to_owned()))?;
    let passphrase = passphrase.clone();
    let opening = tokio::task::spawn_blocking(move || open_with_passphrase(&passphrase, &sealed));
    let wrong = || BackupError::WrongPassphrase(id.to_owned());
    let content = opening.await?.map_err(|_| wrong())?;
    let texts: BTreeMap<String, String> = serde_json::from_slice(&content).map_err(|_| wrong())?;
    Ok(texts.into_iter().map(|(name, key)| (name, key.into())).collect())
}
