//! Holds processes to a share of one core, so that a single machine can show how processes add up.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

/// Time over which the kernel counts a share. Short, so that a process does not pause for long.
const PERIOD: Duration = Duration::from_millis(20);
/// Where the first and the second version of control groups are found.
const UNIFIED: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
const CPU_OF_VERSION_1: &str = "/sys/fs/cgroup/cpu";

/// Control groups of this run, one for each process. Dropping it lifts the limits of processes
/// that still run.
#[derive(Debug)]
pub(crate) struct Shares {
    groups: Vec<PathBuf>,
    percent: u32,
}

impl Shares {
    pub(crate) const fn of(percent: u32) -> Self {
        Self { groups: Vec::new(), percent }
    }

    /// Puts a process into a group of its own with the share.
    pub(crate) fn hold(&mut self, process: u32) -> anyhow::Result<()> {
        let name = format!("colloquy-bench-{process}");
        let quota = PERIOD.as_micros() * u128::from(self.percent) / 100;
        let (group, settings) = match unified() {
            Some(root) => (root.join(name), vec![("cpu.max", format!("{quota} {}", PERIOD.as_micros()))]),
            None => (
                Path::new(CPU_OF_VERSION_1).join(name),
                vec![
                    ("cpu.cfs_period_us", PERIOD.as_micros().to_string()),
                    ("cpu.cfs_quota_us", quota.to_string()),
                ],
            ),
        };
        fs::create_dir(&group).context("control groups are not writable: run as root")?;
        self.groups.push(group.clone());
        for (file, value) in settings {
            fs::write(group.join(file), value).with_context(|| format!("{file} was not set"))?;
        }
        fs::write(group.join("cgroup.procs"), process.to_string()).context("a process was not moved")?;
        Ok(())
    }
}

impl Drop for Shares {
    fn drop(&mut self) {
        for group in &self.groups {
            let parent = group.parent().map(|parent| parent.join("cgroup.procs"));
            let left = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
            for process in left.lines() {
                let _ = parent.as_ref().map(|parent| fs::write(parent, process));
            }
            let _ = fs::remove_dir(group);
        }
    }
}

/// The root of the second version, if it controls the processor.
fn unified() -> Option<PathBuf> {
    let roots = UNIFIED.into_iter().map(PathBuf::from);
    roots.into_iter().find(|root| {
        let controllers = fs::read_to_string(root.join("cgroup.subtree_control")).unwrap_or_default();
        controllers.split_whitespace().any(|controller| controller == "cpu")
    })
}

/// Whether processes can be held to a share on this machine.
pub(crate) fn is_possible() -> bool {
    let root = unified().unwrap_or_else(|| PathBuf::from(CPU_OF_VERSION_1));
    let probe = root.join("colloquy-bench-probe");
    let made = fs::create_dir(&probe).is_ok();
    let _ = fs::remove_dir(&probe);
    made
}
