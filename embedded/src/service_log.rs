//! The log file of a service: appended over starts, rotated when it is large, read after a failure.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

const ROTATED_FROM_BYTES: u64 = 16 << 20;
const LONGEST_TAIL_BYTES: u64 = 64 << 10;

/// The log file of one service.
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

    /// Opens the file for writing; returns it with the offset at which the output of this start begins.
    pub(crate) fn open(&self) -> Result<(File, u64)> {
        if fs::metadata(&self.path).is_ok_and(|file| file.len() > ROTATED_FROM_BYTES) {
            let older = self.path.with_extension("log.1");
            fs::rename(&self.path, &older).map_err(Error::io("renamed", &self.path))?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(Error::io("opened", &self.path))?;
        let length = file.metadata().map_err(Error::io("measured", &self.path))?.len();
        Ok((file, length))
    }

    /// The text from offset `start`, at most the last 64 KiB; empty if the file cannot be read.
    pub(crate) fn since(&self, start: u64) -> String {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(&self.path)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(start.max(length.saturating_sub(LONGEST_TAIL_BYTES))))?;
            let mut text = Vec::new();
            file.read_to_end(&mut text)?;
            Ok(text)
        };
        String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
    }

    /// The last `lines` lines from offset `start`.
    pub(crate) fn tail(&self, start: u64, lines: usize) -> String {
        let text = self.since(start);
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}
