//! The log file of a service: appended to over starts, turned over when it has grown, and read back when the service
//! fails. Never interpreted beyond searching a line.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

const TURN_OVER_AT: u64 = 16 << 20;
const LONGEST_TAIL: u64 = 64 << 10;

/// Where a service's output goes, and from where on it belongs to the current start.
#[derive(Debug)]
pub(crate) struct ServiceLog {
    path: PathBuf,
}

impl ServiceLog {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file to write to and the offset at which the new start's output begins.
    pub(crate) fn open(&self) -> Result<(File, u64)> {
        if fs::metadata(&self.path).is_ok_and(|file| file.len() > TURN_OVER_AT) {
            let older = self.path.with_extension("log.1");
            fs::rename(&self.path, &older).map_err(Error::io("turn over", &self.path))?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(Error::io("open", &self.path))?;
        let length = file.metadata().map_err(Error::io("read the length of", &self.path))?.len();
        Ok((file, length))
    }

    /// Everything written since `start`, at most the last 64 KiB; empty when the file cannot be read.
    pub(crate) fn since(&self, start: u64) -> String {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(&self.path)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(start.max(length.saturating_sub(LONGEST_TAIL))))?;
            let mut text = Vec::new();
            file.read_to_end(&mut text)?;
            Ok(text)
        };
        String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
    }

    /// The last `lines` lines written since `start`.
    pub(crate) fn tail(&self, start: u64, lines: usize) -> String {
        let text = self.since(start);
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}
