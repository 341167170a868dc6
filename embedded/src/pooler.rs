//! `PgBouncer` before a PostgreSQL server, as the machine has it installed.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::data_dir::{make_dir, write_private};
use crate::privileges::RunAs;
use crate::{DataDir, Error, Program, Readiness, Result, Service, free_port};

/// Oldest version that keeps prepared statements in transaction mode.
const OLDEST_WITH_STATEMENTS: (u32, u32) = (1, 21);
/// Folder of the program on Debian, which is not in the `PATH` of ordinary users.
const SBIN: &str = "/usr/sbin";

/// A running pooler.
#[derive(Debug)]
pub struct Pooler {
    service: Service,
}

impl Deref for Pooler {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

impl Pooler {
    /// Starts one before the server of a database's URL, for the user of that URL. `settings` are lines of
    /// the section `[pgbouncer]` beside those of addresses and authentication.
    pub async fn start(data: &DataDir, database_url: &str, settings: &str) -> Result<Self> {
        let program = program()?;
        let folder = data.path().join("pgbouncer");
        let user = RunAs::ordinary_user(&folder, Path::new(SBIN))?;
        make_dir(&folder)?;
        let address = free_port()?;
        let (users, configuration) = (folder.join("users"), folder.join("pgbouncer.ini"));
        let target = Target::of(database_url)?;
        write_private(&users, &format!("\"{}\" \"{}\"\n", target.user, target.password))?;
        write_private(&configuration, &target.configuration(address, &users, settings))?;
        for path in [&folder, &users, &configuration] {
            user.own(path)?;
        }
        let program = Program::new("pgbouncer", program, address, Readiness::Prints("process up"))
            .argument(configuration)
            .run_as(user);
        Ok(Self { service: Service::start_new(data, program).await? })
    }

    /// The URL of a database of the same server through the pooler.
    pub fn url(&self, database_url: &str) -> String {
        let (credentials, rest) = database_url.rsplit_once('@').unwrap_or_default();
        let (_, database) = rest.split_once('/').unwrap_or_default();
        format!("{credentials}@{}/{database}", self.service.address())
    }

    /// Whether the program is installed.
    pub fn is_installed() -> bool {
        program().is_ok()
    }

    /// Whether the installed version can keep prepared statements in transaction mode.
    pub fn keeps_statements() -> Result<bool> {
        let tool_error = |message: String| Error::Tool { tool: "pgbouncer", message };
        let printed = Command::new(program()?).arg("--version").output();
        let printed = printed.map_err(|error| tool_error(error.to_string()))?.stdout;
        let printed = String::from_utf8_lossy(&printed).into_owned();
        let version = version(&printed).ok_or_else(|| tool_error(format!("unknown version: {printed}")))?;
        Ok(version >= OLDEST_WITH_STATEMENTS)
    }
}

/// The server behind the pooler, and its user.
struct Target<'a> {
    user: &'a str,
    password: &'a str,
    host: &'a str,
    port: &'a str,
}

impl<'a> Target<'a> {
    /// The parts of `postgres://user:password@host:port/database`.
    fn of(url: &'a str) -> Result<Self> {
        let parts = || {
            let (credentials, rest) = url.strip_prefix("postgres://")?.rsplit_once('@')?;
            let (user, password) = credentials.split_once(':')?;
            let (host, port) = rest.split_once('/')?.0.rsplit_once(':')?;
            Some(Self { user, password, host, port })
        };
        let message = "the URL of the database has no user, password, host and port".to_owned();
        parts().ok_or(Error::Tool { tool: "pgbouncer", message })
    }

    fn configuration(&self, listen: SocketAddr, users: &Path, settings: &str) -> String {
        format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = {}\nlisten_port = {}\n\
             auth_type = plain\nauth_file = {}\nunix_socket_dir =\n{settings}",
            self.host,
            self.port,
            listen.ip(),
            listen.port(),
            users.display()
        )
    }
}

fn program() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from(SBIN)]);
    let mut programs = folders.map(|folder| folder.join("pgbouncer"));
    programs.find(|path| path.is_file()).ok_or_else(|| Error::Parts("pgbouncer is not installed".to_owned()))
}

fn version(printed: &str) -> Option<(u32, u32)> {
    let mut parts = printed.lines().next()?.split_whitespace().last()?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_first_line() {
        assert_eq!(version("PgBouncer 1.25.0\nlibevent 2.1.12-stable\n"), Some((1, 25)));
        assert_eq!(version("PgBouncer version\n"), None);
    }
}
