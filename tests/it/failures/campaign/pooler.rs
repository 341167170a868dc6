//! `PgBouncer` in transaction mode between the product and PostgreSQL, where one is installed.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use embedded::{DataDir, Program, Readiness, Service};
use nix::unistd::Uid;
use reqwest::Url;

/// Oldest version that knows prepared statements in transaction mode.
const OLDEST: (u32, u32) = (1, 21);
/// User and group `nobody`: `PgBouncer` refuses to run as root.
const NOBODY: &str = "65534";

/// The program in `PATH`, or the reason why there is none that fits.
fn program() -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program =
        std::env::split_paths(&path).map(|folder| folder.join("pgbouncer")).find(|path| path.is_file());
    let program = program.ok_or("pgbouncer is not in PATH")?;
    let printed = Command::new(&program).arg("--version").output().map_err(|error| error.to_string())?;
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    let version = version(&printed).ok_or_else(|| format!("pgbouncer printed no version: {printed}"))?;
    if version < OLDEST {
        let reason = "knows no prepared statements in transaction mode, which came with 1.21";
        return Err(format!("pgbouncer {}.{} {reason}", version.0, version.1));
    }
    Ok(program)
}

fn version(printed: &str) -> Option<(u32, u32)> {
    let mut parts = printed.lines().next()?.split_whitespace().last()?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Starts `PgBouncer` before the database of a URL. Says why not, where it cannot.
pub(super) async fn start(data: &DataDir, database_url: &str) -> Option<Service> {
    let program = match program() {
        Ok(program) => program,
        Err(reason) => {
            println!("without a pooler: {reason}");
            return None;
        }
    };
    let folder = data.path().join("pgbouncer");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let address = embedded::free_port().unwrap();
    let configuration = configure(&folder, database_url, address);
    let is_root = Uid::effective().is_root();
    let mut service = Program::new(
        "pgbouncer",
        if is_root { PathBuf::from("setpriv") } else { program.clone() },
        address,
        ready(),
    );
    if is_root {
        for argument in ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--pdeathsig", "KILL", "--"]
        {
            service = service.argument(argument);
        }
        service = service.argument(program);
    }
    Some(Service::start_new(data, service.argument(configuration)).await.unwrap())
}

const fn ready() -> Readiness {
    Readiness::Prints("process up")
}

fn configure(folder: &Path, database_url: &str, listen: SocketAddr) -> PathBuf {
    let url = Url::parse(database_url).unwrap();
    let (host, port) = (url.host_str().unwrap(), url.port().unwrap());
    let users = folder.join("users");
    let user = format!("\"{}\" \"{}\"\n", url.username(), url.password().unwrap());
    std::fs::write(&users, user).unwrap();
    let text = format!(
        "[databases]\n* = host={host} port={port}\n[pgbouncer]\nlisten_addr = {}\nlisten_port = {}\n\
         auth_type = plain\nauth_file = {}\npool_mode = transaction\nmax_prepared_statements = 200\n\
         ignore_startup_parameters = extra_float_digits\nmax_client_conn = 1000\ndefault_pool_size = 60\n\
         unix_socket_dir =\nserver_login_retry = 1\n",
        listen.ip(),
        listen.port(),
        users.display()
    );
    let configuration = folder.join("pgbouncer.ini");
    std::fs::write(&configuration, text).unwrap();
    configuration
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
