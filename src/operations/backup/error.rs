//! Why a backup was not created, verified or restored.

use std::error::Error;
use std::io;

use store::{LoadError, StoreError};

use crate::knowledge::files::FilesError;

/// Why a backup was not created, verified or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The address is invalid.
    #[error("{0} is neither a folder nor s3://bucket/prefix")]
    Address(String),
    /// The place of the backups has no space left.
    #[error("no space is left at {address}; what is written stays there, and a repetition continues")]
    Full {
        /// The place.
        address: String,
        /// Error of the place.
        source: object_store::Error,
    },
    /// The place of the backups failed or did not answer.
    #[error(
        "backups at {address} cannot be reached; what is written stays there, and a repetition continues"
    )]
    Place {
        /// The place.
        address: String,
        /// Error of the place.
        source: FilesError,
    },
    /// No backup is complete.
    #[error("{address} has no complete backup, and {parts} parts of interrupted ones")]
    NoBackup {
        /// The place.
        address: String,
        /// The parts that are there.
        parts: usize,
    },
    /// The backup does not exist or is not complete.
    #[error("{address} has no complete backup {id}")]
    UnknownBackup {
        /// The place.
        address: String,
        /// The backup that was asked for.
        id: String,
    },
    /// The manifest was changed or cut off.
    #[error("the manifest of backup {id} is damaged")]
    DamagedManifest {
        /// The backup.
        id: String,
    },
    /// The manifest has a format of a later release.
    #[error("backup {id} has format {format}, which this release does not know")]
    UnknownFormat {
        /// The backup.
        id: String,
        /// The format.
        format: u32,
    },
    /// The backup is encrypted under another master key.
    #[error(
        "backup {id} is encrypted under master key {wanted}, and master key {configured} is configured; set \
         MASTER_KEY or MASTER_KEY_PREVIOUS to the former"
    )]
    AnotherMasterKey {
        /// The backup.
        id: String,
        /// The id of its master key.
        wanted: String,
        /// The id of the configured master key.
        configured: String,
    },
    /// A part is not there.
    #[error("{part} is missing; its content belongs to {content}")]
    MissingPart {
        /// The path of the part.
        part: String,
        /// The table, the files or the tombstones.
        content: String,
    },
    /// A part was changed or cut off.
    #[error("{part} is damaged; its content belongs to {content}")]
    DamagedPart {
        /// The path of the part.
        part: String,
        /// The table, the files or the tombstones.
        content: String,
    },
    /// A part disappeared while a backup was created.
    #[error("{part} was deleted meanwhile; a repetition writes it again")]
    Pruned {
        /// The path of the part.
        part: String,
    },
    /// The backup contains no keys.
    #[error("backup {0} contains no keys: it was created without --with-keys")]
    NoKeys(String),
    /// The keys in the backup are encrypted by another passphrase, or damaged.
    #[error("BACKUP_PASSPHRASE does not open the keys of backup {0}, or the keys are damaged")]
    WrongPassphrase(String),
    /// The passphrase is not set.
    #[error("BACKUP_PASSPHRASE is not set")]
    NoPassphrase,
    /// Data that would be overwritten.
    #[error("{0} is in use; a backup is restored into empty places")]
    InUse(String),
    /// The account service's schema has another name.
    #[error("AUTH_SCHEMA is {configured}, and the backup has the schema {wanted}")]
    AnotherSchema {
        /// The schema of the backup.
        wanted: String,
        /// The configured schema.
        configured: String,
    },
    /// A table has another number of rows than its manifest says.
    #[error("table {table} has {found} rows, and its manifest says {expected}")]
    Rows {
        /// The table.
        table: String,
        /// Rows that were loaded.
        found: u64,
        /// Rows that were copied.
        expected: u64,
    },
    /// JetStream failed or did not answer.
    #[error("JetStream cannot be read")]
    JetStream {
        /// Error of the client.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Rows were not loaded.
    #[error("the database was not filled")]
    Load(#[from] LoadError),
    /// The file store of the documents failed.
    #[error("the files of documents were not copied")]
    Files(#[from] FilesError),
    /// A part could not be compressed or encrypted.
    #[error("a part could not be compressed or encrypted")]
    Encode(#[source] Box<dyn Error + Send + Sync>),
    /// A task of the backup panicked.
    #[error("task of the backup panicked")]
    Panicked(#[from] tokio::task::JoinError),
}

impl BackupError {
    pub(super) fn at(address: &str, source: FilesError) -> Self {
        match source {
            FilesError::Store(source) if is_full(&source) => {
                Self::Full { address: address.to_owned(), source }
            }
            source => Self::Place { address: address.to_owned(), source },
        }
    }
}

fn is_full(error: &object_store::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(kind, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)) {
            return true;
        }
        cause = error.source();
    }
    false
}
