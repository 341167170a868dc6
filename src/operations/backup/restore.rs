//! Restores a backup into empty databases and an empty file store.
//!
//! The tombstones come first, and both databases are committed last and without the keys and accounts of
//! erased users. So at no time somebody who was erased can be read, and an interrupted restore
//! leaves empty databases.

use aggregates::{Position, UserId};
use futures::TryStreamExt as _;
use secrecy::SecretString;
use store::{AccountsSchema, Erased, is_empty, migrate};
use tokio::task::JoinSet;

use super::copied_files::{FilePiece, decoded};
use super::error::BackupError;
use super::loading::Loaded;
use super::manifest::{Backup, FILES, FileGroup};
use super::tombstones::Tombstones;
use crate::knowledge::files::{Files, FilesError, RawWriter};

/// Files of one piece that are written at the same time.
const PARALLEL: usize = 8;

/// Destination of a restore.
pub struct Target<'a> {
    /// The empty database, without a transaction pooler.
    pub database_url: &'a SecretString,
    /// The empty database of the account service.
    pub accounts_url: &'a SecretString,
    /// The schema of its tables.
    pub accounts_schema: &'a AccountsSchema,
    /// The file store.
    pub files: &'a Files,
}

/// Whether the file store may be in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// The file store must be empty.
    Refused,
    /// Files that are there stay as they are.
    Kept,
}

/// A restored backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The last position of the ledger.
    pub position: Position,
    /// Files that were written.
    pub files: u64,
    /// Users whose erasure is known, now or in the backup.
    pub erased: usize,
    /// Tables that this release does not have, with their numbers of rows.
    pub unknown_tables: Vec<(String, u64)>,
}

/// Restores a backup. `erased` has the tombstones of all places that survived, newer backups included.
/// `progress` receives the names of the steps.
pub async fn restore(
    backup: &Backup,
    target: Target<'_>,
    mut erased: Tombstones,
    existing: Existing,
    progress: impl Fn(&str),
) -> Result<Restored, BackupError> {
    let (manifest, files) = (&backup.manifest, target.files);
    check(backup, &target, existing).await?;
    files.mark_restoring(&manifest.id).await?;
    erased.extend(backup.tombstones().await?);
    erased.extend(files.tombstones().await?);
    progress("tombstones");
    for (owner, receipt) in &erased {
        files.put_tombstone(*owner, *receipt).await?;
    }
    progress("files of documents");
    let mut writer = FileWriter::new(files, existing, &erased);
    for group in &manifest.files {
        writer.write(backup, group).await?;
    }
    let written = writer.finish().await?;
    let loaded = backup.load(target.database_url, target.accounts_url, &progress).await?;
    let Loaded { service, accounts, unknown } = loaded;
    progress("commit");
    let owners: Vec<UserId> = erased.keys().copied().collect();
    accounts.commit(Erased(&owners)).await.map_err(BackupError::Load)?;
    service.commit(Erased(&owners)).await.map_err(BackupError::Load)?;
    migrate(target.database_url).await.map_err(|error| BackupError::Load(error.into()))?;
    files.unmark_restoring().await?;
    let position = manifest.position;
    Ok(Restored { position, files: written, erased: owners.len(), unknown_tables: unknown })
}

async fn check(backup: &Backup, target: &Target<'_>, existing: Existing) -> Result<(), BackupError> {
    let (configured, wanted) = (target.accounts_schema.to_string(), backup.manifest.accounts_schema.clone());
    if configured != wanted {
        return Err(BackupError::AnotherSchema { wanted, configured });
    }
    if !is_empty(target.database_url, target.accounts_url, target.accounts_schema).await? {
        return Err(BackupError::InUse("the database".to_owned()));
    }
    // What an interrupted restore of the same backup has written does not count.
    let is_continued = target.files.restoring().await?.as_deref() == Some(backup.manifest.id.as_str());
    if existing == Existing::Refused && !is_continued && !target.files.owners().await?.is_empty() {
        return Err(BackupError::InUse("the file store".to_owned()));
    }
    Ok(())
}

/// Writes files from their pieces.
struct FileWriter<'a> {
    files: &'a Files,
    existing: Existing,
    erased: &'a Tombstones,
    open: Option<(String, RawWriter)>,
    /// The version, a path without its extension, that was looked at last, and whether its files
    /// are left out.
    skipped: Option<(String, bool)>,
    writing: JoinSet<Result<(), FilesError>>,
    written: u64,
}

impl<'a> FileWriter<'a> {
    fn new(files: &'a Files, existing: Existing, erased: &'a Tombstones) -> Self {
        let writing = JoinSet::new();
        Self { files, existing, erased, open: None, skipped: None, writing, written: 0 }
    }

    async fn write(&mut self, backup: &Backup, group: &FileGroup) -> Result<(), BackupError> {
        let mut contents = std::pin::pin!(backup.contents(&group.parts, FILES));
        while let Some(content) = contents.try_next().await? {
            let mut rest = content.as_slice();
            while !rest.is_empty() {
                let (piece, after) = decoded(rest).ok_or(FilesError::Damaged)?;
                self.write_piece(&piece).await?;
                rest = after;
            }
        }
        match self.open {
            None => Ok(()),
            Some(_) => Err(FilesError::Damaged.into()),
        }
    }

    async fn write_piece(&mut self, piece: &FilePiece<'_>) -> Result<(), BackupError> {
        if self.is_left_out(piece.path).await? {
            return Ok(());
        }
        if piece.offset == 0 && piece.bytes.len() as u64 == piece.size {
            return self.write_whole(piece).await;
        }
        let mut writer = match self.open.take() {
            Some((path, writer)) if path == piece.path => writer,
            Some(_) => return Err(FilesError::Damaged.into()),
            None => self.files.write_raw(piece.path)?,
        };
        writer.write(piece.bytes).await?;
        if piece.offset + piece.bytes.len() as u64 == piece.size {
            writer.finish().await?;
            self.written += 1;
        } else {
            self.open = Some((piece.path.to_owned(), writer));
        }
        Ok(())
    }

    /// Writes a file of one piece beside others.
    async fn write_whole(&mut self, piece: &FilePiece<'_>) -> Result<(), BackupError> {
        if self.open.is_some() {
            return Err(FilesError::Damaged.into());
        }
        while self.writing.len() >= PARALLEL {
            self.written().await?;
        }
        let (mut writer, bytes) = (self.files.write_raw(piece.path)?, piece.bytes.to_vec());
        self.writing.spawn(self.files.writing(async move {
            writer.write(&bytes).await?;
            writer.finish().await
        }));
        Ok(())
    }

    async fn written(&mut self) -> Result<(), BackupError> {
        if let Some(written) = self.writing.join_next().await {
            written??;
            self.written += 1;
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<u64, BackupError> {
        while !self.writing.is_empty() {
            self.written().await?;
        }
        Ok(self.written)
    }

    /// A file and its key belong together: both are left out or none is.
    async fn is_left_out(&mut self, path: &str) -> Result<bool, BackupError> {
        let version = path.rsplit_once('.').map_or(path, |(version, _)| version);
        if let Some((known, is_left_out)) = &self.skipped
            && known == version
        {
            return Ok(*is_left_out);
        }
        let owner = version.split('/').next().and_then(|owner| owner.parse().ok()).map(UserId::new);
        let is_left_out = owner.is_some_and(|owner| self.erased.contains_key(&owner))
            || self.existing == Existing::Kept && self.is_there(version).await?;
        self.skipped = Some((version.to_owned(), is_left_out));
        Ok(is_left_out)
    }

    async fn is_there(&self, version: &str) -> Result<bool, BackupError> {
        for extension in ["sealed", "key"] {
            if self.files.raw_size(&format!("{version}.{extension}")).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
