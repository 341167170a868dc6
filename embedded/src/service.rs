//! One service: a child process that is started, watched, stopped, killed and paused. Knows no service in particular.

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

const LOOK_EVERY: Duration = Duration::from_millis(20);
const TAIL_LINES: usize = 20;
const PORTS_TO_TRY: usize = 3;
const PORT_TAKEN: [&str; 3] = ["ddress already in use", "address in use", "EADDRINUSE"];

/// A service's process, or the place where it was and will be started again: its address stays the same.
///
/// Dropping it stops the process and waits for its end.
pub struct Service {
    program: Program,
    log: ServiceLog,
    state: Mutex<State>,
    // Last, so that a temporary folder outlives the process that writes to it.
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
    /// Starts what `program` makes of a free port, on another port when somebody else was quicker to take it.
    pub(crate) async fn on_free_port(
        data: &DataDir,
        program: impl Fn(SocketAddr) -> Program,
    ) -> Result<Self> {
        let mut left = PORTS_TO_TRY;
        loop {
            left -= 1;
            match Self::start_new(data, program(free_port()?)).await {
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

    /// Its name, as in its log's.
    pub fn name(&self) -> &'static str {
        self.program.name
    }

    /// Where it listens, over restarts too.
    pub fn address(&self) -> SocketAddr {
        self.program.address
    }

    /// The file its output goes to.
    pub fn log_path(&self) -> &Path {
        self.log.path()
    }

    /// Its process, while there is one.
    pub fn process_id(&self) -> Option<u32> {
        self.state().child.as_ref().map(Child::id)
    }

    /// Starts it again at the same address and waits until it is ready; nothing happens when it runs.
    pub async fn start(&self) -> Result<()> {
        if self.process_id().is_some() && self.failure().is_none() {
            return Ok(());
        }
        let deadline = Instant::now() + self.program.start_within;
        loop {
            self.launch()?;
            let outcome = self.wait_until_ready(deadline).await;
            match (&outcome, self.program.passing_failure) {
                (Err(Error::Exited { log_tail, .. }), Some(passing))
                    if log_tail.contains(passing) && Instant::now() < deadline =>
                {
                    tokio::time::sleep(LOOK_EVERY * 5).await;
                }
                _ => return outcome,
            }
        }
    }

    /// Asks it to end, waits, and kills it when it takes too long.
    pub async fn stop(&self) -> Result<()> {
        let deadline = Instant::now() + self.program.stop_within;
        self.signal(self.program.stop_signal);
        while self.is_running() && Instant::now() < deadline {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        self.kill().await
    }

    /// Ends it at once, as a crash of the machine would, and waits until it is gone.
    pub async fn kill(&self) -> Result<()> {
        self.signal(Signal::SIGKILL);
        while self.is_running() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        self.state().child = None;
        Ok(())
    }

    /// Stops it in order and starts it again at the same address.
    pub async fn restart(&self) -> Result<()> {
        self.stop().await?;
        self.start().await
    }

    /// Halts its processes where they are, as a machine that hangs: connections stay open and nobody answers.
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

    /// Lets its processes go on after [`Self::pause`].
    pub fn resume(&self) {
        for process in std::mem::take(&mut self.state().paused) {
            let _ = kill(process, Signal::SIGCONT);
        }
    }

    /// Whether its process lives (paused or not).
    pub fn is_running(&self) -> bool {
        matches!(self.state().child.as_mut().map(Child::try_wait), Some(Ok(None)))
    }

    /// Why it ended, when it did so without being asked to.
    pub fn failure(&self) -> Option<Error> {
        let status = match self.state().child.as_mut()?.try_wait() {
            Ok(None) => return None,
            Ok(Some(status)) => in_words(status),
            Err(problem) => problem.to_string(),
        };
        Some(Error::Exited { service: self.program.name, status, log_tail: self.log_tail(TAIL_LINES) })
    }

    /// The last `lines` lines of what it printed since it was started.
    pub fn log_tail(&self, lines: usize) -> String {
        let start = self.state().log_start;
        self.log.tail(start, lines)
    }

    fn launch(&self) -> Result<()> {
        let (file, log_start) = self.log.open()?;
        let errors = file.try_clone().map_err(Error::io("open", self.log.path()))?;
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
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Sends `signal` to its process; what is paused goes on first, to be able to end.
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
            std::thread::sleep(LOOK_EVERY);
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

/// The processes whose parent is `parent`.
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
