//! `colloquy config`: inspects the configuration.

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::config::in_force::InForce;
use crate::config::{BackupConfig, Config, secret};
use crate::operations::connections::{self, Attempt};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the values in force and their sources, and try every connection.
    ///
    /// The exit code is 1 if a connection does not work. Secrets and logins in URLs are masked.
    Check(Arguments),
}

#[derive(Debug, Args)]
#[command(after_help = secret::help(secret::ALL))]
pub(super) struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    in_force: InForce,
    #[command(flatten)]
    config: Config,
    /// Shown, and not tried: a place of backups is an argument of its commands.
    #[command(flatten)]
    _backup: BackupConfig,
}

pub(super) async fn run(command: Command) -> anyhow::Result<()> {
    let Command::Check(Arguments { json, in_force, config, _backup: _ }) = command;
    let attempts = connections::try_all(&config).await;
    if json {
        println!("{:#}", json!({ "settings": in_force, "connections": attempts }));
    } else {
        print_settings(&in_force);
        print_attempts(&attempts);
    }
    match attempts.iter().filter(|attempt| !attempt.ok).count() {
        0 => Ok(()),
        failed => bail!("{failed} of {} connections do not work", attempts.len()),
    }
}

fn print_settings(InForce(settings): &InForce) {
    let width = settings.iter().map(|setting| setting.name.len()).max().unwrap_or(0);
    for setting in settings {
        let value = setting.value.as_deref().unwrap_or("none");
        println!("{:width$}  {value}  ({})", setting.name, setting.origin);
    }
    println!();
}

fn print_attempts(attempts: &[Attempt]) {
    let width = attempts.iter().map(|attempt| attempt.name.len()).max().unwrap_or(0);
    for Attempt { name, settings, ok, message } in attempts {
        if *ok {
            println!("ok      {name:width$}  {message}");
        } else {
            println!("failed  {name:width$}  {message} ({settings})");
        }
    }
}
