//! Verifies a backup: reads every part, restores it into a scratch database, and checks the ledger, the read
//! models and the files there.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use aggregates::Position;
use futures::TryStreamExt as _;
use projections::ReadModel;
use projections::quarantine::DEFAULT_LIMIT;
use rag::error_chain::ErrorChain;
use sealing::MasterKey;
use secrecy::SecretString;
use store::{Database, DocumentFile, Erased, Keyring, Snapshot, Store, migrate};

use super::copied_files::{decoded, hash_of};
use super::error::BackupError;
use super::loading::Loaded;
use super::manifest::{Backup, FILES, FileGroup, Part, TOMBSTONES};
use super::parts::rows_in;
use crate::audit::verify_database;
use crate::knowledge::files::FileVersion;
use crate::operations::rebuild;

/// Connections to the scratch database: one for each read model, and some to read with.
const CONNECTIONS: u32 = 8;
/// Documents without a file that are named.
const NAMED_DOCUMENTS: usize = 20;

/// The master keys that open the keys of users.
#[derive(Debug, Clone, Copy)]
pub struct Masters<'a> {
    /// The configured master key.
    pub current: &'a MasterKey,
    /// The previous one, while keys are rotated.
    pub previous: Option<&'a MasterKey>,
}

/// Findings of a verification.
#[derive(Debug, Default)]
pub struct Verified {
    /// Parts that were read.
    pub parts: u64,
    /// Whole files.
    pub files: u64,
    /// Events of the verified ledger; 0 if no database was checked.
    pub events: u64,
    /// Problems, one sentence each. A backup is whole if there is none.
    pub problems: Vec<String>,
    /// Hashes of the paths of whole files. 16 bytes of memory for each.
    present: HashSet<u128>,
}

/// Reads every part, and checks it and the files in it. A damaged part does not end the check.
pub async fn verify_parts(backup: &Backup, progress: impl Fn(&str)) -> Result<Verified, BackupError> {
    let mut verified = Verified::default();
    verified.check_files(backup, &progress).await?;
    for table in backup.manifest.service.iter().chain(&backup.manifest.accounts) {
        progress(&table.name);
        verified.check_rows(backup, &table.name, &table.parts, table.rows).await?;
    }
    let tombstones = &backup.manifest.tombstones;
    let count = verified.read(backup, tombstones, TOMBSTONES, |_| ()).await?;
    verified.parts += count;
    Ok(verified)
}

/// Restores the backup into an empty database and checks it there. Tombstones are not applied: the set is
/// checked as it is.
pub async fn verify_in(
    scratch: &SecretString,
    backup: &Backup,
    masters: Masters<'_>,
    progress: impl Fn(&str),
) -> Result<Verified, BackupError> {
    let loaded = match backup.load(scratch, scratch, &progress).await {
        // Damaged parts are all named.
        Err(BackupError::DamagedPart { .. } | BackupError::MissingPart { .. }) => {
            return verify_parts(backup, progress).await;
        }
        loaded => loaded?,
    };
    let Loaded { service, accounts, unknown } = loaded;
    accounts.commit(Erased(&[])).await.map_err(BackupError::Load)?;
    service.commit(Erased(&[])).await.map_err(BackupError::Load)?;
    migrate(scratch).await.map_err(|error| BackupError::Load(error.into()))?;
    let mut verified = Verified::default();
    let tables = backup.manifest.service.iter().chain(&backup.manifest.accounts);
    verified.parts = tables.map(|table| table.parts.len() as u64).sum();
    for (table, rows) in unknown {
        verified
            .problems
            .push(format!("table {table} is not one of this release: {rows} rows are not restored"));
    }
    verified.check_files(backup, &progress).await?;
    verified.check_database(scratch, backup, masters, &progress).await?;
    Ok(verified)
}

impl Verified {
    /// Reads parts; returns how many are whole. What is wrong with the others becomes a problem.
    async fn read(
        &mut self,
        backup: &Backup,
        parts: &[Part],
        content: &str,
        mut look: impl FnMut(&[u8]),
    ) -> Result<u64, BackupError> {
        let (mut contents, mut whole) = (std::pin::pin!(backup.contents(parts, content)), 0);
        loop {
            match contents.try_next().await {
                Ok(None) => return Ok(whole),
                Ok(Some(bytes)) => {
                    look(&bytes);
                    whole += 1;
                }
                Err(problem @ (BackupError::DamagedPart { .. } | BackupError::MissingPart { .. })) => {
                    self.problems.push(problem.to_string());
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn check_rows(
        &mut self,
        backup: &Backup,
        table: &str,
        parts: &[Part],
        expected: u64,
    ) -> Result<(), BackupError> {
        let mut rows = 0;
        let count = |bytes: &[u8]| rows += rows_in(bytes);
        let whole = self.read(backup, parts, &format!("table {table}"), count).await?;
        self.parts += whole;
        if whole == parts.len() as u64 && rows != expected {
            let found = BackupError::Rows { table: table.to_owned(), found: rows, expected };
            self.problems.push(found.to_string());
        }
        Ok(())
    }

    async fn check_files(&mut self, backup: &Backup, progress: &impl Fn(&str)) -> Result<(), BackupError> {
        progress("files of documents");
        for FileGroup { parts, files, .. } in &backup.manifest.files {
            // Bytes of each file that were found.
            let (mut sizes, mut malformed) = (HashMap::<u128, (u64, u64)>::new(), false);
            let look = |mut rest: &[u8]| {
                while !rest.is_empty() {
                    let Some((piece, after)) = decoded(rest) else {
                        malformed = true;
                        break;
                    };
                    sizes.entry(hash_of(piece.path)).or_insert((piece.size, 0)).1 += piece.bytes.len() as u64;
                    rest = after;
                }
            };
            let whole = self.read(backup, parts, FILES, look).await?;
            self.parts += whole;
            let complete = sizes.iter().filter(|(_, (size, found))| size == found).map(|(path, _)| *path);
            let before = self.present.len();
            let complete: Vec<u128> = complete.collect();
            if whole == parts.len() as u64 && (malformed || complete.len() as u64 != *files) {
                self.problems.push(format!("a group has {} whole files instead of {files}", complete.len()));
            }
            self.present.extend(complete);
            self.files += (self.present.len() - before) as u64;
        }
        Ok(())
    }

    async fn check_database(
        &mut self,
        scratch: &SecretString,
        backup: &Backup,
        masters: Masters<'_>,
        progress: &impl Fn(&str),
    ) -> Result<(), BackupError> {
        self.check_documents(scratch).await?;
        let database = Database::connect(scratch, CONNECTIONS).map_err(store::StoreError::from)?;
        let keyring =
            Keyring::new(database.clone(), masters.current.clone()).with_previous(masters.previous.cloned());
        let keyring = Arc::new(keyring);
        if let Err(error) = keyring.check_master_key().await {
            self.problems.push(ErrorChain(&error).to_string());
            return Ok(());
        }
        let store = Store::new(database, keyring);
        progress("ledger");
        match verify_database(&store, None, |_, _| {}).await {
            Ok(found) => self.events = found.events,
            Err(error) => self.problems.push(format!("the ledger is not whole: {}", ErrorChain(&error))),
        }
        let expected = backup.manifest.position;
        if self.problems.is_empty() && Position(self.events) != expected {
            self.problems
                .push(format!("the ledger ends at {}, and its manifest says {expected}", self.events));
        }
        progress("read models");
        match rebuild::check(&store, &ReadModel::ALL, DEFAULT_LIMIT, |_, _| {}).await {
            Ok(checked) => {
                let differing = checked.iter().filter(|(_, differences)| !differences.is_empty());
                self.problems.extend(differing.map(|(model, differences)| {
                    format!(
                        "read model {} differs from the ledger in {} rows or more",
                        model.name(),
                        differences.len()
                    )
                }));
            }
            Err(error) => {
                self.problems.push(format!("the read models were not compared: {}", ErrorChain(&error)));
            }
        }
        Ok(())
    }

    /// Looks for the file and the key of each document.
    async fn check_documents(&mut self, scratch: &SecretString) -> Result<(), BackupError> {
        let mut snapshot = Snapshot::of_service(scratch).await?;
        let mut needed = std::pin::pin!(snapshot.document_files());
        let mut missing = 0;
        while let Some(DocumentFile { owner, document, sha256 }) = needed.try_next().await? {
            let version = FileVersion { owner, document, sha256 };
            if version.paths().iter().any(|path| !self.present.contains(&hash_of(path))) {
                missing += 1;
                if missing <= NAMED_DOCUMENTS {
                    self.problems.push(format!("document {document} has no file or no key"));
                }
            }
        }
        if missing > NAMED_DOCUMENTS {
            self.problems.push(format!("{missing} documents have no file or no key"));
        }
        Ok(())
    }
}
