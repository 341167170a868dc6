//! Confines the process that reads a file, from within and before it reads the first byte.
//!
//! Resource limits hold everywhere. Landlock takes the file system and the network away, and a seccomp filter
//! leaves the system calls that computing, memory and the three open pipes need. Where the kernel lacks one
//! of both, the process goes on without it and says so.

use std::io;

use rustix::process::{
    Resource, Rlimit, Signal, getrlimit, nice, set_parent_process_death_signal, setrlimit,
};

/// Files of the process: standard input, output and error.
const OPEN_FILES: u64 = 3;
/// The process gives way to the service.
const NICE: i32 = 5;

/// Enters the jail. Returns what confines the process beside its resource limits.
pub(super) fn enter(memory_mib: u64, seconds: u32) -> io::Result<String> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    nice(NICE)?;
    // If the machine lacks memory, the kernel ends this process first. Without the right to say so,
    // it does not.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    limit(Resource::As, memory_mib << 20)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nproc, 0)?;
    let seconds = u64::from(seconds);
    // The first limit ends the process with a signal of its own, the second one in any case.
    let maximum = bounded(Resource::Cpu, seconds.saturating_add(1));
    setrlimit(Resource::Cpu, Rlimit { current: Some(seconds.min(maximum)), maximum: Some(maximum) })?;
    let landlock = kernel::landlock();
    limit(Resource::Nofile, OPEN_FILES)?;
    let seccomp = kernel::seccomp();
    Ok(format!("landlock: {landlock}, seccomp: {seccomp}"))
}

fn limit(resource: Resource, value: u64) -> io::Result<()> {
    let value = bounded(resource, value);
    Ok(setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })?)
}

/// A limit can only be lowered.
fn bounded(resource: Resource, value: u64) -> u64 {
    getrlimit(resource).maximum.map_or(value, |maximum| maximum.min(value))
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::collections::BTreeMap;

    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetError, RulesetStatus, Scope,
    };
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

    /// The newest interface of the kernel that the ruleset names. Older kernels enforce what they know.
    const LANDLOCK: ABI = ABI::V6;

    /// The system calls of a process that computes, allocates, and reads and writes open files.
    const ALLOWED: [i64; 28] = [
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_getrandom,
        libc::SYS_clock_gettime,
        libc::SYS_gettimeofday,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_tgkill,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_restart_syscall,
        libc::SYS_getrusage,
    ];

    /// Takes the whole file system and the network away.
    pub(super) fn landlock() -> &'static str {
        let restricted = || -> Result<RulesetStatus, RulesetError> {
            let ruleset = Ruleset::default()
                .handle_access(AccessFs::from_all(LANDLOCK))?
                .handle_access(AccessNet::from_all(LANDLOCK))?
                .scope(Scope::from_all(LANDLOCK))?;
            Ok(ruleset.create()?.restrict_self()?.ruleset)
        };
        match restricted() {
            Ok(RulesetStatus::FullyEnforced) => "all",
            Ok(RulesetStatus::PartiallyEnforced) => "in part",
            Ok(RulesetStatus::NotEnforced) | Err(_) => "none",
        }
    }

    /// Every other system call fails as one that the kernel does not have.
    pub(super) fn seccomp() -> &'static str {
        let filter = || -> Option<BpfProgram> {
            let rules: BTreeMap<i64, Vec<_>> = ALLOWED.iter().map(|&call| (call, Vec::new())).collect();
            let refused = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
            let arch = TargetArch::try_from(std::env::consts::ARCH).ok()?;
            SeccompFilter::new(rules, refused, SeccompAction::Allow, arch).ok()?.try_into().ok()
        };
        match filter() {
            Some(program) if seccompiler::apply_filter(&program).is_ok() => "all",
            _ => "none",
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    pub(super) fn landlock() -> &'static str {
        "none"
    }

    pub(super) fn seccomp() -> &'static str {
        "none"
    }
}
