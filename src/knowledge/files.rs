//! Files of documents, encrypted piece by piece, in a folder or an object store. The content of a file is
//! opaque here.
//!
//! A file is encrypted with a key of its own, which is stored beside it and wrapped with its owner's key.
//! Destroying the owner's key makes all files of the owner unreadable.

mod object;
mod raw;
mod reading;
mod sweep;
mod tombstones;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use aggregates::UserId;
use futures::TryStreamExt as _;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt as _};
use sealing::SealError;
use secrecy::ExposeSecret as _;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::config::FilesConfig;
pub use raw::{RawContent, RawFile, RawWriter};
pub use reading::Reading;
pub use sweep::{FileVersion, StoredFile};
pub use upload::{Kept, Upload};

/// Plaintext bytes of one encrypted piece.
const PIECE: usize = 64 << 10;
/// Parts of an upload to a folder, and to S3, which takes no smaller ones.
const FOLDER_PART_BYTES: usize = 256 << 10;
const S3_PART_BYTES: usize = 5 << 20;
/// Memory for the buffers of all open uploads of a process, in MiB.
const UPLOAD_MEMORY_MIB: usize = 128;
/// Time limit of one call to the file store.
const STEP: Duration = Duration::from_secs(30);
/// Time limit of a connection attempt.
const CONNECT: Duration = Duration::from_secs(3);

/// The file store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    buffers: Buffers,
    /// Whether the store lists all files in the order of their paths, as S3 does.
    is_listed_in_order: bool,
    /// Objects that broke off and are being aborted.
    aborting: TaskTracker,
}

/// The memory for the buffers of all open uploads of the process.
#[derive(Debug, Clone)]
struct Buffers {
    /// In MiB.
    memory: Arc<Semaphore>,
    /// The size of a part, which is sent when it is full. An upload has one that is filled and one
    /// that is sent.
    part_bytes: usize,
    /// Memory of one upload.
    mib_of_upload: u32,
}

impl Buffers {
    fn new(part_bytes: usize, mib_of_upload: u32) -> Self {
        Self { memory: Arc::new(Semaphore::new(UPLOAD_MEMORY_MIB)), part_bytes, mib_of_upload }
    }
}

/// Why a file could not be stored, read or deleted.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The file store failed. A retry can succeed.
    #[error("the file store failed")]
    Store(#[from] object_store::Error),
    /// Reading or writing failed.
    #[error("the transfer to or from the file store failed")]
    Io(#[from] std::io::Error),
    /// Too many uploads are open.
    #[error("too many uploads are open")]
    Busy,
    /// The file store did not answer in time.
    #[error("the file store did not answer in time")]
    TimedOut,
    /// A piece could not be encrypted or decrypted.
    #[error("a file could not be encrypted or decrypted")]
    Seal(#[from] SealError),
    /// The stored file was changed or truncated.
    #[error("the stored file is damaged")]
    Damaged,
    /// The file does not exist.
    #[error("file not found")]
    Missing,
    /// The address is invalid.
    #[error("FILES_URL is neither file:///a/folder nor s3://bucket/prefix")]
    Address,
}

impl Files {
    /// The file store at `FILES_URL`: `file:///a/folder`, which is created if it is missing, or
    /// `s3://bucket/prefix`.
    pub fn new(config: &FilesConfig) -> Result<Self, FilesError> {
        let is_bucket = config.files_url.starts_with("s3://");
        let buffers =
            if is_bucket { Buffers::new(S3_PART_BYTES, 11) } else { Buffers::new(FOLDER_PART_BYTES, 1) };
        let store = objects_at(config, Durability::OnCrash)?;
        Ok(Self { store, buffers, is_listed_in_order: is_bucket, aborting: TaskTracker::new() })
    }

    /// Writes, reads and deletes a small file of no owner.
    pub async fn probe(&self) -> Result<(), FilesError> {
        let path = Path::from(format!("incoming/probe/{}", Uuid::now_v7()));
        within(self.store.put(&path, "probe".into())).await?;
        let read = async { self.store.get(&path).await?.bytes().await };
        let read = within(read).await;
        self.delete_path(&path).await?;
        if *read? == *b"probe" { Ok(()) } else { Err(FilesError::Damaged) }
    }

    /// Deletes all versions of a document's file.
    pub async fn delete_document(&self, owner: UserId, document: Uuid) -> Result<(), FilesError> {
        self.delete_below(&Path::from(format!("{owner}/{document}"))).await
    }

    /// Deletes all files of an owner.
    pub async fn delete_owner(&self, owner: UserId) -> Result<(), FilesError> {
        self.delete_below(&Path::from(owner.to_string())).await?;
        self.delete_below(&Path::from(format!("incoming/{owner}"))).await
    }

    /// Number of files of an owner.
    pub async fn count_of_owner(&self, owner: UserId) -> Result<usize, FilesError> {
        let mut count = 0;
        for prefix in [owner.to_string(), format!("incoming/{owner}")] {
            count += self.below(&Path::from(prefix)).await?.len();
        }
        Ok(count)
    }

    async fn delete_below(&self, prefix: &Path) -> Result<(), FilesError> {
        for path in self.below(prefix).await? {
            self.delete_path(&path).await?;
        }
        Ok(())
    }

    async fn below(&self, prefix: &Path) -> Result<Vec<Path>, FilesError> {
        within(self.store.list(Some(prefix)).map_ok(|found| found.location).try_collect()).await
    }
}

/// Durability of an object that was written to a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It survives a crash of the process.
    OnCrash,
    /// It survives a loss of power.
    OnPowerLoss,
}

/// The objects in a folder, which is created if it is missing, or in a bucket.
pub(crate) fn objects_at(
    config: &FilesConfig,
    durability: Durability,
) -> Result<Arc<dyn ObjectStore>, FilesError> {
    if let Some(bucket) = config.files_url.strip_prefix("s3://") {
        return bucket_at(bucket, config);
    }
    let folder = config.files_url.strip_prefix("file://").ok_or(FilesError::Address)?;
    std::fs::create_dir_all(folder)?;
    let store = LocalFileSystem::new_with_prefix(folder)?;
    Ok(Arc::new(store.with_fsync(durability == Durability::OnPowerLoss)))
}

/// The S3 client reads further variables, such as `AWS_WEB_IDENTITY_TOKEN_FILE`, from the environment.
fn bucket_at(address: &str, config: &FilesConfig) -> Result<Arc<dyn ObjectStore>, FilesError> {
    let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
    if bucket.is_empty() {
        return Err(FilesError::Address);
    }
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
    if let Some(region) = &config.aws_region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &config.aws_endpoint_url {
        builder = builder.with_endpoint(endpoint);
    }
    if let Some(id) = &config.aws_access_key_id {
        builder = builder.with_access_key_id(id.expose_secret());
    }
    if let Some(secret) = &config.aws_secret_access_key {
        builder = builder.with_secret_access_key(secret.expose_secret());
    }
    let endpoints = [AmazonS3ConfigKey::Endpoint, AmazonS3ConfigKey::S3Endpoint];
    let plain = endpoints
        .iter()
        .filter_map(|key| builder.get_config_value(key))
        .any(|endpoint| endpoint.starts_with("http://"));
    let options =
        ClientOptions::new().with_timeout(STEP).with_connect_timeout(CONNECT).with_allow_http(plain);
    let builder = builder.with_client_options(options);
    Ok(Arc::new(PrefixStore::new(builder.build()?, Path::from(prefix))))
}

async fn within<T>(call: impl Future<Output = Result<T, object_store::Error>>) -> Result<T, FilesError> {
    Ok(tokio::time::timeout(STEP, call).await.map_err(|_| FilesError::TimedOut)??)
}

fn body_path(owner: UserId, document: Uuid, sha256: &str) -> Path {
    Path::from(format!("{owner}/{document}/{sha256}.sealed"))
}

fn key_path(owner: UserId, document: Uuid, sha256: &str) -> Path {
    Path::from(format!("{owner}/{document}/{sha256}.key"))
}
