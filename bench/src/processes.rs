//! Processor time and memory of processes, as the kernel counts them.

use std::fs;
use std::time::Duration;

/// The kernel's clock ticks a second: fixed for user space on Linux.
const TICKS: u64 = 100;

/// The processes whose processor time is told apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watched {
    pub(crate) colloquy: u32,
    pub(crate) postgres: u32,
    pub(crate) nats: u32,
}

/// Processor time taken so far, or between two looks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Taken {
    pub(crate) colloquy: Duration,
    pub(crate) postgres: Duration,
    pub(crate) nats: Duration,
    pub(crate) bench: Duration,
    /// All processes together, others than these included.
    pub(crate) machine: Duration,
}

impl Watched {
    /// The processor time that each has taken.
    pub(crate) fn look(&self) -> Taken {
        Taken {
            colloquy: taken(self.colloquy),
            postgres: with_children(self.postgres),
            nats: taken(self.nats),
            bench: taken(std::process::id()),
            machine: busy(),
        }
    }
}

impl Taken {
    /// Consumption since an earlier reading.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            colloquy: self.colloquy.saturating_sub(earlier.colloquy),
            postgres: self.postgres.saturating_sub(earlier.postgres),
            nats: self.nats.saturating_sub(earlier.nats),
            bench: self.bench.saturating_sub(earlier.bench),
            machine: self.machine.saturating_sub(earlier.machine),
        }
    }

    /// Processor time of all other processes.
    pub(crate) fn elsewhere(&self) -> Duration {
        self.machine.saturating_sub(self.colloquy + self.postgres + self.nats + self.bench)
    }
}

/// Time that all processors together were not idle, in which the machine's host may have had them for others.
fn busy() -> Duration {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let fields: Vec<u64> = fields.map(|field| field.parse().unwrap_or(0)).collect();
    // user, nice, system; then idle and waiting for disks; then interrupts, soft interrupts and stolen time.
    ticks(&fields, 0, 3) + ticks(&fields, 5, 8)
}

/// Resident memory now and at its highest, in MiB.
pub(crate) fn memory(process: u32) -> (f64, f64) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        let kibibytes = line.split_whitespace().nth(1).and_then(|number| number.parse::<f64>().ok());
        kibibytes.unwrap_or_default() / 1_024.0
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// Resets the peak resident memory (`proc(5)`, `clear_refs`).
pub(crate) fn forget_highest_memory(process: u32) -> std::io::Result<()> {
    fs::write(format!("/proc/{process}/clear_refs"), "5")
}

/// The processor's name, the number of cores, and the memory in GiB.
pub(crate) fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name =
        info.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes = memory.split_whitespace().nth(1).and_then(|number| number.parse::<f64>().ok());
    format!(
        "{cores} cores of {}, {:.0} GiB of memory",
        name.map_or("an unnamed processor", |(_, name)| name),
        kibibytes.unwrap_or_default() / 1_048_576.0
    )
}

/// Fields of `/proc/<id>/stat` after the command, which may contain anything: the state is the first of them.
fn stat(process: u32) -> Vec<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    fields.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect()
}

fn ticks(fields: &[u64], from: usize, to: usize) -> Duration {
    let ticks: u64 = fields.get(from..to).unwrap_or_default().iter().sum();
    Duration::from_millis(ticks * 1_000 / TICKS)
}

fn taken(process: u32) -> Duration {
    ticks(&stat(process), 11, 13)
}

/// Includes children, running and ended.
fn with_children(process: u32) -> Duration {
    let Ok(processes) = fs::read_dir("/proc") else { return Duration::ZERO };
    let children = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let living: Duration = children
        .map(stat)
        .filter(|fields| fields.get(1) == Some(&u64::from(process)))
        .map(|fields| ticks(&fields, 11, 13))
        .sum();
    living + ticks(&stat(process), 11, 15)
}
