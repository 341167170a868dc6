//! A ZIP archive that is sent while it is written.
//!
//! Each piece is compressed on the blocking pool, and no thread is held while the reader takes its time.
//! Memory is bounded by one piece and the chunks on the way.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;
use zip::ZipWriter;
use zip::write::{SimpleFileOptions, StreamWriter};

use super::ExportError;

/// Bytes of one chunk.
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks that wait for the reader.
const ON_THE_WAY: usize = 4;
/// Bytes that are compressed at once.
const PIECE_BYTES: usize = 256 << 10;
/// Time that a reader has to take one chunk.
const READER_TIMEOUT: Duration = Duration::from_secs(20);

/// An archive that is being written.
pub(crate) struct Archive {
    /// `None` after a failure.
    writer: Option<Box<Writer>>,
    written: Written,
    chunks: mpsc::Sender<io::Result<Bytes>>,
}

impl Archive {
    /// An archive and the stream of its bytes.
    pub(crate) fn new() -> (Self, mpsc::Receiver<io::Result<Bytes>>) {
        let (chunks, sent) = mpsc::channel(ON_THE_WAY);
        let written = Written::default();
        let writer = Writer { zip: ZipWriter::new_stream(written.clone()), manifest: vec![], current: None };
        (Self { writer: Some(Box::new(writer)), written, chunks }, sent)
    }

    /// Adds a whole file.
    pub(crate) async fn entry(&mut self, name: &str, content: Vec<u8>) -> Result<(), ExportError> {
        self.begin(name).await?;
        self.append(content).await
    }

    /// Starts a file.
    pub(crate) async fn begin(&mut self, name: &str) -> Result<(), ExportError> {
        let path = name.to_owned();
        self.write(move |writer| writer.begin(path, None)).await
    }

    /// Starts the file of a document; the manifest names the document.
    pub(crate) async fn begin_document(&mut self, name: &str, document: Value) -> Result<(), ExportError> {
        let path = name.to_owned();
        self.write(move |writer| writer.begin(path, Some(document))).await
    }

    /// Appends to the file that was started last.
    pub(crate) async fn append(&mut self, content: Vec<u8>) -> Result<(), ExportError> {
        let mut rest = Bytes::from(content);
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(PIECE_BYTES));
            self.write(move |writer| writer.append(&piece)).await?;
        }
        Ok(())
    }

    /// Completes the archive with its manifest.
    pub(crate) async fn finish(&mut self) -> Result<(), ExportError> {
        self.write(Writer::list_files).await?;
        if let Some(writer) = self.writer.take() {
            on_a_thread(move || writer.zip.finish().map(drop).map_err(io::Error::from)).await?;
        }
        self.send(0).await
    }

    /// Tells the reader that the archive is not complete. A reader must not take a truncated archive for a
    /// complete one.
    pub(crate) fn break_off(self) {
        // A full channel belongs to a reader that is too slow: closing the connection tells it.
        let _ = self.chunks.try_send(Err(io::Error::other("the export broke off")));
    }

    async fn write(
        &mut self,
        step: impl FnOnce(&mut Writer) -> io::Result<()> + Send + 'static,
    ) -> Result<(), ExportError> {
        let mut writer = self.writer.take().ok_or_else(|| io::Error::other("the archive failed before"))?;
        let writer = on_a_thread(move || step(&mut writer).map(|()| writer)).await?;
        self.writer = Some(writer);
        self.send(CHUNK_BYTES).await
    }

    /// Sends what was written, if it is at least so many bytes. Waits while the reader is slow, but not
    /// without end.
    async fn send(&self, at_least: usize) -> Result<(), ExportError> {
        let Some(mut bytes) = self.written.take(at_least) else { return Ok(()) };
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(CHUNK_BYTES));
            match tokio::time::timeout(READER_TIMEOUT, self.chunks.send(Ok(chunk))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(ExportError::Gone),
                Err(_) => return Err(ExportError::SlowReader),
            }
        }
        Ok(())
    }
}

/// Runs a step of the archive on the blocking pool.
async fn on_a_thread<T: Send + 'static>(
    step: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ExportError> {
    Ok(tokio::task::spawn_blocking(step).await.map_err(io::Error::other)??)
}

/// An entry of the manifest.
#[derive(Serialize)]
struct Listed {
    path: String,
    bytes: u64,
    sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Value>,
}

struct File {
    path: String,
    bytes: u64,
    hash: Context,
    document: Option<Value>,
}

impl File {
    fn listed(self) -> Listed {
        let sha256 = hex::encode(self.hash.finish());
        Listed { path: self.path, bytes: self.bytes, sha256, document: self.document }
    }
}

/// The archive and the files that it has so far.
struct Writer {
    zip: ZipWriter<StreamWriter<Written>>,
    manifest: Vec<Listed>,
    current: Option<File>,
}

impl Writer {
    fn begin(&mut self, path: String, document: Option<Value>) -> io::Result<()> {
        self.manifest.extend(self.current.take().map(File::listed));
        self.zip.start_file(&path, SimpleFileOptions::default().large_file(true))?;
        self.current = Some(File { path, bytes: 0, hash: Context::new(&SHA256), document });
        Ok(())
    }

    fn append(&mut self, content: &[u8]) -> io::Result<()> {
        self.zip.write_all(content)?;
        if let Some(file) = &mut self.current {
            file.bytes += content.len() as u64;
            file.hash.update(content);
        }
        Ok(())
    }

    fn list_files(&mut self) -> io::Result<()> {
        self.manifest.extend(self.current.take().map(File::listed));
        self.zip.start_file("manifest.json", SimpleFileOptions::default())?;
        self.zip.write_all(&serde_json::to_vec_pretty(&self.manifest)?)
    }
}

/// Bytes of the archive that are not sent yet.
#[derive(Debug, Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self, at_least: usize) -> Option<Bytes> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (bytes.len() >= at_least).then(|| Bytes::from(mem::take(&mut *bytes)))
    }
}

impl Write for Written {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(content);
        Ok(content.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that do not compress.
    fn noise(bytes: usize) -> Vec<u8> {
        std::iter::repeat_with(|| fastrand::u8(..)).take(bytes).collect()
    }

    #[test]
    fn readers_that_stop_reading_hold_no_thread() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(2)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut unread = Vec::new();
            let mut stalled = Vec::new();
            for _ in 0..8 {
                let (mut archive, bytes) = Archive::new();
                unread.push(bytes);
                stalled.push(tokio::spawn(async move { archive.entry("noise", noise(2 << 20)).await }));
            }
            for bytes in &unread {
                while bytes.len() < ON_THE_WAY {
                    tokio::task::yield_now().await;
                }
            }
            assert!(stalled.iter().all(|task| !task.is_finished()));
            tokio::task::spawn_blocking(|| ()).await.unwrap();
        });
    }
}
