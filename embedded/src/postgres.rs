//! PostgreSQL: one cluster below the data directory, with an owner role that is not a superuser (row-level
//! security applies to it) and databases created on demand.

use std::fs;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use crate::data_dir::{make_dir, write_private};
use crate::privileges::RunAs;
use crate::{DataDir, Error, Parts, Program, Readiness, Result, Service, hex_secret};

const OWNER: &str = "colloquy";
const SUPERUSER: &str = "postgres";
/// Time limit of a tool such as initdb.
const TOOL_TIME_LIMIT: Duration = Duration::from_mins(1);

/// Settings for two cores and an SSD. Commits stay durable.
const SETTINGS: [(&str, &str); 16] = [
    ("unix_socket_directories", ""),
    ("max_connections", "200"),
    ("effective_cache_size", "1GB"),
    ("work_mem", "16MB"),
    ("maintenance_work_mem", "128MB"),
    ("max_wal_size", "4GB"),
    ("checkpoint_timeout", "15min"),
    ("checkpoint_completion_target", "0.9"),
    ("random_page_cost", "1.1"),
    ("jit", "off"),
    ("timezone", "UTC"),
    ("password_encryption", "scram-sha-256"),
    // Texts of users must not reach the log: neither statements nor the rows quoted in errors.
    ("log_min_error_statement", "panic"),
    ("log_error_verbosity", "terse"),
    ("log_parameter_max_length", "0"),
    ("log_timezone", "UTC"),
];

/// A running PostgreSQL server.
#[derive(Debug)]
pub struct Postgres {
    service: Service,
    bin: PathBuf,
    password: String,
}

impl Deref for Postgres {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

impl Postgres {
    /// Starts the cluster in `data`; creates it at the first start.
    pub async fn start(parts: &Parts, data: &DataDir) -> Result<Self> {
        let folder = data.path().join("postgres");
        let cluster = folder.join("cluster");
        let bin = parts.postgres_bin.clone();
        let user = RunAs::ordinary_user(&folder, &bin)?;
        let sync = Sync::of(data);
        make_dir(&folder)?;
        user.own(&folder)?;
        if cluster.exists() {
            clear_crash(&cluster).await;
        } else {
            initialise(&bin, &folder, &cluster, &user, sync).await?;
        }
        let password_file = folder.join("password");
        let password = fs::read_to_string(&password_file).map_err(Error::io("read", &password_file))?;
        let service =
            Service::on_free_port(data, |address| server(&bin, &cluster, &user, sync, address)).await?;
        let postgres = Self { service, bin, password: password.trim().to_owned() };
        postgres.make_owner().await?;
        Ok(postgres)
    }

    /// The URL of database `name` for the owner role, which may create databases and roles.
    pub fn url(&self, name: &str) -> String {
        self.url_for(OWNER, name)
    }

    /// The URL of database `name` for the superuser: for tests that end connections or read all rows.
    pub fn superuser_url(&self, name: &str) -> String {
        self.url_for(SUPERUSER, name)
    }

    /// Creates the database `name` unless it exists, and returns its URL for the owner role.
    pub async fn create_database(&self, name: &str) -> Result<String> {
        let begins_well = name.starts_with(|first: char| first.is_ascii_lowercase());
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !begins_well || name.len() > 63 || !name.chars().all(is_plain) {
            return Err(Error::DatabaseName(name.to_owned()));
        }
        self.sql(&format!(
            "SELECT 'CREATE DATABASE {name} OWNER {OWNER}'
             WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec\n"
        ))
        .await?;
        Ok(self.url(name))
    }

    fn url_for(&self, role: &str, name: &str) -> String {
        format!("postgres://{role}:{}@{}/{name}", self.password, self.service.address())
    }

    async fn make_owner(&self) -> Result<()> {
        let password = &self.password;
        self.sql(&format!(
            "SELECT 'CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE PASSWORD ''{password}'''
             WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{OWNER}') \\gexec\n"
        ))
        .await
    }

    /// Runs `script` by psql as the superuser, through a pipe: process lists do not show it.
    async fn sql(&self, script: &str) -> Result<()> {
        let address = self.service.address();
        let mut command = Command::new(self.bin.join("psql"));
        command.env_clear().env("PGPASSWORD", &self.password).env("PGCONNECT_TIMEOUT", "10");
        command.args(["-X", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-U", SUPERUSER, "-d", "postgres"]);
        command.args(["-h", &address.ip().to_string(), "-p", &address.port().to_string()]);
        run_tool("psql", command, script).await
    }
}

/// Whether files are synced to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sync {
    On,
    /// Temporary data does not outlive the machine, and each database of a test has a thousand files.
    Off,
}

impl Sync {
    fn of(data: &DataDir) -> Self {
        if data.is_temporary() { Self::Off } else { Self::On }
    }
}

fn server(bin: &Path, cluster: &Path, user: &RunAs, sync: Sync, address: SocketAddr) -> Program {
    let readiness = Readiness::PgIsReady(bin.join("pg_isready"));
    let mut program = Program::new("postgres", bin.join("postgres"), address, readiness)
        .argument("-D")
        .argument(cluster)
        .argument("-h")
        .argument(address.ip().to_string())
        .argument("-p")
        .argument(address.port().to_string())
        // PostgreSQL's fast shutdown: ends sessions instead of waiting for them.
        .stop_by(Signal::SIGINT)
        .start_within(Duration::from_mins(2))
        .stop_within(Duration::from_mins(1))
        .run_as(user.clone())
        // After a kill, the last processes of the former server end with a delay.
        .transient_failure("is still in use");
    program = program.argument("-c").argument(format!("shared_buffers={}MB", shared_buffers()));
    if sync == Sync::Off {
        program = program.argument("-c").argument("fsync=off");
    }
    for (name, value) in SETTINGS {
        program = program.argument("-c").argument(format!("{name}={value}"));
    }
    program
}

/// PostgreSQL's own cache, in MiB: an eighth of the machine's memory, allocated as it fills.
fn shared_buffers() -> u64 {
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse().ok());
    (total.unwrap_or(2_u64 << 20) / 1024 / 8).clamp(128, 2048)
}

/// Creates the cluster in a folder beside its own and renames it when it is complete: an interrupted first
/// start leaves no partial cluster.
async fn initialise(bin: &Path, folder: &Path, cluster: &Path, user: &RunAs, sync: Sync) -> Result<()> {
    let partial = folder.join("cluster.partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(Error::io("removed", &partial))?;
    }
    let password_file = folder.join("password");
    write_private(&password_file, &hex_secret(16)?)?;
    user.own(&password_file)?;
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).args(user.setpriv_arguments()).arg("--").arg(bin.join("initdb"));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").current_dir("/");
    command.args(["--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--data-checksums"]);
    command.arg(format!("--username={SUPERUSER}")).arg("--pwfile").arg(&password_file);
    command.arg("-D").arg(&partial);
    if sync == Sync::Off {
        command.arg("--no-sync");
    }
    run_tool("initdb", command, "").await?;
    fs::rename(&partial, cluster).map_err(Error::io("renamed", &partial))
}

/// Cleans up after a crash: stops a server that still runs on this cluster (the data folder is locked, so no
/// other process uses it), or removes a pid file whose process is another program by now.
async fn clear_crash(cluster: &Path) {
    let pid_file = cluster.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&pid_file) else {
        return;
    };
    let Some(id) = text.lines().next().and_then(|line| line.trim().parse::<i32>().ok()) else {
        return;
    };
    let process = PathBuf::from(format!("/proc/{id}"));
    if fs::read_link(process.join("cwd")).is_ok_and(|folder| folder == cluster) {
        for _ in 0..100 {
            if kill(Pid::from_raw(id), Signal::SIGINT).is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    } else {
        let _ = fs::remove_file(&pid_file);
    }
}

async fn run_tool(tool: &'static str, mut command: Command, input: &str) -> Result<()> {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let run = async {
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await?;
        }
        child.wait_with_output().await
    };
    let output = timeout(TOOL_TIME_LIMIT, run)
        .await
        .map_err(|_| Error::Tool {
            tool,
            message: format!("it did not end within {} s", TOOL_TIME_LIMIT.as_secs()),
        })?
        .map_err(|source| Error::Spawn { program: tool.to_owned(), source })?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Tool { tool, message: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
}
