//! `colloquy` as an operator runs it: a process of its own on the services of the run, with a log of its own.

use secrecy::ExposeSecret as _;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use colloquy::config::Config;
use tempfile::TempDir;

use super::service;
use super::waiting::until;

/// The master key that a test's configuration has, as an operator writes it.
pub(crate) const MASTER_KEY: &str = "2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a";

/// A whole product in one process, killed with this value at the latest.
pub(crate) struct Served {
    pub(crate) url: String,
    /// The operator's port.
    pub(crate) admin: String,
    child: Child,
    folder: TempDir,
}

impl Served {
    /// Starts all roles. Nothing says that it is ready yet.
    pub(crate) fn begin(config: &Config) -> Self {
        Self::begin_with(config, &[])
    }

    /// Starts a role beside a database that is migrated already. Nothing says that it is ready yet.
    pub(crate) fn begin_role(config: &Config, role: &str) -> Self {
        Self::begin_with(config, &["--role", role, "--no-migrate"])
    }

    /// The same with further arguments.
    pub(crate) fn begin_with(config: &Config, arguments: &[&str]) -> Self {
        Self::begin_program(Path::new(env!("CARGO_BIN_EXE_colloquy")), config, arguments)
    }

    /// The same of any release.
    pub(crate) fn begin_program(program: &Path, config: &Config, arguments: &[&str]) -> Self {
        Self::spawn(program, config, arguments, &[])
    }

    fn spawn(program: &Path, config: &Config, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let (port, admin) = (embedded::free_port().unwrap().port(), embedded::free_port().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let child = command_of(program, config, MASTER_KEY)
            .arg("serve")
            .args(arguments)
            .env("LISTEN", format!("127.0.0.1:{port}"))
            .env("ADMIN_LISTEN", admin.to_string())
            .envs(settings.iter().copied())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let (url, admin) = (format!("http://127.0.0.1:{port}"), format!("http://{admin}"));
        Self { url, admin, child, folder }
    }

    /// Starts all roles, and waits until it answers.
    pub(crate) async fn start(config: &Config) -> Self {
        let served = Self::begin(config);
        until("the product answers", async || reqwest::get(format!("{}/livez", served.url)).await.ok()).await;
        served
    }

    /// Starts all roles with further settings, and waits until it answers.
    pub(crate) async fn start_with(config: &Config, settings: &[(&str, &str)]) -> Self {
        let served = Self::spawn(Path::new(env!("CARGO_BIN_EXE_colloquy")), config, &[], settings);
        until("the product answers", async || reqwest::get(format!("{}/livez", served.url)).await.ok()).await;
        served
    }

    /// The processes that it started and that have not ended.
    pub(crate) fn children(&self) -> Vec<u32> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let tasks = tasks.into_iter().flatten().flatten().map(|task| task.path().join("children"));
        let children: String = tasks.filter_map(|file| std::fs::read_to_string(file).ok()).collect();
        children.split_whitespace().map(|id| id.parse().unwrap()).collect()
    }

    /// The most memory that it had at a time.
    pub(crate) fn peak_memory_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends it as an operator would.
    pub(crate) fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// All it wrote to its log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command line over the same services, with a master key or with none.
pub(crate) fn command(config: &Config, master_key: &str) -> Command {
    command_of(Path::new(env!("CARGO_BIN_EXE_colloquy")), config, master_key)
}

/// The same of any release.
pub(crate) fn command_of(program: &Path, config: &Config, master_key: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env("DATABASE_URL", config.app.database_url.expose_secret())
        .env("AUTH_DATABASE_URL", config.auth_database_url.expose_secret())
        .env("DATABASE_PREPARED_STATEMENTS", config.app.database_prepared_statements.to_string())
        .env("NATS_URL", config.app.nats_url.expose_secret())
        .env("NATS_PREFIX", &config.app.nats_prefix)
        .env("MASTER_KEY", master_key)
        .env("AUTH_URL", service("COLLOQUY_TEST_AUTH_URL"))
        .env("QDRANT_URL", service("COLLOQUY_TEST_QDRANT_URL"))
        .env("FILES_URL", &config.knowledge.files.files_url)
        .env("EXTRACTION_MEMORY", config.knowledge.extraction.extraction_memory.to_string())
        .env("EXTRACTION_SECONDS", config.knowledge.extraction.extraction_seconds.to_string())
        .env("LISTEN", "127.0.0.1:0")
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end without holding up what else runs here.
pub(crate) async fn run(mut command: Command) -> Output {
    let ended = tokio::task::spawn_blocking(move || command.output());
    // A scratch database is dropped after a checkpoint of the whole server, which other tests fill.
    let patience = std::time::Duration::from_mins(2);
    tokio::time::timeout(patience, ended).await.expect("the command does not end").unwrap().unwrap()
}

/// Standard error of a command that fails by itself (1), or because of its arguments or configuration (2).
pub(crate) async fn failing(command: Command) -> String {
    let output = run(command).await;
    assert!(matches!(output.status.code(), Some(1 | 2)), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}
