//! The place of backups: a folder or a bucket.
//!
//! - `parts/AB/NAME`: rows or files, compressed and encrypted. A part is named by its content, so that a
//!   second backup and a repeated one write it only if it changed. No part is written twice or changed.
//! - `backups/ID/manifest`: written last, so that a backup without one was interrupted.
//! - `backups/ID/keys`: the keys of the installation, encrypted by a passphrase, if they were asked for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, PutPayload};
use sealing::{BackupKey, Zeroizing};

use super::error::BackupError;
use super::manifest::Part;
use crate::config::FilesConfig;
use crate::knowledge::files::{Durability, FilesError, objects_at};

/// Time limit of one call. The client repeats failed requests within it.
const CALL: Duration = Duration::from_mins(4);

/// The place of backups. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Repository {
    store: Arc<dyn ObjectStore>,
    address: String,
}

impl Repository {
    /// The backups at `config.files_url`: a path, `file:///folder` or `s3://bucket/prefix`. A folder is
    /// created if it is missing.
    pub fn open(mut config: FilesConfig) -> Result<Self, BackupError> {
        let address = config.files_url.trim().to_owned();
        let is_url = address.starts_with("s3://") || address.starts_with("file://");
        if address.is_empty() || (address.contains("://") && !is_url) {
            return Err(BackupError::Address(address));
        }
        if !is_url {
            config.files_url = format!("file://{address}");
        }
        let opened = objects_at(&config, Durability::OnPowerLoss);
        let store = opened.map_err(|error| BackupError::at(&address, error))?;
        Ok(Self { store, address })
    }

    /// The address as the operator gave it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Stored parts and their sizes. 100 bytes of memory for each.
    pub async fn parts(&self) -> Result<HashMap<String, u64>, BackupError> {
        Ok(self.parts_before(DateTime::<Utc>::MAX_UTC).await?.into_iter().collect())
    }

    /// Parts that were written before a time, and their sizes.
    pub(super) async fn parts_before(&self, time: DateTime<Utc>) -> Result<Vec<(String, u64)>, BackupError> {
        let listed = self.list("parts").await?.into_iter().filter(|found| found.last_modified < time);
        Ok(listed.filter_map(|found| Some((found.location.filename()?.to_owned(), found.size))).collect())
    }

    /// The ids of complete backups, oldest first.
    pub async fn backups(&self) -> Result<Vec<String>, BackupError> {
        let listed = self.list("backups").await?;
        let manifests = listed.iter().filter(|found| found.location.filename() == Some("manifest"));
        let id = |found: &ObjectMeta| Some(found.location.parts().nth(1)?.as_ref().to_owned());
        let mut ids: Vec<String> = manifests.filter_map(id).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// The id of the newest complete backup.
    pub async fn newest(&self) -> Result<String, BackupError> {
        if let Some(newest) = self.backups().await?.pop() {
            return Ok(newest);
        }
        Err(BackupError::NoBackup { address: self.address.clone(), parts: self.parts().await?.len() })
    }

    /// An object; `None` if it does not exist.
    pub async fn get(&self, path: &str) -> Result<Option<Bytes>, BackupError> {
        let getting = async {
            let found = self.store.get(&Path::from(path)).await?;
            found.bytes().await
        };
        match self.within(getting).await {
            Err(BackupError::Place {
                source: FilesError::Store(object_store::Error::NotFound { .. }),
                ..
            }) => Ok(None),
            found => found.map(Some),
        }
    }

    /// Writes an object. It is there as a whole or not at all.
    pub async fn put(&self, path: &str, bytes: Vec<u8>) -> Result<(), BackupError> {
        self.within(self.store.put(&Path::from(path), PutPayload::from(bytes))).await.map(drop)
    }

    /// Deletes an object, if it exists.
    pub async fn delete(&self, path: &str) -> Result<(), BackupError> {
        match self.within(self.store.delete(&Path::from(path))).await {
            Err(BackupError::Place {
                source: FilesError::Store(object_store::Error::NotFound { .. }),
                ..
            }) => Ok(()),
            deleted => deleted,
        }
    }

    /// The content of a part, checked against its name.
    pub async fn read(
        &self,
        key: &BackupKey,
        part: &Part,
        content: &str,
    ) -> Result<Zeroizing<Vec<u8>>, BackupError> {
        let path = part_path(&part.name);
        let Some(sealed) = self.get(&path).await? else {
            return Err(BackupError::MissingPart { part: path, content: content.to_owned() });
        };
        let (key, part, content) = (key.clone(), part.clone(), content.to_owned());
        let opening = tokio::task::spawn_blocking(move || {
            let opened = key.open(&part.name, sealed.into()).ok();
            let bytes = opened.and_then(|packed| zstd::bulk::decompress(&packed, part.bytes).ok());
            let is_whole = |bytes: &Vec<u8>| hex::encode(key.name_of(bytes)) == part.name;
            let damaged = BackupError::DamagedPart { part: path, content };
            bytes.filter(is_whole).map(Zeroizing::new).ok_or(damaged)
        });
        opening.await?
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>, BackupError> {
        let mut listed = self.store.list(Some(&Path::from(prefix)));
        let mut found = Vec::new();
        while let Some(object) = self.within(listed.try_next()).await? {
            found.push(object);
        }
        Ok(found)
    }

    async fn within<T>(
        &self,
        call: impl Future<Output = Result<T, object_store::Error>>,
    ) -> Result<T, BackupError> {
        let done = tokio::time::timeout(CALL, call).await;
        let done = done.map_err(|_| FilesError::TimedOut).and_then(|done| done.map_err(FilesError::from));
        done.map_err(|error| BackupError::at(&self.address, error))
    }
}

/// The path of a part by its name.
pub(super) fn part_path(name: &str) -> String {
    format!("parts/{}/{name}", name.get(..2).unwrap_or(name))
}
