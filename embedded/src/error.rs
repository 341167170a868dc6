//! The errors of preparing, starting and stopping services.

use std::io;
use std::path::{Path, PathBuf};

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// The reason why a service does not run. Messages are for the terminal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither the working directory nor this build is inside a checkout, so set-up cannot locate the parts.
    #[error("no Colloquy checkout was found (setup/runtime.py, upwards from the working directory)")]
    NoRepository,
    /// Set-up could not fetch or find the runtime parts; its own message is on stderr.
    #[error("the runtime parts are missing: {0}")]
    Parts(String),
    /// A binary of this workspace has not been built.
    #[error("the binary `{0}` is not built; build it with `cargo build -p {0}`")]
    NotBuilt(&'static str),
    /// A program of the machine is missing.
    #[error("{0} is not installed (Debian and Ubuntu: apt-get install {0})")]
    NotInstalled(&'static str),
    /// The documentation lacks a configuration.
    #[error("{path} has no block of {language}")]
    NotDocumented {
        /// The language of the block.
        language: &'static str,
        /// The document.
        path: PathBuf,
    },
    /// The operating system could not start a program.
    #[error("{program} cannot be started")]
    Spawn {
        /// The path of the program.
        program: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The service ended before it was ready, or later without being stopped.
    #[error("{service} ended with {status}{}", tail_of(log_tail))]
    Exited {
        /// Its name.
        service: &'static str,
        /// Its exit status or signal.
        status: String,
        /// The last lines of its log since it was started.
        log_tail: String,
    },
    /// The service runs but was not ready in time.
    #[error("{service} was not ready after {seconds} s{}", tail_of(log_tail))]
    NotReady {
        /// Its name.
        service: &'static str,
        /// The time limit.
        seconds: u64,
        /// The last lines of its log since it was started.
        log_tail: String,
    },
    /// A tool of a service (initdb, psql) reported a failure.
    #[error("{tool} failed: {message}")]
    Tool {
        /// The tool's name.
        tool: &'static str,
        /// Its error output.
        message: String,
    },
    /// The name of a database is not allowed.
    #[error("{0:?} is not a database name: it must be a-z, 0-9 and _, at most 63, beginning with a letter")]
    DatabaseName(String),
    /// Another process uses the same data.
    #[error("another colloquy-dev uses the data in {0}")]
    DataDirInUse(PathBuf),
    /// The disk is too full to start the services.
    #[error("the disk of {path} has {free_mib} MiB left, the services need at least {needed_mib} MiB")]
    DiskFull {
        /// The data directory.
        path: PathBuf,
        /// Free space, in MiB.
        free_mib: u64,
        /// Needed space, in MiB.
        needed_mib: u64,
    },
    /// Root cannot run PostgreSQL, and there is no ordinary user that can reach its files.
    #[error("PostgreSQL cannot run as an ordinary user: {0}")]
    Unprivileged(String),
    /// No free loopback port was found.
    #[error("no free loopback port was found")]
    NoPort,
    /// An operation of the file system failed.
    #[error("{path} cannot be {action}")]
    Io {
        /// The operation, as a past participle.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the file system.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

fn tail_of(log_tail: &str) -> String {
    let hint = if log_tail.contains("No space left on device") || log_tail.contains("no space left on device")
    {
        "\nthe disk is full: make room and start again"
    } else {
        ""
    };
    if log_tail.is_empty() {
        format!("{hint} (its log is empty)")
    } else {
        format!("{hint}\nthe end of its log:\n{log_tail}")
    }
}
