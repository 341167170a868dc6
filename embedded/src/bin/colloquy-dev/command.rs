//! Runs a command in the foreground among the services: it has the terminal, and its exit code becomes ours.

use std::ffi::OsString;
use std::process::{ExitCode, ExitStatus};

use anyhow::{Context as _, Result, bail};
use embedded::{Service, Services};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use crate::environment::Variables;

/// Runs `command` with `variables` to its end. It is ended early when one of `services` or `product` ends.
pub(crate) async fn run(
    command: &[String],
    variables: &Variables,
    services: &Services,
    product: Option<&Service>,
) -> Result<ExitCode> {
    let Some((program, arguments)) = command.split_first() else { bail!("run a command: none is given") };
    let mut child = start(program, arguments, variables)?;
    let id = child.id();
    let ask_to_end = || {
        if let Some(id) = id.and_then(|id| i32::try_from(id).ok()) {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
    };
    let mut terminate = signal(SignalKind::terminate()).context("listen for signals")?;
    let mut hang_up = signal(SignalKind::hangup()).context("listen for signals")?;
    // Ctrl-C reaches the command by itself, which shares the terminal's process group. We only wait for it.
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for signals")?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(exit_code(status.with_context(|| format!("wait for {program}"))?)),
            _ = terminate.recv() => ask_to_end(),
            _ = hang_up.recv() => ask_to_end(),
            _ = interrupt.recv() => {}
            failure = crate::services::first_failure(services, product) => {
                ask_to_end();
                let _ = child.wait().await;
                return Err(failure.into());
            }
        }
    }
}

fn start(program: &str, arguments: &[String], variables: &Variables) -> Result<Child> {
    // Asked to end, not killed, when this process is killed, so that it can end its own children.
    let guard = ["--pdeathsig", "TERM", "--"].map(OsString::from);
    Command::new("setpriv")
        .args(guard)
        .arg(program)
        .args(arguments)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .spawn()
        .with_context(|| format!("start {program}"))
}

fn exit_code(status: ExitStatus) -> ExitCode {
    status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
