//! An upload: encrypted in pieces, so that the file is never whole in memory and never readable on disk.
//!
//! An upload that ends early, for whatever reason, leaves nothing behind: dropping it aborts what the file
//! store has begun.

use std::sync::Arc;

use aggregates::UserId;
use aws_lc_rs::digest::{Context, SHA256};
use bytes::BytesMut;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use rag::error_chain::ErrorChain;
use sealing::{AssociatedData, ContentKey, Subject, UserKey};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::object::Object;
use super::{Files, FilesError, PIECE, STEP, body_path, key_path, within};

/// A file that is being received.
pub struct Upload {
    files: Files,
    object: Object,
    file: Uuid,
    key: ContentKey,
    pending: BytesMut,
    piece: u32,
    digest: Context,
    size: u64,
    /// The upload's share of the memory for buffers.
    _memory: OwnedSemaphorePermit,
}

/// A stored file that belongs to no document yet. It is deleted when this value is dropped.
pub struct Kept {
    files: Files,
    path: Path,
    file: Uuid,
    key: ContentKey,
    /// SHA-256 of the plaintext in hexadecimal.
    pub sha256: String,
    /// Size of the plaintext in bytes.
    pub size: u64,
    /// Whether the file is still where the upload wrote it.
    is_incoming: bool,
}

impl Files {
    /// Starts an upload of a sender. Waits a while for memory where many uploads are open.
    pub async fn begin(&self, sender: UserId) -> Result<Upload, FilesError> {
        let memory = Arc::clone(&self.buffers.memory).acquire_many_owned(self.buffers.mib_of_upload);
        let memory = tokio::time::timeout(STEP, memory).await.map_err(|_| FilesError::Busy)?;
        let file = Uuid::now_v7();
        let path = Path::from(format!("incoming/{sender}/{file}"));
        Ok(Upload {
            files: self.clone(),
            object: Object::begin(self, path),
            file,
            key: ContentKey::random()?,
            pending: BytesMut::with_capacity(2 * PIECE),
            piece: 0,
            digest: Context::new(&SHA256),
            size: 0,
            _memory: memory.map_err(|_| FilesError::Busy)?,
        })
    }
}

impl Upload {
    /// Bytes received so far.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Encrypts and stores the next bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), FilesError> {
        self.digest.update(bytes);
        self.size += bytes.len() as u64;
        self.pending.extend_from_slice(bytes);
        while self.pending.len() > PIECE {
            let piece = self.pending.split_to(PIECE);
            self.seal(&piece, false).await?;
        }
        Ok(())
    }

    /// Stores the remaining bytes. The file is durable afterwards.
    pub async fn finish(mut self) -> Result<Kept, FilesError> {
        let piece = self.pending.split();
        self.seal(&piece, true).await?;
        let Self { files, mut object, file, key, digest, size, .. } = self;
        object.finish().await?;
        let sha256 = hex::encode(digest.finish());
        Ok(Kept { files, path: object.path().clone(), file, key, sha256, size, is_incoming: true })
    }

    async fn seal(&mut self, piece: &[u8], last: bool) -> Result<(), FilesError> {
        let aad = AssociatedData::File { file: self.file, piece: self.piece, last };
        let sealed = self.key.seal(&aad, piece)?;
        let length = u32::try_from(sealed.len()).map_err(|_| FilesError::Damaged)?;
        self.object.write(&length.to_be_bytes()).await?;
        self.object.write(&sealed).await?;
        self.piece += 1;
        Ok(())
    }
}

impl Kept {
    /// Makes this the file of a document: wraps its key with the owner's key.
    pub async fn become_document(
        &mut self,
        owner: UserId,
        key: &UserKey,
        document: Uuid,
    ) -> Result<(), FilesError> {
        let mut note = self.file.as_bytes().to_vec();
        note.extend(key.wrap_content_key(Subject::Document(self.file), &self.key)?);
        let store = &self.files.store;
        within(store.rename(&self.path, &body_path(owner, document, &self.sha256))).await?;
        self.is_incoming = false;
        within(store.put(&key_path(owner, document, &self.sha256), note.into())).await?;
        Ok(())
    }

    /// Deletes the file where it belongs to no document. After a failure the file stays unreadable, since its
    /// key is not stored, and the sweep deletes it later.
    pub async fn discard(mut self) {
        if std::mem::take(&mut self.is_incoming) {
            delete(&self.files, &self.path).await;
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let Ok(runtime) = Handle::try_current() else { return };
        if self.is_incoming {
            let (files, path) = (self.files.clone(), self.path.clone());
            runtime.spawn(async move { delete(&files, &path).await });
        }
    }
}

async fn delete(files: &Files, path: &Path) {
    if let Err(error) = within(files.store.delete(path)).await {
        tracing::debug!(error = %ErrorChain(&error), "a discarded file could not be deleted");
    }
}
