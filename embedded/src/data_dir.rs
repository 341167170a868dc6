//! The folder for data, logs and secrets of the services: permanent (`.data/`), or temporary for one run of
//! the tests.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::statvfs::statvfs;

use crate::{Error, Result, hex_secret, repository};

const NEEDED_MIB: u64 = 512;

/// A data folder, locked for this process as long as a clone of this value lives.
#[derive(Debug, Clone)]
pub struct DataDir {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    temporary: bool,
    _lock: File,
}

impl DataDir {
    /// The permanent folder at `path`, created if it is missing.
    pub fn open(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).map_err(Error::io("resolved", path))?;
        Self::hold(path, false)
    }

    /// A new folder below the checkout's `.data/temporary/`, removed when the last clone of this value and
    /// the last service in it are dropped.
    pub fn temporary() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let parent = repository()?.join(".data").join("temporary");
        make_dir(&parent)?;
        remove_leftovers(&parent);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self::hold(parent.join(format!("{}-{number}", std::process::id())), true)
    }

    fn hold(path: PathBuf, temporary: bool) -> Result<Self> {
        make_dir(&path)?;
        let lock_path = path.join("lock");
        let lock = File::create(&lock_path).map_err(Error::io("opened", &lock_path))?;
        lock.try_lock().map_err(|problem| match problem {
            TryLockError::WouldBlock => Error::DataDirInUse(path.clone()),
            TryLockError::Error(source) => Error::io("locked", &lock_path)(source),
        })?;
        let data = Self { inner: Arc::new(Inner { path, temporary, _lock: lock }) };
        data.check_space()?;
        make_dir(&data.logs())?;
        Ok(data)
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Whether the folder is removed at the end.
    pub fn is_temporary(&self) -> bool {
        self.inner.temporary
    }

    /// The folder of the logs, `<service>.log`.
    pub fn logs(&self) -> PathBuf {
        self.inner.path.join("logs")
    }

    /// The secret `name`, created at the first call in a file that only its owner may read.
    ///
    /// Returns the path of the file and the secret: 32 random bytes in hex.
    pub fn secret(&self, name: &str) -> Result<(PathBuf, String)> {
        let folder = self.inner.path.join("secrets");
        let private = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        private.map_err(Error::io("created", &folder))?;
        let path = folder.join(name);
        if let Ok(kept) = fs::read_to_string(&path) {
            return Ok((path, kept.trim().to_owned()));
        }
        let secret = hex_secret(32)?;
        write_private(&path, &secret)?;
        Ok((path, secret))
    }

    fn check_space(&self) -> Result<()> {
        let path = &self.inner.path;
        let Ok(disk) = statvfs(path.as_path()) else {
            return Ok(());
        };
        let free_mib = (disk.blocks_available() * disk.fragment_size()) >> 20;
        if free_mib < NEEDED_MIB {
            return Err(Error::DiskFull { path: path.clone(), free_mib, needed_mib: NEEDED_MIB });
        }
        Ok(())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.temporary {
            // The next run removes files that cannot be removed now.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Creates `path` and its parents. Others may pass through the folder, but not list it.
pub(crate) fn make_dir(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o711).create(path).map_err(Error::io("created", path))
}

/// Writes a file that only its owner may read, atomically.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    let partial = path.with_extension("partial");
    let write = || -> std::io::Result<()> {
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write().map_err(Error::io("written", path))
}

/// Removes the temporary folders of processes that were killed.
fn remove_leftovers(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name.to_string_lossy().split('-').next().map(str::to_owned).unwrap_or_default();
        if !Path::new("/proc").join(owner).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
