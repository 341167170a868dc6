//! Runs a command in the foreground beside the services. The command has the terminal; its exit code becomes
//! the exit code of colloquy-dev.

use std::ffi::OsString;
use std::process::{ExitCode, ExitStatus};

use anyhow::{Context as _, Result, bail};
use embedded::{Service, Services};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use crate::environment::Variables;

/// Runs `command` with `variables` to its end. Ends it early when one of `services` or `product` fails.
pub(crate) async fn run(
    command: &[String],
    variables: &Variables,
    services: &Services,
    product: Option<&Service>,
) -> Result<ExitCode> {
    let Some((program, arguments)) = command.split_first() else { bail!("no command is given") };
    let mut child = start(program, arguments, variables)?;
    let id = child.id();
    let ask_to_end = || {
        if let Some(id) = id.and_then(|id| i32::try_from(id).ok()) {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
    };
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be received")?;
    let mut hang_up = signal(SignalKind::hangup()).context("signals cannot be received")?;
    // The command shares the terminal's process group, so Ctrl-C reaches it too: this process only waits for
    // its end.
    let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be received")?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(exit_code(status.with_context(|| format!("the end of {program} cannot be awaited"))?)),
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
    // The command gets SIGTERM when this process is killed, not SIGKILL: it can end its own children.
    let guard = ["--pdeathsig", "TERM", "--"].map(OsString::from);
    Command::new("setpriv")
        .args(guard)
        .arg(program)
        .args(arguments)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .spawn()
        .with_context(|| format!("{program} cannot be started"))
}

fn exit_code(status: ExitStatus) -> ExitCode {
    status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
