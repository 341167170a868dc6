//! The tombstones in a backup, and those of later backups: who was erased must not return with older rows.

use std::collections::BTreeMap;

use aggregates::{ReceiptId, UserId};
use uuid::Uuid;

use super::error::BackupError;
use super::manifest::{Backup, Part, TOMBSTONES};
use super::parts::PartWriter;
use super::repository::Repository;
use sealing::MasterKey;

/// Erased users and the receipts of their erasures.
pub type Tombstones = BTreeMap<UserId, ReceiptId>;

pub(super) async fn write(mut writer: PartWriter, tombstones: &Tombstones) -> Result<Vec<Part>, BackupError> {
    for (owner, receipt) in tombstones {
        writer.add(format!("{owner} {receipt}\n").as_bytes()).await?;
    }
    writer.finish().await
}

impl Backup {
    /// The tombstones of this backup.
    pub async fn tombstones(&self) -> Result<Tombstones, BackupError> {
        let mut tombstones = Tombstones::new();
        for part in &self.manifest.tombstones {
            let content = self.repository.read(&self.key, part, TOMBSTONES).await?;
            let text = String::from_utf8_lossy(&content);
            tombstones.extend(text.lines().filter_map(parsed));
        }
        Ok(tombstones)
    }
}

fn parsed(line: &str) -> Option<(UserId, ReceiptId)> {
    let (owner, receipt) = line.split_once(' ')?;
    Some((UserId::new(owner.parse().ok()?), ReceiptId::new(receipt.parse::<Uuid>().ok()?)))
}

/// The tombstones of all backups at a place that these master keys can open. Erasures are never taken back,
/// so that an older backup is restored with the tombstones of newer ones. Returns the backups that cannot be
/// opened as well.
pub async fn of_all_backups(
    repository: &Repository,
    masters: &[&MasterKey],
) -> Result<(Tombstones, Vec<String>), BackupError> {
    let (mut tombstones, mut unread) = (Tombstones::new(), Vec::new());
    for id in repository.backups().await? {
        let reading = async { Backup::open(repository, Some(&id), masters).await?.tombstones().await };
        match reading.await {
            Ok(found) => tombstones.extend(found),
            Err(error @ (BackupError::Place { .. } | BackupError::Panicked(_))) => return Err(error),
            Err(_) => unread.push(id),
        }
    }
    Ok((tombstones, unread))
}
