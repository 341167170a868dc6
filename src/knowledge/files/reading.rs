//! Decrypts a stored file, piece by piece.

use aggregates::UserId;
use bytes::{Buf as _, Bytes, BytesMut};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use sealing::{AssociatedData, ContentKey, Subject, UserKey};
use uuid::Uuid;

use super::{Files, FilesError, STEP, body_path, key_path, within};

/// The longest encrypted piece.
const LONGEST: usize = 1 << 20;

/// A stored file that is being decrypted.
pub struct Reading {
    sealed: BoxStream<'static, Result<Bytes, object_store::Error>>,
    buffer: BytesMut,
    file: Uuid,
    key: ContentKey,
    piece: u32,
    over: bool,
}

impl Files {
    /// Reads a whole file.
    pub async fn read(
        &self,
        owner: UserId,
        key: &UserKey,
        document: Uuid,
        sha256: &str,
    ) -> Result<Vec<u8>, FilesError> {
        let mut reading = self.open(owner, key, document, sha256).await?;
        let mut opened = Vec::new();
        while let Some(piece) = reading.next().await? {
            opened.extend(piece);
        }
        Ok(opened)
    }

    /// Opens the file of a document.
    pub async fn open(
        &self,
        owner: UserId,
        key: &UserKey,
        document: Uuid,
        sha256: &str,
    ) -> Result<Reading, FilesError> {
        let note = self.get(&key_path(owner, document, sha256)).await?;
        let note = within(note.bytes()).await?;
        let (file, wrapped) = note.split_first_chunk::<16>().ok_or(FilesError::Damaged)?;
        let file = Uuid::from_bytes(*file);
        let key = key.unwrap_content_key(Subject::Document(file), wrapped)?;
        let sealed = self.get(&body_path(owner, document, sha256)).await?.into_stream();
        Ok(Reading { sealed, buffer: BytesMut::new(), file, key, piece: 0, over: false })
    }

    pub(super) async fn get(&self, path: &Path) -> Result<object_store::GetResult, FilesError> {
        match within(self.store.get(path)).await {
            Err(FilesError::Store(object_store::Error::NotFound { .. })) => Err(FilesError::Missing),
            other => other,
        }
    }
}

impl Reading {
    /// The next bytes; `None` after the last. A truncated file is an error.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, FilesError> {
        if self.over {
            return Ok(None);
        }
        if !self.fill(4).await? {
            return Err(FilesError::Damaged);
        }
        let length = self.buffer.get_u32() as usize;
        // One more byte shows whether another piece follows.
        if length > LONGEST || !self.fill(length).await? {
            return Err(FilesError::Damaged);
        }
        let last = !self.fill(length + 1).await?;
        let sealed = self.buffer.split_to(length);
        let aad = AssociatedData::File { file: self.file, piece: self.piece, last };
        let opened = self.key.open(&aad, &sealed)?;
        self.piece += 1;
        self.over = last;
        Ok(Some(opened))
    }

    /// Reads until the buffer holds so many bytes; `false` if the file ends before.
    async fn fill(&mut self, wanted: usize) -> Result<bool, FilesError> {
        while self.buffer.len() < wanted {
            let next = tokio::time::timeout(STEP, self.sealed.next()).await;
            match next.map_err(|_| FilesError::TimedOut)? {
                Some(bytes) => self.buffer.extend_from_slice(&bytes?),
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}
