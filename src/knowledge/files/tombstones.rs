//! Tombstones beside the files: the second place, besides NATS, that names erased users when a database is
//! restored from an older backup.

use aggregates::{ReceiptId, UserId};
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload};
use uuid::Uuid;

use super::{Files, FilesError, within};

/// The folder of the tombstones, and the object that says that none is missing.
const FOLDER: &str = "tombstones";
const COMPLETE: &str = "complete";

impl Files {
    /// Writes the tombstone of a user. Repeatable.
    pub async fn put_tombstone(&self, owner: UserId, receipt: ReceiptId) -> Result<(), FilesError> {
        self.put_small(&path(&owner.to_string()), receipt.uuid().as_bytes().to_vec()).await
    }

    /// All users with a tombstone.
    pub async fn tombstoned(&self) -> Result<Vec<UserId>, FilesError> {
        let found = self.below(&Path::from(FOLDER)).await?;
        Ok(found.iter().filter_map(|path| path.filename()?.parse().ok()).collect())
    }

    /// The receipt in a user's tombstone; `None` if there is no tombstone.
    pub async fn receipt_of(&self, owner: UserId) -> Result<Option<ReceiptId>, FilesError> {
        match self.get(&path(&owner.to_string())).await {
            Ok(found) => {
                let bytes = within(found.bytes()).await?;
                Ok(Uuid::from_slice(&bytes).ok().map(ReceiptId::new))
            }
            Err(FilesError::Missing) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Records that the tombstones of all erasures so far are here.
    pub async fn mark_tombstones_complete(&self) -> Result<(), FilesError> {
        self.put_small(&path(COMPLETE), Vec::new()).await
    }

    /// Whether the tombstones of all erasures are here: since the mark each erasure writes its own.
    pub async fn are_tombstones_complete(&self) -> Result<bool, FilesError> {
        match self.get(&path(COMPLETE)).await {
            Ok(_) => Ok(true),
            Err(FilesError::Missing) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn put_small(&self, path: &Path, bytes: Vec<u8>) -> Result<(), FilesError> {
        within(self.store.put(path, PutPayload::from(bytes))).await.map(drop)
    }
}

fn path(name: &str) -> Path {
    Path::from(format!("{FOLDER}/{name}"))
}
