//! The files people brought: sealed piece by piece as they come, in a folder or whatever `object_store` reaches. It does not
//! know what is in them.
//!
//! A file is sealed by a key of its own, which lies beside it, wrapped by its owner's key: with that key all of an owner's
//! files are unreadable.

mod reading;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use aggregates::UserId;
use futures::TryStreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt as _};
use sealing::SealError;
use uuid::Uuid;

pub use reading::Reading;
pub use upload::{Kept, Upload};

/// Bytes sealed together.
const PIECE: usize = 64 << 10;
/// How long one step of the file store may take.
const STEP: Duration = Duration::from_secs(30);
/// How long connecting to it may take.
const CONNECT: Duration = Duration::from_secs(3);

/// The file store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
}

/// Why a file is not kept, read or deleted.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The store failed; trying again later can help.
    #[error("use the file store")]
    Store(#[from] object_store::Error),
    /// Reading or writing broke off.
    #[error("move bytes to or from the file store")]
    Io(#[from] std::io::Error),
    /// It did not answer in time.
    #[error("wait for the file store")]
    TimedOut,
    /// A piece cannot be sealed or opened.
    #[error("seal or open a file")]
    Seal(#[from] SealError),
    /// It is not as it was written.
    #[error("read a file as it was written")]
    Damaged,
    /// There is no such file.
    #[error("find a file")]
    Missing,
    /// The address is none.
    #[error("read FILES_URL: it has to be file:///a/folder or s3://bucket/prefix")]
    Address,
}

impl Files {
    /// The store at an address: `file:///a/folder`, which is made if it is missing, or `s3://bucket/prefix`, for which the
    /// environment says the rest (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL` …).
    pub fn at(url: &str) -> Result<Self, FilesError> {
        if let Some(bucket) = url.strip_prefix("s3://") {
            return Ok(Self { store: bucket_at(bucket)? });
        }
        let folder = url.strip_prefix("file://").ok_or(FilesError::Address)?;
        std::fs::create_dir_all(folder)?;
        let store = LocalFileSystem::new_with_prefix(folder)?;
        Ok(Self { store: Arc::new(store) })
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

    /// How many files an owner has.
    pub async fn count_of_owner(&self, owner: UserId) -> Result<usize, FilesError> {
        let mut count = 0;
        for prefix in [owner.to_string(), format!("incoming/{owner}")] {
            count += self.below(&Path::from(prefix)).await?.len();
        }
        Ok(count)
    }

    async fn delete_below(&self, prefix: &Path) -> Result<(), FilesError> {
        for path in self.below(prefix).await? {
            match within(self.store.delete(&path)).await {
                Ok(()) | Err(FilesError::Store(object_store::Error::NotFound { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn below(&self, prefix: &Path) -> Result<Vec<Path>, FilesError> {
        within(self.store.list(Some(prefix)).map_ok(|found| found.location).try_collect()).await
    }
}

fn bucket_at(address: &str) -> Result<Arc<dyn ObjectStore>, FilesError> {
    let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
    if bucket.is_empty() {
        return Err(FilesError::Address);
    }
    let plain = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"]
        .iter()
        .any(|name| std::env::var(name).is_ok_and(|endpoint| endpoint.starts_with("http://")));
    let options =
        ClientOptions::new().with_timeout(STEP).with_connect_timeout(CONNECT).with_allow_http(plain);
    let builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_client_options(options);
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
