//! The manifest: what a backup consists of. Written last, encrypted, and thereby authenticated.
//!
//! The file is a line of JSON that anybody can read ([`Header`]), and the encrypted manifest, bound
//! to that line.

use aggregates::Position;
use chrono::{DateTime, Utc};
use sealing::{BackupKey, MasterKey};
use serde::{Deserialize, Serialize};

use super::error::BackupError;
use super::repository::Repository;

const FORMAT: u32 = 1;
/// Largest manifest, decompressed. One of a terabyte has about 50 MB.
const MAX_BYTES: usize = 1 << 30;
/// Owner of parts without rows, in words.
pub(super) const FILES: &str = "the files of documents";
pub(super) const TOMBSTONES: &str = "the tombstones";
const COMPRESSION: i32 = 3;

/// Part that is legible without a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    format: u32,
    backup: String,
    /// The id of the master key whose backup key encrypts the backup.
    master_key: String,
    /// Bytes of the manifest, decompressed.
    bytes: usize,
}

/// Contents of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The id of the backup: the time of its start.
    pub id: String,
    /// The time of the snapshot.
    pub created_at: DateTime<Utc>,
    /// The release that created the backup.
    pub release: String,
    /// The number of the last migration of the database.
    pub schema_version: i64,
    /// The last position of the ledger.
    pub position: Position,
    /// The tables of the service.
    pub service: Vec<Table>,
    /// The name of the account service's schema.
    pub accounts_schema: String,
    /// The statements that create the tables of the account service.
    pub accounts_definitions: Vec<String>,
    /// The tables of the account service.
    pub accounts: Vec<Table>,
    /// The encrypted files of documents.
    pub files: Vec<FileGroup>,
    /// Tombstones: one line for each, with the user and the receipt.
    pub tombstones: Vec<Part>,
    /// Documents whose files were missing before the backup.
    pub missing_files: u64,
    /// Whether the keys of the installation are beside the manifest.
    pub has_keys: bool,
}

/// The rows of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The name of the table.
    pub name: String,
    /// The columns, in the order of the values in a row.
    pub columns: Vec<String>,
    /// The number of rows.
    pub rows: u64,
    /// The rows in the text format of `COPY`, in order.
    pub parts: Vec<Part>,
}

/// Files that were copied together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileGroup {
    /// A hash of paths, sizes and versions: equal for files that did not change.
    pub source: String,
    /// The number of files.
    pub files: u64,
    /// Their content.
    pub parts: Vec<Part>,
}

/// A stored part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The keyed hash of the content, in hexadecimal.
    pub name: String,
    /// Bytes of the content.
    pub bytes: usize,
    /// Bytes of the stored part.
    pub stored: u64,
}

/// A backup that can be read.
#[derive(Debug, Clone)]
pub struct Backup {
    /// Place of the object.
    pub repository: Repository,
    /// Contents of the object.
    pub manifest: Manifest,
    /// The key that encrypts it.
    pub key: BackupKey,
}

impl Manifest {
    /// All parts.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        let rows = self.service.iter().chain(&self.accounts).flat_map(|table| &table.parts);
        rows.chain(self.files.iter().flat_map(|group| &group.parts)).chain(&self.tombstones)
    }

    /// Writes the manifest, which completes the backup.
    pub(super) async fn write(&self, repository: &Repository, master: &MasterKey) -> Result<(), BackupError> {
        let (content, key) = (encode(serde_json::to_vec(self))?, master.backup_key());
        let (backup, master_key) = (self.id.clone(), master.id().to_owned());
        let header = Header { format: FORMAT, backup, master_key, bytes: content.len() };
        let line = encode(serde_json::to_string(&header))?;
        let packing = tokio::task::spawn_blocking(move || {
            let packed = encode(zstd::bulk::compress(&content, COMPRESSION))?;
            let sealed = encode(key.seal(&format!("manifest {line}"), &packed))?;
            Ok::<_, BackupError>([line.as_bytes(), b"\n", &sealed].concat())
        });
        repository.put(&manifest_path(&self.id), packing.await??).await
    }
}

impl Backup {
    /// Opens a backup, by default the newest complete one, with one of the master keys.
    pub async fn open(
        repository: &Repository,
        id: Option<&str>,
        masters: &[&MasterKey],
    ) -> Result<Self, BackupError> {
        let id = match id.map(str::to_owned) {
            None => repository.newest().await?,
            Some(id) => id,
        };
        let unknown =
            || BackupError::UnknownBackup { address: repository.address().to_owned(), id: id.clone() };
        let file = repository.get(&manifest_path(&id)).await?.ok_or_else(unknown)?;
        let damaged = || BackupError::DamagedManifest { id: id.clone() };
        let end = file.iter().position(|byte| *byte == b'\n').ok_or_else(damaged)?;
        let line = std::str::from_utf8(&file[..end]).map_err(|_| damaged())?;
        let header: Header = serde_json::from_str(line).map_err(|_| damaged())?;
        if header.format != FORMAT {
            return Err(BackupError::UnknownFormat { id, format: header.format });
        }
        let Some(master) = masters.iter().find(|master| master.id() == header.master_key) else {
            let configured = masters.first().map_or_else(String::new, |master| master.id().to_owned());
            return Err(BackupError::AnotherMasterKey { id, wanted: header.master_key, configured });
        };
        let key = master.backup_key();
        let packed =
            key.open(&format!("manifest {line}"), file[end + 1..].to_vec()).map_err(|_| damaged())?;
        let content = zstd::bulk::decompress(&packed, header.bytes.min(MAX_BYTES)).map_err(|_| damaged())?;
        let manifest: Manifest = serde_json::from_slice(&content).map_err(|_| damaged())?;
        if manifest.id != id || header.backup != id {
            return Err(damaged());
        }
        Ok(Self { repository: repository.clone(), manifest, key })
    }
}

pub(super) fn encode<T, E: std::error::Error + Send + Sync + 'static>(
    encoded: Result<T, E>,
) -> Result<T, BackupError> {
    encoded.map_err(|error| BackupError::Encode(Box::new(error)))
}

/// The path of the manifest of a backup.
pub(super) fn manifest_path(id: &str) -> String {
    format!("backups/{id}/manifest")
}

/// The path of the keys of a backup.
pub(super) fn keys_path(id: &str) -> String {
    format!("backups/{id}/keys")
}
