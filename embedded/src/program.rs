//! The description of a service: command, user, and readiness check. Starts nothing itself.
//!
//! A child never outlives this process: if this process is killed, the kernel kills the child (`setpriv
//! --pdeathsig`). The child has its own process group, so Ctrl-C reaches only this process.

use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::privileges::RunAs;
use crate::readiness::Readiness;

/// The environment variables that a program inherits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// Basic variables such as `PATH`; the configuration of other programs is not inherited.
    Clean,
    /// All variables of this process.
    Inherited,
}

/// A program to run as a service, and its readiness check.
#[derive(Debug, Clone)]
pub struct Program {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    environment: Environment,
    directory: PathBuf,
    pub(crate) address: SocketAddr,
    pub(crate) readiness: Readiness,
    pub(crate) start_within: Duration,
    pub(crate) stop_signal: Signal,
    pub(crate) stop_within: Duration,
    user: RunAs,
    pub(crate) transient_failure: Option<&'static str>,
}

impl Program {
    /// The program at `path` as the service `name`, which will listen on `address`.
    pub fn new(
        name: &'static str,
        path: impl Into<PathBuf>,
        address: SocketAddr,
        readiness: Readiness,
    ) -> Self {
        Self {
            name,
            path: path.into(),
            arguments: Vec::new(),
            variables: Vec::new(),
            environment: Environment::Clean,
            directory: PathBuf::from("/"),
            address,
            readiness,
            start_within: Duration::from_secs(30),
            stop_signal: Signal::SIGTERM,
            stop_within: Duration::from_secs(10),
            user: RunAs::Myself,
            transient_failure: None,
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Sets one environment variable.
    #[must_use]
    pub fn variable(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets the inherited variables; default [`Environment::Clean`].
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Sets the working directory; default `/`.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = directory.into();
        self
    }

    /// Sets the time limit until it is ready; default 30 s.
    #[must_use]
    pub fn start_within(mut self, within: Duration) -> Self {
        self.start_within = within;
        self
    }

    /// Sets the time limit for an orderly end, after which it is killed; default 10 s.
    #[must_use]
    pub fn stop_within(mut self, within: Duration) -> Self {
        self.stop_within = within;
        self
    }

    pub(crate) fn stop_by(mut self, signal: Signal) -> Self {
        self.stop_signal = signal;
        self
    }

    pub(crate) fn run_as(mut self, user: RunAs) -> Self {
        self.user = user;
        self
    }

    /// Sets a text in the log by which a failed start is transient and is tried again.
    pub(crate) fn transient_failure(mut self, text: &'static str) -> Self {
        self.transient_failure = Some(text);
        self
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).args(self.user.setpriv_arguments());
        command.arg("--").arg(&self.path).args(&self.arguments);
        if self.environment == Environment::Clean {
            command.env_clear();
            let kept = ["PATH", "HOME", "TMPDIR", "TZ", "LANG", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"];
            command.envs(kept.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(&self.directory).stdin(Stdio::null()).process_group(0);
        command
    }
}
