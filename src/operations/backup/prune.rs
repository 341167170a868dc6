//! Deletes older backups, and parts that no backup needs.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use sealing::MasterKey;

use super::error::BackupError;
use super::manifest::{Backup, keys_path, manifest_path};
use super::repository::{Repository, part_path};

/// Age from which on a part without a backup is deleted: a creation that uses a younger one can be under way.
const AGE: TimeDelta = TimeDelta::days(2);

/// Deleted objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The ids of deleted backups.
    pub backups: Vec<String>,
    /// Deleted parts.
    pub parts: u64,
    /// Bytes of these parts.
    pub bytes: u64,
}

/// Deletes all backups but the newest ones, and the parts that these do not need. Deletes nothing if one of
/// the kept backups cannot be read.
pub async fn prune(
    repository: &Repository,
    keep: usize,
    masters: &[&MasterKey],
    now: DateTime<Utc>,
) -> Result<Pruned, BackupError> {
    let mut backups = repository.backups().await?;
    let kept = backups.split_off(backups.len().saturating_sub(keep.max(1)));
    let mut needed = HashSet::new();
    for id in &kept {
        let backup = Backup::open(repository, Some(id), masters).await?;
        needed.extend(backup.manifest.parts().map(|part| part.name.clone()));
    }
    for id in &backups {
        repository.delete(&manifest_path(id)).await?;
        repository.delete(&keys_path(id)).await?;
    }
    let mut pruned = Pruned { backups, ..Pruned::default() };
    for (name, size) in repository.parts_before(now - AGE).await? {
        if !needed.contains(&name) {
            repository.delete(&part_path(&name)).await?;
            pruned.parts += 1;
            pruned.bytes += size;
        }
    }
    Ok(pruned)
}
