//! The stored files as they are, encrypted, for backups.

use aggregates::{ReceiptId, UserId};
use bytes::Bytes;
use futures::future::ready;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryFutureExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt as _, PutPayload};

use super::object::Object;
use super::sweep::{Place, place_of};
use super::{FileVersion, Files, FilesError, STEP, body_path, key_path, within};

/// The object that names the backup that is being restored.
const RESTORING: &str = "restoring";

/// A stored file, encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFile {
    /// Its place in the file store.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Changes when the file is written again.
    pub version: String,
}

/// The bytes of a stored file.
pub struct RawContent {
    /// The number of bytes.
    pub size: u64,
    bytes: BoxStream<'static, Result<Bytes, object_store::Error>>,
}

/// A file that is being written as it is. It is not there before [`Self::finish`], and aborted when it is
/// dropped before.
pub struct RawWriter(Object);

impl Files {
    /// The owners of stored files, in the order of their ids. Lists one level of the store.
    pub async fn owners(&self) -> Result<Vec<UserId>, FilesError> {
        let listed = within(self.store.list_with_delimiter(None)).await?;
        let owner = |prefix: &Path| Some(UserId::new(prefix.filename()?.parse().ok()?));
        let mut owners: Vec<UserId> = listed.common_prefixes.iter().filter_map(owner).collect();
        owners.sort_unstable();
        Ok(owners)
    }

    /// The files of all documents, in the order of their paths.
    pub fn raw_files(&self) -> BoxStream<'static, Result<RawFile, FilesError>> {
        let files = self.clone();
        if files.is_listed_in_order {
            // One request lists a thousand files, whoever owns them.
            return limited(files.store.list(None))
                .try_filter_map(|found| ready(Ok(raw_file(found))))
                .boxed();
        }
        let owners = async move {
            Ok::<_, FilesError>(
                stream::iter(files.owners().await?)
                    .map(move |owner| Ok::<_, FilesError>((files.clone(), owner))),
            )
        };
        let of_owners = owners.try_flatten_stream().and_then(|(files, owner)| async move {
            let listed = limited(files.store.list(Some(&Path::from(owner.to_string()))));
            let mut found: Vec<RawFile> =
                listed.try_filter_map(|found| ready(Ok(raw_file(found)))).try_collect().await?;
            found.sort_unstable_by(|one, other| one.path.cmp(&other.path));
            Ok(stream::iter(found.into_iter().map(Ok::<_, FilesError>)))
        });
        of_owners.try_flatten().boxed()
    }

    /// The content of a stored file. [`FilesError::Missing`] if it was deleted.
    pub async fn read_raw(&self, path: &str) -> Result<RawContent, FilesError> {
        let found = self.get(&Path::from(path)).await?;
        Ok(RawContent { size: found.meta.size, bytes: found.into_stream() })
    }

    /// Begins to write a file at its place. [`FilesError::Address`] for a path at which no document
    /// has a file.
    pub fn write_raw(&self, path: &str) -> Result<RawWriter, FilesError> {
        let path = Path::from(path);
        if !matches!(place_of(&path), Place::Version(_)) {
            return Err(FilesError::Address);
        }
        Ok(RawWriter(Object::begin(self, path)))
    }

    /// The size of a stored file; `None` if it does not exist.
    pub async fn raw_size(&self, path: &str) -> Result<Option<u64>, FilesError> {
        match within(self.store.head(&Path::from(path))).await {
            Ok(found) => Ok(Some(found.size)),
            Err(FilesError::Store(object_store::Error::NotFound { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Records that a backup is being restored here.
    pub async fn mark_restoring(&self, backup: &str) -> Result<(), FilesError> {
        let mark = PutPayload::from(backup.as_bytes().to_vec());
        within(self.store.put(&Path::from(RESTORING), mark)).await.map(drop)
    }

    /// The backup that is being restored here, if one is.
    pub async fn restoring(&self) -> Result<Option<String>, FilesError> {
        match self.get(&Path::from(RESTORING)).await {
            Ok(found) => Ok(String::from_utf8(within(found.bytes()).await?.into()).ok()),
            Err(FilesError::Missing) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Records that the restore is complete.
    pub async fn unmark_restoring(&self) -> Result<(), FilesError> {
        self.delete_path(&Path::from(RESTORING)).await
    }

    /// The tombstones beside the files with their receipts.
    pub async fn tombstones(&self) -> Result<Vec<(UserId, ReceiptId)>, FilesError> {
        let mut tombstones = Vec::new();
        for owner in self.tombstoned().await? {
            if let Some(receipt) = self.receipt_of(owner).await? {
                tombstones.push((owner, receipt));
            }
        }
        Ok(tombstones)
    }
}

fn raw_file(found: ObjectMeta) -> Option<RawFile> {
    let is_of_document = matches!(place_of(&found.location), Place::Version(_));
    let version = found.e_tag.unwrap_or_else(|| found.last_modified.to_rfc3339());
    is_of_document.then(|| RawFile { path: found.location.to_string(), size: found.size, version })
}

/// Ends with an error when the next part of a list does not come in time.
fn limited(
    listed: BoxStream<'static, Result<ObjectMeta, object_store::Error>>,
) -> BoxStream<'static, Result<ObjectMeta, FilesError>> {
    let next = |mut listed: BoxStream<'static, _>| async move {
        let next =
            tokio::time::timeout(STEP, listed.try_next()).await.map_err(|_| FilesError::TimedOut)??;
        Ok::<_, FilesError>(next.map(|found| (found, listed)))
    };
    stream::try_unfold(listed, next).boxed()
}

impl FileVersion {
    /// The places of the file and of its key.
    pub fn paths(&self) -> [String; 2] {
        let Self { owner, document, sha256 } = self;
        [body_path, key_path].map(|path| path(*owner, *document, sha256).to_string())
    }
}

impl RawContent {
    /// The next bytes; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FilesError> {
        let next = tokio::time::timeout(STEP, self.bytes.next()).await;
        Ok(next.map_err(|_| FilesError::TimedOut)?.transpose()?)
    }
}

impl RawWriter {
    /// Writes the next bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), FilesError> {
        self.0.write(bytes).await
    }

    /// Puts the file at its place.
    pub async fn finish(mut self) -> Result<(), FilesError> {
        self.0.finish().await
    }
}
