//! `colloquy up`: all of an installation but its databases, in one command.
//!
//! Prepares the settings that an operator has not made, then becomes `colloquy serve --account-service …`.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use aws_lc_rs::rand;
use clap::Args;
use zeroize::Zeroizing;

use crate::config::{self, ConfigFileArguments, Installation};
use crate::telemetry::LoggingConfig;

const SECRET_BYTES: usize = 32;

/// Before the first start: `DATABASE_URL`, `NATS_URL` and `QDRANT_URL`; it starts no database.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folder of the secrets that are generated and of uploaded files, as far as they are not configured.
    #[arg(long, env = "DATA_DIR", default_value = "data")]
    data_dir: PathBuf,
    /// Script of the account service; by default that of this release.
    #[arg(long, env = "ACCOUNT_SERVICE_SCRIPT")]
    account_service: Option<PathBuf>,
    /// Node.js, which runs it; by default that of this release.
    #[arg(long, env = "ACCOUNT_SERVICE_NODE")]
    node: Option<PathBuf>,
    /// Arguments of `colloquy serve`, after `--`.
    #[arg(last = true)]
    serve: Vec<OsString>,
}

/// Does not return if it succeeds: the process goes on as another command.
pub(super) fn run(
    arguments: Arguments,
    logging: &LoggingConfig,
    file: ConfigFileArguments,
) -> anyhow::Result<()> {
    let Arguments { data_dir, account_service, node, serve } = arguments;
    let installation = Installation::of_this_program();
    let script = account_service.or_else(|| Some(installation?.account_service()?.to_owned()));
    let Some(script) = script else {
        bail!("there is no account service beside this program: --account-service names its script")
    };
    let node = node.or_else(|| Some(installation?.node().to_owned())).unwrap_or_else(|| "node".into());
    let mut command = Command::new(std::env::current_exe().context("this program cannot be located")?);
    command.arg("serve").arg("--account-service").arg(script).arg("--node").arg(node).args(serve);
    command.env("LOG", &logging.log).env("LOG_FORMAT", logging.log_format.name());
    if let Some(path) = file.config {
        command.env(ConfigFileArguments::VARIABLE, path);
    }
    for name in ["MASTER_KEY", "BETTER_AUTH_SECRET"] {
        let file_variable = format!("{name}_FILE");
        if !config::is_set(name) && !config::is_set(&file_variable) {
            command.env(file_variable, secret(&data_dir, name)?);
        }
    }
    if !config::is_set("FILES_URL") {
        command.env("FILES_URL", format!("file://{}", absolute(&data_dir)?.join("files").display()));
    }
    if !config::is_set("AUTH_URL") && !config::is_set("AUTH_LISTEN") {
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr())?.port();
        command.env("AUTH_URL", format!("http://127.0.0.1:{port}"));
    }
    Err(command.exec()).context("colloquy serve cannot be started")
}

fn absolute(folder: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
    folder.canonicalize().with_context(|| format!("{} cannot be read", folder.display()))
}

/// The file with the secret of a variable, which is generated at the first start.
fn secret(data_dir: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let file = absolute(data_dir)?.join(name.to_lowercase());
    if !file.exists() {
        generate(&file, name).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(file)
}

/// Writes a new secret. Of two processes that start at once, the first one decides.
fn generate(file: &Path, name: &str) -> anyhow::Result<()> {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    rand::fill(&mut *bytes).map_err(|_| anyhow::anyhow!("no random numbers"))?;
    let text = Zeroizing::new(hex::encode(*bytes));
    let whole = file.with_extension(format!("{}.new", std::process::id()));
    let mut opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&whole)?;
    opened.write_all(text.as_bytes())?;
    opened.sync_all()?;
    let named = fs::hard_link(&whole, file);
    fs::remove_file(&whole)?;
    match named {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.into()),
        Err(_) => Ok(()),
        Ok(()) => {
            tracing::warn!(file = %file.display(), "{name} was generated: without a copy, its loss loses all that it protects");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_generated_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let file = secret(&data, "MASTER_KEY").unwrap();
        let generated = fs::read_to_string(&file).unwrap();
        assert_eq!(generated.len(), 64);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(secret(&data, "MASTER_KEY").unwrap(), file);
        assert_eq!(fs::read_to_string(&file).unwrap(), generated);
    }
}
