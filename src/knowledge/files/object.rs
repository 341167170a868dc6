//! An object that is being written, and aborted where that ends early: an object store keeps the parts of an
//! upload that nobody completes or aborts, invisibly, for ever.

use std::sync::Arc;

use object_store::buffered::BufWriter;
use object_store::path::Path;
use rag::error_chain::ErrorChain;
use tokio::io::AsyncWriteExt as _;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TrackedFuture;

use super::{Files, FilesError, STEP};

/// An object that is there as a whole after [`Self::finish`]. Dropped before, it is aborted.
pub(super) struct Object {
    path: Path,
    /// `None` once the object is complete.
    writer: Option<BufWriter>,
    aborting: TaskTracker,
}

impl Object {
    pub(super) fn begin(files: &Files, path: Path) -> Self {
        let part_bytes = files.buffers.part_bytes;
        let writer = BufWriter::with_capacity(Arc::clone(&files.store), path.clone(), part_bytes);
        Self { path, writer: Some(writer.with_max_concurrency(1)), aborting: files.aborting.clone() }
    }

    pub(super) const fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), FilesError> {
        let writer = self.writer.as_mut().ok_or(FilesError::Damaged)?;
        Ok(tokio::time::timeout(STEP, writer.write_all(bytes)).await.map_err(|_| FilesError::TimedOut)??)
    }

    pub(super) async fn finish(&mut self) -> Result<(), FilesError> {
        // An object that cannot be completed is aborted by its writer.
        let Some(mut writer) = self.writer.take() else { return Ok(()) };
        tokio::time::timeout(STEP, writer.shutdown()).await.map_err(|_| FilesError::TimedOut)??;
        Ok(())
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        let (Some(mut writer), Ok(runtime)) = (self.writer.take(), Handle::try_current()) else { return };
        let aborting = async move {
            // A flush ends the request that begins an upload in parts; only then can it be aborted.
            let aborting = async {
                writer.flush().await?;
                writer.abort().await.map_err(std::io::Error::from)
            };
            match tokio::time::timeout(STEP, aborting).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(error = %ErrorChain(&error), "an upload that broke off could not be aborted");
                }
                Err(_) => tracing::warn!("an upload that broke off could not be aborted in time"),
            }
        };
        self.aborting.spawn_on(aborting, &runtime);
    }
}

impl Files {
    /// A task in which objects are written, for which [`Self::aborted`] waits.
    pub fn writing<F: Future>(&self, task: F) -> TrackedFuture<F> {
        self.aborting.track_future(task)
    }

    /// Waits until what broke off is aborted, for a process that ends then.
    pub async fn aborted(&self) {
        self.aborting.close();
        // Each step has this limit. A write that goes on ends before its abortion begins.
        let _ = tokio::time::timeout(2 * STEP, self.aborting.wait()).await;
        self.aborting.reopen();
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::config::FilesConfig;

    #[tokio::test]
    async fn a_file_that_breaks_off_leaves_nothing_behind_once_all_is_aborted() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(&FilesConfig {
            files_url: format!("file://{}", folder.path().display()),
            aws_region: None,
            aws_endpoint_url: None,
            aws_access_key_id: None,
            aws_secret_access_key: None,
        })
        .unwrap();
        let stored = || {
            let mut found = Vec::new();
            let mut folders = vec![folder.path().to_owned()];
            while let Some(folder) = folders.pop() {
                for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
                    if entry.file_type().unwrap().is_dir() {
                        folders.push(entry.path());
                    } else {
                        found.push(entry.file_name().into_string().unwrap());
                    }
                }
            }
            found
        };
        let name = format!("{}/{}/{}.sealed", Uuid::from_u128(1), Uuid::from_u128(2), "0f".repeat(32));
        let several_parts = vec![7; 3 * files.buffers.part_bytes];
        let mut broken_off = files.write_raw(&name).unwrap();
        broken_off.write(&several_parts).await.unwrap();
        drop(broken_off);
        files.aborted().await;
        assert_eq!(stored(), Vec::<String>::new());

        // A task that is cancelled breaks its file off as well.
        let mut written = files.write_raw(&name).unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(files.writing(async move {
            written.write(&several_parts).await?;
            std::future::pending::<Result<(), FilesError>>().await
        }));
        while stored().is_empty() {
            tokio::task::yield_now().await;
        }
        drop(tasks);
        files.aborted().await;
        assert_eq!(stored(), Vec::<String>::new());

        let mut whole = files.write_raw(&name).unwrap();
        whole.write(b"whole").await.unwrap();
        whole.finish().await.unwrap();
        assert_eq!(stored().len(), 1);
    }
}
