//! One service: a child process that is started, watched, stopped, killed and paused.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::service_log::ServiceLog;
use crate::{DataDir, Error, Program, Result, free_port, spawner};

const POLL_INTERVAL: Duration = Duration::from_millis(20);
const TAIL_LINES: usize = 20;
const PORTS_TO_TRY: usize = 3;
const PORT_TAKEN: [&str; 3] = ["ddress already in use", "address in use", "EADDRINUSE"];

/// A service: its process while it runs, and the address and data that it keeps over restarts.
///
/// Dropping it stops the process and waits for its end.
pub struct Service {
    program: Program,
    log: ServiceLog,
    state: Mutex<State>,
    // Dropped last: a temporary folder outlives the process that writes to it.
    _data: DataDir,
}

#[derive(Debug, Default)]
struct State {
    child: Option<Child>,
    log_start: u64,
    paused: Vec<Pid>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.program.name)
            .field("address", &self.program.address)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Starts the program that `program` returns for a free port; tries other ports if that is taken.
    pub(crate) async fn on_free_port(
        data: &DataDir,
        program: impl Fn(SocketAddr) -> Program,
    ) -> Result<Self> {
        Self::on_free_port_with(data, |address| Ok(program(address))).await
    }

    /// The same with a program whose preparation can fail.
    pub(crate) async fn on_free_port_with(
        data: &DataDir,
        program: impl Fn(SocketAddr) -> Result<Program>,
    ) -> Result<Self> {
        let mut left = PORTS_TO_TRY;
        loop {
            left -= 1;
            match Self::start_new(data, program(free_port()?)?).await {
                Err(Error::Exited { log_tail, .. })
                    if left > 0 && PORT_TAKEN.iter().any(|sign| log_tail.contains(sign)) => {}
                outcome => return outcome,
            }
        }
    }

    /// Starts `program` with its log below `data` and waits until it is ready.
    pub async fn start_new(data: &DataDir, program: Program) -> Result<Self> {
        let log = ServiceLog::new(data.logs().join(format!("{}.log", program.name)));
        let service = Self { program, log, state: Mutex::default(), _data: data.clone() };
        service.start().await?;
        Ok(service)
    }

    /// The name, also that of the log file.
    pub fn name(&self) -> &'static str {
        self.program.name
    }

    /// The address on which it listens; stays the same over restarts.
    pub fn address(&self) -> SocketAddr {
        self.program.address
    }

    /// The log file with its output.
    pub fn log_path(&self) -> &Path {
        self.log.path()
    }

    /// The id of its process, if it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.state().child.as_ref().map(Child::id)
    }

    /// Starts it again at the same address and waits until it is ready. Does nothing if it runs.
    pub async fn start(&self) -> Result<()> {
        if self.process_id().is_some() && self.failure().is_none() {
            return Ok(());
        }
        let deadline = Instant::now() + self.program.start_within;
        loop {
            self.launch()?;
            let outcome = self.wait_until_ready(deadline).await;
            match (&outcome, self.program.transient_failure) {
                (Err(Error::Exited { log_tail, .. }), Some(transient))
                    if log_tail.contains(transient) && Instant::now() < deadline =>
                {
                    tokio::time::sleep(POLL_INTERVAL * 5).await;
                }
                _ => return outcome,
            }
        }
    }

    /// Asks it to end, and kills it after the time limit.
    pub async fn stop(&self) -> Result<()> {
        let deadline = Instant::now() + self.program.stop_within;
        self.signal(self.program.stop_signal);
        while self.is_running() && Instant::now() < deadline {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        self.kill().await
    }

    /// Kills it and waits for its end.
    pub async fn kill(&self) -> Result<()> {
        self.signal(Signal::SIGKILL);
        while self.is_running() {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        self.state().child = None;
        Ok(())
    }

    /// Stops it and starts it again at the same address.
    pub async fn restart(&self) -> Result<()> {
        self.stop().await?;
        self.start().await
    }

    /// Halts its processes by SIGSTOP: connections stay open, requests get no answer.
    pub fn pause(&self) {
        let mut state = self.state();
        let Some(child) = &state.child else { return };
        let mut halted = vec![Pid::from_raw(child.id().cast_signed())];
        halted.extend(children_of(child.id()));
        for process in &halted {
            let _ = kill(*process, Signal::SIGSTOP);
        }
        state.paused = halted;
    }

    /// Continues its processes after [`Self::pause`].
    pub fn resume(&self) {
        for process in std::mem::take(&mut self.state().paused) {
            let _ = kill(process, Signal::SIGCONT);
        }
    }

    /// Whether its process exists, paused or not.
    pub fn is_running(&self) -> bool {
        matches!(self.state().child.as_mut().map(Child::try_wait), Some(Ok(None)))
    }

    /// The reason why it ended, if it was not stopped.
    pub fn failure(&self) -> Option<Error> {
        let status = match self.state().child.as_mut()?.try_wait() {
            Ok(None) => return None,
            Ok(Some(status)) => in_words(status),
            Err(problem) => problem.to_string(),
        };
        Some(Error::Exited { service: self.program.name, status, log_tail: self.log_tail(TAIL_LINES) })
    }

    /// The last `lines` lines of its output since its start.
    pub fn log_tail(&self, lines: usize) -> String {
        let start = self.state().log_start;
        self.log.tail(start, lines)
    }

    fn launch(&self) -> Result<()> {
        let (file, log_start) = self.log.open()?;
        let errors = file.try_clone().map_err(Error::io("opened", self.log.path()))?;
        let mut command = self.program.command();
        command.stdout(file).stderr(errors);
        let child = spawner::spawn(command).map_err(|source| Error::Spawn {
            program: format!("{} by setpriv (from util-linux)", self.program.path.display()),
            source,
        })?;
        *self.state() = State { child: Some(child), log_start, paused: Vec::new() };
        Ok(())
    }

    async fn wait_until_ready(&self, deadline: Instant) -> Result<()> {
        let log_start = self.state().log_start;
        loop {
            if let Some(failure) = self.failure() {
                self.state().child = None;
                return Err(failure);
            }
            let printed = || self.log.since(log_start);
            if self.program.readiness.is_reached(self.program.address, printed).await && self.is_running() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let log_tail = self.log_tail(TAIL_LINES);
                self.kill().await?;
                let seconds = self.program.start_within.as_secs();
                return Err(Error::NotReady { service: self.program.name, seconds, log_tail });
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Sends `signal` to its process and continues paused processes, which could not end otherwise.
    fn signal(&self, signal: Signal) {
        if self.is_running()
            && let Some(id) = self.process_id()
        {
            let _ = kill(Pid::from_raw(id.cast_signed()), signal);
        }
        self.resume();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let deadline = Instant::now() + self.program.stop_within;
        self.signal(self.program.stop_signal);
        while self.is_running() && Instant::now() < deadline {
            std::thread::sleep(POLL_INTERVAL);
        }
        self.signal(Signal::SIGKILL);
        if let Some(mut child) = self.state().child.take() {
            let _ = child.wait();
        }
    }
}

fn in_words(status: ExitStatus) -> String {
    status.to_string().replace("exit status: ", "exit code ")
}

/// The child processes of `parent`.
fn children_of(parent: u32) -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let is_child = |id: &i32| {
        // `pid (name) state parent …`, where the name may hold anything.
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let after_name = stat.rsplit(") ").next().unwrap_or_default();
        after_name.split(' ').nth(1).and_then(|id| id.parse().ok()) == Some(parent)
    };
    let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    ids.filter(is_child).map(Pid::from_raw).collect()
}
