//! Creates a backup beside the running service.
//!
//! Files of documents are copied first, then the snapshot begins, and then the files are copied that were
//! added meanwhile. A file that a document of the snapshot needs and that was deleted in between, because the
//! document got another version, shows itself as missing: then another snapshot begins. So the files of a
//! backup are those that its events name.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aggregates::Position;
use chrono::{DateTime, SecondsFormat, Utc};
use futures::TryStreamExt as _;
use sealing::MasterKey;
use secrecy::SecretString;
use store::{AccountsSchema, DocumentFile, Snapshot};
use uuid::Uuid;

use super::copied_files::FileCopy;
use super::error::BackupError;
use super::keys::{self, InstallationKeys};
use super::manifest::{Backup, Manifest, Table, keys_path};
use super::parts::{PartStore, PartWriter, rows_in};
use super::repository::{Repository, part_path};
use super::tombstones::{self, Tombstones};
use crate::knowledge::files::{FileVersion, Files};

/// Snapshots that are begun before a file counts as lost.
const SNAPSHOTS: u32 = 4;

/// Source of a backup.
pub struct Source<'a> {
    /// The database, without a transaction pooler.
    pub database_url: &'a SecretString,
    /// The database of the account service.
    pub accounts_url: &'a SecretString,
    /// The schema of its tables.
    pub accounts_schema: &'a AccountsSchema,
    /// The stored files.
    pub files: &'a Files,
    /// The master key, whose backup key encrypts the backup.
    pub master: &'a MasterKey,
    /// Tombstones in JetStream.
    pub tombstones: Tombstones,
    /// Keys to keep beside the backup, and the passphrase that encrypts them.
    pub keys: Option<(InstallationKeys, SecretString)>,
}

/// A complete backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The id of the backup.
    pub id: String,
    /// The last position of the ledger.
    pub position: Position,
    /// Parts that were written.
    pub written: u64,
    /// Bytes of these parts.
    pub written_bytes: u64,
    /// Parts that were there.
    pub reused: u64,
    /// Documents whose files were missing already.
    pub missing_files: Vec<Uuid>,
}

/// A consistent pair of snapshots with the files that they need.
struct Consistent {
    service: Snapshot,
    accounts: Snapshot,
    missing: BTreeSet<Uuid>,
}

/// Creates a backup. `now` gives it its name. `progress` receives the names of the steps. After an
/// interruption, a repetition writes only what is not stored yet.
pub async fn create(
    repository: &Repository,
    source: Source<'_>,
    now: DateTime<Utc>,
    progress: impl Fn(&str),
) -> Result<Created, BackupError> {
    let id = now.to_rfc3339_opts(SecondsFormat::Millis, true).replace(':', "-");
    let previous = match Backup::open(repository, None, &[source.master]).await {
        Ok(backup) => Some(backup.manifest),
        Err(error @ BackupError::Place { .. }) => return Err(error),
        Err(_) => None,
    };
    let store = PartStore::new(repository.clone(), source.master.backup_key()).await?;
    let mut files = FileCopy::new(source.files, Arc::clone(&store), previous);
    progress("files of documents");
    files.pass().await?;
    let Consistent { mut service, mut accounts, missing } = consistent(&source, &mut files).await?;

    let mut erased = source.tombstones.clone();
    erased.extend(source.files.tombstones().await?);
    erased.extend(service.erasures().await?);
    let (schema_version, position) = (service.schema_version().await?, service.ledger_head().await?);
    let manifest = Manifest {
        id: id.clone(),
        created_at: now,
        release: env!("CARGO_PKG_VERSION").to_owned(),
        schema_version,
        position,
        accounts_schema: source.accounts_schema.to_string(),
        accounts_definitions: accounts.definitions().await?,
        accounts: copy_tables(&mut accounts, &store, &progress).await?,
        service: copy_tables(&mut service, &store, &progress).await?,
        files: files.finish(),
        tombstones: tombstones::write(PartWriter::new(&store), &erased).await?,
        missing_files: missing.len() as u64,
        has_keys: source.keys.is_some(),
    };
    if let Some((keys, passphrase)) = &source.keys {
        repository.put(&keys_path(&id), keys::sealed(keys, passphrase).await?).await?;
    }
    let stored = repository.parts().await?;
    if let Some(gone) = manifest.parts().find(|part| !stored.contains_key(&part.name)) {
        return Err(BackupError::Pruned { part: part_path(&gone.name) });
    }
    manifest.write(repository, source.master).await?;
    Ok(Created {
        id,
        position,
        written: store.written.load(Ordering::Relaxed),
        written_bytes: store.written_bytes.load(Ordering::Relaxed),
        reused: store.reused.load(Ordering::Relaxed),
        missing_files: missing.into_iter().collect(),
    })
}

/// Begins snapshots until the files are copied that the documents of one need. Files that are missing from
/// one snapshot to the next were missing before.
async fn consistent(source: &Source<'_>, files: &mut FileCopy<'_>) -> Result<Consistent, BackupError> {
    let mut missing_before = BTreeSet::new();
    let mut begun = 0;
    loop {
        let mut service = Snapshot::of_service(source.database_url).await?;
        let shared = service.share(source.database_url).await?;
        let accounts = Snapshot::of_accounts(source.accounts_url, source.accounts_schema, &shared).await?;
        files.pass().await?;
        let missing = missing_files(&mut service, files).await?;
        begun += 1;
        if missing.is_subset(&missing_before) || begun == SNAPSHOTS {
            return Ok(Consistent { service, accounts, missing });
        }
        missing_before = missing;
    }
}

/// The documents of a snapshot whose files are not copied.
async fn missing_files(service: &mut Snapshot, files: &FileCopy<'_>) -> Result<BTreeSet<Uuid>, BackupError> {
    let mut missing = BTreeSet::new();
    let mut needed = std::pin::pin!(service.document_files());
    while let Some(DocumentFile { owner, document, sha256 }) = needed.try_next().await? {
        if !files.has(&FileVersion { owner, document, sha256 }) {
            missing.insert(document);
        }
    }
    Ok(missing)
}

async fn copy_tables(
    snapshot: &mut Snapshot,
    store: &Arc<PartStore>,
    progress: &impl Fn(&str),
) -> Result<Vec<Table>, BackupError> {
    let mut copied = Vec::new();
    for table in snapshot.tables().to_vec() {
        progress(&table.name);
        let (mut writer, mut count) = (PartWriter::new(store), 0);
        let mut rows = snapshot.rows(&table).await?;
        while let Some(row) = rows.try_next().await? {
            count += rows_in(&row);
            writer.add(&row).await?;
        }
        drop(rows);
        let parts = writer.finish().await?;
        copied.push(Table { name: table.name, columns: table.columns, rows: count, parts });
    }
    Ok(copied)
}
