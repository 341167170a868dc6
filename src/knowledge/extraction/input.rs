//! The bytes of a file on their way to the process that reads it.

use crate::knowledge::files::{FilesError, Reading};

/// The bytes of a file.
pub enum Input {
    /// A stored file, which is decrypted piece by piece and never whole in memory.
    Stored(Box<Reading>),
    /// A file in memory.
    Bytes(Vec<u8>),
}

impl Input {
    /// The next bytes; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, FilesError> {
        match self {
            Self::Stored(reading) => reading.next().await,
            Self::Bytes(bytes) => Ok(Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty())),
        }
    }
}
