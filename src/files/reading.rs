//! Opens a kept file.

use aggregates::UserId;
use object_store::ObjectStoreExt as _;
use sealing::{Coordinates, Subject, UserKey};
use uuid::Uuid;

use super::{Files, FilesError, body_path, key_path, within};

impl Files {
    /// All bytes of a document's file.
    pub async fn read(
        &self,
        owner: UserId,
        key: &UserKey,
        document: Uuid,
        sha256: &str,
    ) -> Result<Vec<u8>, FilesError> {
        let note = self.bytes(&key_path(owner, document, sha256)).await?;
        let (file, wrapped) = note.split_first_chunk::<16>().ok_or(FilesError::Damaged)?;
        let file = Uuid::from_bytes(*file);
        let key = key.unwrap_content_key(Subject::Document(file), wrapped)?;
        let sealed = self.bytes(&body_path(owner, document, sha256)).await?;
        let mut rest = sealed.as_ref();
        let mut opened = Vec::with_capacity(rest.len());
        let mut piece = 0;
        loop {
            let (length, after) = rest.split_first_chunk::<4>().ok_or(FilesError::Damaged)?;
            let length = u32::from_be_bytes(*length) as usize;
            let (bytes, after) = after.split_at_checked(length).ok_or(FilesError::Damaged)?;
            let last = after.is_empty();
            opened.extend(key.open(&Coordinates::File { file, piece, last }, bytes)?);
            if last {
                return Ok(opened);
            }
            piece += 1;
            rest = after;
        }
    }

    async fn bytes(&self, path: &object_store::path::Path) -> Result<bytes::Bytes, FilesError> {
        let reading = async { self.store.get(path).await?.bytes().await };
        match within(reading).await {
            Err(FilesError::Store(object_store::Error::NotFound { .. })) => Err(FilesError::Missing),
            other => other,
        }
    }
}
