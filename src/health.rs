//! Health of the process and the installation, for `/readyz`, `/metrics` and `colloquy status`.
//!
//! [`Health`] asks the dependencies of the process' roles, and knows what its stages report. [`Sampler`]
//! reads the positions and queues of the whole installation in the background. [`processes`] knows
//! the other processes.

mod dependencies;
mod pools;
pub mod processes;
mod readiness;
mod sampler;
pub mod snapshot;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use measures::catalogue::RESIDENT_MEMORY;
use tokio::sync::Notify;

pub use dependencies::{Addresses, Dependencies};
pub use pools::Pools;
use processes::Presence;
pub use readiness::{Readiness, StageState, State, Verdict};
pub use sampler::Sampler;
use snapshot::Snapshot;

use crate::roles::Role;
use crate::runtime::erasure_check::ErasureCheck;
use crate::runtime::stages::Stages;

/// Time for which a sample says that the service is overloaded.
const OVERLOAD_FRESH: Duration = Duration::from_secs(30);
/// Time for which a readiness is not determined again.
const FRESH: Duration = Duration::from_secs(1);

/// The health of one process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Health(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    roles: BTreeSet<Role>,
    stages: Stages,
    dependencies: Dependencies,
    presence: Presence,
    /// Known once the process has begun to check for erasures.
    erasures: OnceLock<ErasureCheck>,
    /// The last sample of the installation.
    sample: Mutex<Option<(Instant, Arc<Snapshot>)>>,
    /// Requests a sample.
    wanted: Notify,
    determined: tokio::sync::Mutex<Option<(Instant, Arc<Readiness>)>>,
    pools: Pools,
}

impl Health {
    /// The health of a process with these roles.
    pub fn new(
        roles: BTreeSet<Role>,
        stages: Stages,
        pools: Pools,
        dependencies: Dependencies,
        presence: Presence,
    ) -> Self {
        Self(Arc::new(Parts {
            roles,
            stages,
            dependencies,
            presence,
            erasures: OnceLock::new(),
            sample: Mutex::default(),
            wanted: Notify::new(),
            determined: tokio::sync::Mutex::default(),
            pools,
        }))
    }

    /// The reports of the stages.
    pub fn stages(&self) -> &Stages {
        &self.0.stages
    }

    /// The roles of the process.
    pub fn roles(&self) -> &BTreeSet<Role> {
        &self.0.roles
    }

    /// Includes the check for erasures since a backup.
    pub fn include_erasures(&self, check: ErasureCheck) {
        let _ = self.0.erasures.set(check);
    }

    /// The readiness of the process, at most a second old. Takes as long as the slowest dependency, up to its
    /// time limit.
    pub async fn readiness(&self) -> Arc<Readiness> {
        let mut determined = self.0.determined.lock().await;
        if let Some((at, readiness)) = &*determined
            && at.elapsed() < FRESH
        {
            return Arc::clone(readiness);
        }
        self.0.wanted.notify_one();
        // Boxed because the questions to all dependencies at once are a large future.
        let dependencies = Box::pin(self.0.dependencies.check(&self.0.roles, &self.0.stages)).await;
        let readiness = Arc::new(readiness::determine(
            &self.0.roles,
            dependencies,
            &self.0.stages,
            self.0.erasures.get(),
            self.sample().as_deref(),
        ));
        *determined = Some((Instant::now(), Arc::clone(&readiness)));
        readiness
    }

    /// Announces the process to others, for ever.
    pub async fn announce(&self) {
        self.0.presence.run(self).await;
    }

    /// The last readiness, at any age.
    pub async fn last_readiness(&self) -> Option<Arc<Readiness>> {
        self.0.determined.lock().await.as_ref().map(|(_, readiness)| Arc::clone(readiness))
    }

    /// The metrics of the process in the text format of Prometheus. Asks nobody: values of the installation
    /// are those of the last sample, and the next one is requested. `None` if the process records none.
    pub fn metrics(&self) -> Option<String> {
        self.0.wanted.notify_one();
        self.0.pools.record();
        if let Some(bytes) = resident_memory() {
            RESIDENT_MEMORY.set_count(&[], bytes);
        }
        measures::render()
    }

    /// Whether so many events wait for their position that more would make it worse.
    pub fn is_overloaded(&self) -> bool {
        let sample = self.0.sample.lock().unwrap_or_else(PoisonError::into_inner);
        sample
            .as_ref()
            .is_some_and(|(at, snapshot)| at.elapsed() < OVERLOAD_FRESH && snapshot.is_overloaded())
    }

    /// The last sample of the installation.
    pub fn sample(&self) -> Option<Arc<Snapshot>> {
        let sample = self.0.sample.lock().unwrap_or_else(PoisonError::into_inner);
        sample.as_ref().map(|(_, snapshot)| Arc::clone(snapshot))
    }

    fn keep(&self, snapshot: Snapshot) {
        let kept = Some((Instant::now(), Arc::new(snapshot)));
        *self.0.sample.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }
}

/// The resident set in bytes, where the system tells it.
fn resident_memory() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let resident: u64 = pages.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(resident * u64::try_from(rustix::param::page_size()).ok()?)
}
