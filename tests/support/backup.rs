//! Backups as an operator takes them: `pg_dump`, and `pg_restore` into another database.

use secrecy::ExposeSecret as _;
use std::path::PathBuf;
use std::process::Command;

use colloquy::config::Config;
use embedded::{Parts, WithModel};
use tempfile::TempDir;

use super::backbone::new_database;
use super::served::run;
use super::service;

/// A dump of one database.
pub(crate) struct Backup {
    programs: PathBuf,
    folder: TempDir,
}

impl Backup {
    /// Dumps a database as it is now, while it is used.
    pub(crate) async fn of(config: &Config) -> Self {
        let programs = Parts::locate(WithModel::No).await.unwrap().postgres_bin;
        let backup = Self { programs, folder: tempfile::tempdir().unwrap() };
        let mut dump = Command::new(backup.programs.join("pg_dump"));
        dump.args(["--format=custom", "--file"]).arg(backup.file()).arg(as_superuser(config));
        let dumped = run(dump).await;
        assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
        backup
    }

    /// The same configuration over a new database that holds what was dumped.
    pub(crate) async fn restored(&self, config: &Config) -> Config {
        let mut restored = config.clone();
        restored.app.database_url = new_database().await.into();
        restored.database_direct_url = restored.app.database_url.clone();
        let mut restore = Command::new(self.programs.join("pg_restore"));
        restore.args(["--exit-on-error", "--dbname"]).arg(as_superuser(&restored)).arg(self.file());
        let done = run(restore).await;
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        restored
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("dump")
    }
}

/// A dump contains rows of all owners, so it needs a role that no policy restricts.
fn as_superuser(config: &Config) -> String {
    let (_, database) = config.app.database_url.expose_secret().rsplit_once('/').unwrap();
    let superuser = service("COLLOQUY_TEST_POSTGRES_SUPERUSER_URL");
    let (server, _) = superuser.rsplit_once('/').unwrap();
    format!("{server}/{database}")
}
