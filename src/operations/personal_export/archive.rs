//! A ZIP archive that is sent while it is written. Blocking code writes it on a thread of its own. Both
//! channels are short, so that a slow reader slows the writer down and memory stays bounded.

use std::io::{self, Write};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::ExportError;

/// Bytes of one chunk.
const CHUNK: usize = 64 << 10;
/// Chunks that wait in a channel.
const ON_THE_WAY: usize = 4;

enum Step {
    Begin(String, Option<Value>),
    Append(Vec<u8>),
    Close { whole: bool },
}

/// An archive that is being written.
pub(crate) struct Archive(mpsc::Sender<Step>);

impl Archive {
    /// An archive and the stream of its bytes.
    pub(crate) fn new() -> (Self, mpsc::Receiver<io::Result<Bytes>>) {
        let (steps, next) = mpsc::channel(ON_THE_WAY);
        let (bytes, sent) = mpsc::channel(ON_THE_WAY);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = write(next, &bytes) {
                // The reader must not take a truncated archive for a complete one.
                let _ = bytes.blocking_send(Err(error));
            }
        });
        (Self(steps), sent)
    }

    /// Adds a whole file.
    pub(crate) async fn entry(&self, name: &str, content: Vec<u8>) -> Result<(), ExportError> {
        self.begin(name).await?;
        self.append(content).await
    }

    /// Starts a file.
    pub(crate) async fn begin(&self, name: &str) -> Result<(), ExportError> {
        self.step(Step::Begin(name.to_owned(), None)).await
    }

    /// Starts the file of a document; the manifest names the document.
    pub(crate) async fn begin_document(&self, name: &str, document: Value) -> Result<(), ExportError> {
        self.step(Step::Begin(name.to_owned(), Some(document))).await
    }

    /// Appends to the file that was started last.
    pub(crate) async fn append(&self, content: Vec<u8>) -> Result<(), ExportError> {
        self.step(Step::Append(content)).await
    }

    /// Completes the archive with its manifest, or aborts it.
    pub(crate) async fn close(self, whole: bool) {
        let _ = self.step(Step::Close { whole }).await;
    }

    async fn step(&self, step: Step) -> Result<(), ExportError> {
        self.0.send(step).await.map_err(|_| ExportError::Gone)
    }
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

fn write(mut steps: mpsc::Receiver<Step>, bytes: &mpsc::Sender<io::Result<Bytes>>) -> io::Result<()> {
    let mut zip = ZipWriter::new_stream(Sending { bytes, buffer: Vec::with_capacity(CHUNK) });
    let (mut manifest, mut current): (Vec<Listed>, Option<File>) = (vec![], None);
    loop {
        match steps.blocking_recv() {
            Some(Step::Begin(path, document)) => {
                manifest.extend(current.take().map(File::listed));
                zip.start_file(&path, SimpleFileOptions::default().large_file(true))?;
                current = Some(File { path, bytes: 0, hash: Context::new(&SHA256), document });
            }
            Some(Step::Append(content)) => {
                zip.write_all(&content)?;
                if let Some(file) = &mut current {
                    file.bytes += content.len() as u64;
                    file.hash.update(&content);
                }
            }
            Some(Step::Close { whole: true }) => break,
            Some(Step::Close { whole: false }) | None => {
                return Err(io::Error::other("the export broke off"));
            }
        }
    }
    manifest.extend(current.take().map(File::listed));
    zip.start_file("manifest.json", SimpleFileOptions::default())?;
    zip.write_all(&serde_json::to_vec_pretty(&manifest)?)?;
    zip.finish()?.into_inner().flush()
}

/// Sends written bytes through a channel.
struct Sending<'a> {
    bytes: &'a mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

impl Write for Sending<'_> {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(content);
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(content.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK)));
        self.bytes.blocking_send(Ok(chunk)).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}
