//! Backups as an operator takes them by `colloquy backup`, in a folder of their own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use colloquy::config::Config;
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use super::backbone::new_database;
use super::served::{MASTER_KEY, command, run};
use super::{files_url, service};

/// A place of backups.
pub(crate) struct BackupPlace(TempDir);

impl BackupPlace {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A command over this place with the test's master key.
    pub(crate) fn command(&self, config: &Config, arguments: &[&str]) -> Command {
        backup_command(config, self.path().to_str().unwrap(), arguments)
    }

    /// Runs a command that succeeds; returns what it printed.
    pub(crate) async fn run(&self, config: &Config, arguments: &[&str]) -> String {
        let output = run(self.command(config, arguments)).await;
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that fails; returns all that it printed.
    pub(crate) async fn fail(&self, config: &Config, arguments: &[&str]) -> String {
        told_of_failure(&run(self.command(config, arguments)).await)
    }

    /// Creates a backup; returns its id.
    pub(crate) async fn create(&self, config: &Config) -> String {
        self.run(config, &["create"]).await;
        self.run(config, &["list"]).await.lines().last().unwrap().to_owned()
    }

    /// The stored parts.
    pub(crate) fn parts(&self) -> Vec<PathBuf> {
        let folders = std::fs::read_dir(self.path().join("parts")).into_iter().flatten().flatten();
        let files =
            folders.flat_map(|folder| std::fs::read_dir(folder.path()).into_iter().flatten().flatten());
        let mut parts: Vec<PathBuf> = files.map(|file| file.path()).collect();
        parts.sort_unstable();
        parts
    }
}

/// All that a failed command printed.
pub(crate) fn told_of_failure(output: &Output) -> String {
    assert!(matches!(output.status.code(), Some(1 | 2)), "{output:?}");
    [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat()
}

/// `colloquy backup` over a place.
pub(crate) fn backup_command(config: &Config, place: &str, arguments: &[&str]) -> Command {
    let mut command = command(config, MASTER_KEY);
    command.arg("backup").args(arguments).args(["--to", place]);
    command.env("SCRATCH_DATABASE_URL", service("COLLOQUY_TEST_POSTGRES_URL"));
    command
}

/// The same configuration over new databases and a new file store. The names in NATS stay.
pub(crate) async fn elsewhere(config: &Config) -> Config {
    let mut elsewhere = config.clone();
    elsewhere.app.database_url = new_database().await.into();
    elsewhere.database_direct_url = elsewhere.app.database_url.clone();
    elsewhere.auth_database_url = elsewhere.app.database_url.expose_secret().to_owned().into();
    elsewhere.knowledge.files.files_url = files_url();
    elsewhere
}
