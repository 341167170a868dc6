//! What can go wrong while services are prepared, started and stopped.

use std::io;
use std::path::{Path, PathBuf};

/// The outcome of everything this crate does.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a service is not there. Messages are for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither the working directory nor this build lies in a checkout, so that set-up cannot be asked for the parts.
    #[error("find a Colloquy checkout (looked for setup/runtime.py upwards from the working directory)")]
    NoRepository,
    /// Set-up could not fetch or find the runtime parts; it has said why on stderr.
    #[error("prepare the runtime parts: {0}")]
    Parts(String),
    /// A binary of this workspace has not been built.
    #[error("find the binary `{0}`; build it with `cargo build -p {0}`")]
    NotBuilt(&'static str),
    /// A program could not be started at all.
    #[error("start {program}: {source}")]
    Spawn {
        /// What was to run.
        program: String,
        /// Why it did not.
        source: io::Error,
    },
    /// The service ended instead of becoming ready, or afterwards on its own.
    #[error("keep {service} running: it ended with {status}{}", tail_of(log_tail))]
    Exited {
        /// Its name.
        service: &'static str,
        /// How it ended, in words.
        status: String,
        /// The last lines of its log since it was started.
        log_tail: String,
    },
    /// The service runs and does not answer in time.
    #[error("get an answer from {service} within {seconds} s{}", tail_of(log_tail))]
    NotReady {
        /// Its name.
        service: &'static str,
        /// How long it was given.
        seconds: u64,
        /// The last lines of its log since it was started.
        log_tail: String,
    },
    /// A tool of a service (initdb, psql) reported a failure.
    #[error("run {tool}: {message}")]
    Tool {
        /// The tool's name.
        tool: &'static str,
        /// What it said.
        message: String,
    },
    /// A name that cannot be a database's.
    #[error("use {0:?} as a database name: only a-z, 0-9 and _, at most 63, beginning with a letter")]
    DatabaseName(String),
    /// Another process uses the same data.
    #[error("use {0}: another colloquy-dev is running on it")]
    DataDirInUse(PathBuf),
    /// Nothing below the data directory may be written while the disk is full.
    #[error("use {path}: the disk has only {free_mib} MiB left, the services need at least {needed_mib} MiB")]
    DiskFull {
        /// The data directory.
        path: PathBuf,
        /// What is left, in MiB.
        free_mib: u64,
        /// What has to be left, in MiB.
        needed_mib: u64,
    },
    /// Root cannot start PostgreSQL, and no user it could run as was found or can reach its files.
    #[error("run PostgreSQL as an ordinary user: {0}")]
    Unprivileged(String),
    /// No free loopback port was found.
    #[error("find a free loopback port")]
    NoPort,
    /// The file system refused something.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was tried, an infinitive.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
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
