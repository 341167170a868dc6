//! An upload: encrypted in pieces, so that the file is never whole in memory and never readable on disk.

use std::sync::Arc;

use aggregates::UserId;
use aws_lc_rs::digest::{Context, SHA256};
use bytes::BytesMut;
use object_store::ObjectStoreExt as _;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use rag::error_chain::ErrorChain;
use sealing::{AssociatedData, ContentKey, Subject, UserKey};
use tokio::io::AsyncWriteExt as _;
use uuid::Uuid;

use super::{Files, FilesError, PIECE, STEP, body_path, key_path, within};

/// A file that is being received.
pub struct Upload {
    files: Files,
    path: Path,
    writer: BufWriter,
    file: Uuid,
    key: ContentKey,
    pending: BytesMut,
    piece: u32,
    digest: Context,
    size: u64,
}

/// A stored file that belongs to no document yet.
pub struct Kept {
    files: Files,
    path: Path,
    file: Uuid,
    key: ContentKey,
    /// SHA-256 of the plaintext in hexadecimal.
    pub sha256: String,
    /// Size of the plaintext in bytes.
    pub size: u64,
}

impl Files {
    /// Starts an upload for an owner.
    pub fn begin(&self, sender: UserId) -> Result<Upload, FilesError> {
        let file = Uuid::now_v7();
        let path = Path::from(format!("incoming/{sender}/{file}"));
        Ok(Upload {
            files: self.clone(),
            writer: BufWriter::new(Arc::clone(&self.store), path.clone()),
            path,
            file,
            key: ContentKey::random()?,
            pending: BytesMut::with_capacity(2 * PIECE),
            piece: 0,
            digest: Context::new(&SHA256),
            size: 0,
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
        tokio::time::timeout(STEP, self.writer.shutdown()).await.map_err(|_| FilesError::TimedOut)??;
        let Self { files, path, file, key, digest, size, .. } = self;
        let mut sha256 = String::with_capacity(64);
        for byte in digest.finish().as_ref() {
            use std::fmt::Write as _;
            let _ = write!(sha256, "{byte:02x}");
        }
        Ok(Kept { files, path, file, key, sha256, size })
    }

    async fn seal(&mut self, piece: &[u8], last: bool) -> Result<(), FilesError> {
        let aad = AssociatedData::File { file: self.file, piece: self.piece, last };
        let sealed = self.key.seal(&aad, piece)?;
        let length = u32::try_from(sealed.len()).map_err(|_| FilesError::Damaged)?;
        let writing = async {
            self.writer.write_all(&length.to_be_bytes()).await?;
            self.writer.write_all(&sealed).await
        };
        tokio::time::timeout(STEP, writing).await.map_err(|_| FilesError::TimedOut)??;
        self.piece += 1;
        Ok(())
    }
}

impl Kept {
    /// Makes this the file of a document: wraps its key with the owner's key.
    pub async fn become_document(
        &self,
        owner: UserId,
        key: &UserKey,
        document: Uuid,
    ) -> Result<(), FilesError> {
        let mut note = self.file.as_bytes().to_vec();
        note.extend(key.wrap_content_key(Subject::Document(self.file), &self.key)?);
        let store = &self.files.store;
        within(store.rename(&self.path, &body_path(owner, document, &self.sha256))).await?;
        within(store.put(&key_path(owner, document, &self.sha256), note.into())).await?;
        Ok(())
    }

    /// Deletes the file. After a failure the file stays unreadable, since its key is not stored.
    pub async fn discard(self) {
        if let Err(error) = within(self.files.store.delete(&self.path)).await {
            tracing::debug!(error = %ErrorChain(&error), "a discarded file could not be deleted");
        }
    }
}
