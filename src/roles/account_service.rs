//! The account service beside the roles, as `colloquy up` runs it: a Node process that is started again when
//! it ends.
//!
//! The process has the settings of this one, without its secrets but for the accounts' database. It ends when
//! its standard input does, so that none is left when this process is killed.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use reqwest::Url;
use rustix::process::{Pid, Signal, kill_process};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::process::{Child, Command};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, is_set, secret};
use crate::runtime::backoff::Backoff;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A process that ran for so long starts over with the first pause.
const STABLE_AFTER: Duration = Duration::from_mins(1);
/// Time for an orderly end, after which the process is killed.
const STOP_WITHIN: Duration = Duration::from_secs(8);

/// An account service to run.
#[derive(Debug)]
pub struct AccountService {
    node: PathBuf,
    script: PathBuf,
    database_url: SecretString,
    variables: Vec<(&'static str, OsString)>,
}

impl AccountService {
    /// The account service of a configuration: `node` runs `script`. It listens where the api expects it,
    /// unless `AUTH_LISTEN` says otherwise.
    pub fn new(node: PathBuf, script: PathBuf, config: &Config) -> Self {
        let api = &config.api;
        let mut variables: Vec<(&str, OsString)> = vec![
            ("AUTH_ENDS_WITH_INPUT", "on".into()),
            ("PUBLIC_URL", api.public_url.to_string().into()),
            (
                "CORS_ORIGINS",
                listed(api.cors_origins.iter().filter_map(|origin| origin.to_str().ok())).into(),
            ),
            ("TRUSTED_PROXIES", listed(&api.trusted_proxies).into()),
            ("AUTH_ISSUER", api.auth_issuer.clone().into()),
            ("AUTH_AUDIENCE", api.auth_audience.clone().into()),
            ("AUTH_SCHEMA", config.auth_schema.to_string().into()),
        ];
        if let Some(address) = address_of(&api.auth_url).filter(|_| !is_set("AUTH_LISTEN")) {
            variables.push(("AUTH_LISTEN", address.into()));
        }
        Self { node, script, database_url: config.auth_database_url.clone(), variables }
    }

    /// Runs the process, and starts it again after a growing pause when it ends, until `stop`. Then asks it
    /// to end, and waits for that.
    pub async fn run(self, stop: CancellationToken) {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        while !stop.is_cancelled() {
            let began = Instant::now();
            match self.command().spawn() {
                Ok(child) => {
                    let Some(end) = until_its_end(child, &stop).await else { return };
                    tracing::warn!(end, "the account service ended and is started again");
                }
                Err(error) => {
                    tracing::error!(%error, program = %self.node.display(), "the account service cannot be started");
                }
            }
            if began.elapsed() >= STABLE_AFTER {
                backoff.reset();
            }
            stop.run_until_cancelled(backoff.wait()).await;
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(&self.script);
        for name in secret::variables() {
            command.env_remove(name);
        }
        command
            .env("DATABASE_URL", self.database_url.expose_secret())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            // Ctrl-C reaches this process alone, which ends the other one after its own requests.
            .process_group(0)
            .kill_on_drop(true);
        command
    }
}

/// The end of the process, in words; `None` if it ended because of `stop`.
async fn until_its_end(mut child: Child, stop: &CancellationToken) -> Option<String> {
    // The process ends with this pipe.
    let _input = child.stdin.take();
    if let Some(ended) = stop.run_until_cancelled(child.wait()).await {
        return Some(ended.map_or_else(|error| error.to_string(), |status| status.to_string()));
    }
    if let Some(process) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
        let _ = kill_process(process, Signal::TERM);
    }
    if tokio::time::timeout(STOP_WITHIN, child.wait()).await.is_err() {
        tracing::warn!("the account service did not end in time and is killed");
        let _ = child.kill().await;
    }
    None
}

/// Values as a variable has them.
fn listed(values: impl IntoIterator<Item: ToString>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(",")
}

/// Host and port of a base URL, as an address to listen on.
fn address_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_service_listens_where_the_api_expects_it() {
        assert_eq!(address_of("http://127.0.0.1:4000").unwrap(), "127.0.0.1:4000");
        assert_eq!(address_of("http://[::1]:4000").unwrap(), "[::1]:4000");
        assert_eq!(address_of("http://accounts").unwrap(), "accounts:80");
    }
}
