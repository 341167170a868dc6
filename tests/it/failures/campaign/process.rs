//! One process of the product, with links of its own to PostgreSQL and NATS.

use std::net::SocketAddr;
use std::path::PathBuf;

use embedded::{DataDir, Program, Readiness, Service};
use reqwest::Url;

use crate::support::link::Link;

const MIB: u64 = 1 << 20;
/// Bounds on the peak memory of a process. A worker has the embedding model.
const WORKER_BYTES: u64 = 600 * MIB;
const API_BYTES: u64 = 300 * MIB;
const OTHER_BYTES: u64 = 150 * MIB;

/// Names of the processes, each with its role.
pub(super) const PROCESSES: [(&str, &str); 8] = [
    ("api_1", "api"),
    ("api_2", "api"),
    ("worker_1", "worker"),
    ("worker_2", "worker"),
    ("sequencer_1", "sequencer"),
    ("sequencer_2", "sequencer"),
    ("projector_1", "projector"),
    ("projector_2", "projector"),
];

/// A process that is killed, frozen and started again at the same address.
pub(super) struct Process {
    pub(super) service: Service,
    pub(super) to_postgres: Link,
    pub(super) to_nats: Link,
    role: &'static str,
}

/// Settings that all processes share: their environment, except for the addresses of their links.
pub(super) struct Shared {
    pub(super) data: DataDir,
    /// URL of the database; each process connects to its own link in place of its address.
    pub(super) database_url: String,
    /// Target of the links to the database.
    pub(super) database: SocketAddr,
    pub(super) nats: SocketAddr,
    pub(super) variables: Vec<(&'static str, String)>,
}

impl Process {
    pub(super) async fn start(shared: &Shared, name: &'static str, role: &'static str) -> Self {
        let (to_postgres, to_nats) = (Link::to(shared.database).await, Link::to(shared.nats).await);
        let address = embedded::free_port().unwrap();
        // A process waits for its dependencies by itself, so that nothing is to be waited for here.
        let mut program = Program::new(name, binary(), address, Readiness::Prints(""))
            .argument("serve")
            .argument("--role")
            .argument(role)
            .argument("--no-migrate")
            .variable("DATABASE_URL", with_address(&shared.database_url, to_postgres.address()))
            .variable("NATS_URL", format!("nats://{}", to_nats.address()))
            .variable("LISTEN", address.to_string())
            .stop_within(std::time::Duration::from_secs(30));
        for (variable, value) in &shared.variables {
            program = program.variable(variable, value);
        }
        let service = Service::start_new(&shared.data, program).await.unwrap();
        Self { service, to_postgres, to_nats, role }
    }

    /// The base URL, of an api process.
    pub(super) fn url(&self) -> Option<String> {
        (self.role == "api").then(|| format!("http://{}", self.service.address()))
    }

    /// A description if the process ended by itself.
    pub(super) fn failure(&self) -> Option<String> {
        self.service.failure().map(|error| format!("{} ended by itself: {error}", self.service.name()))
    }

    /// A description if the process has used more memory than its role may.
    pub(super) fn excess(&self) -> Option<String> {
        let bound = match self.role {
            "api" => API_BYTES,
            "worker" => WORKER_BYTES,
            _ => OTHER_BYTES,
        };
        let peak = self.peak_bytes()?;
        (peak > bound).then(|| format!("{} has used {} MiB of memory", self.service.name(), peak / MIB))
    }

    /// Highest resident memory since the start of the process.
    pub(super) fn peak_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.service.process_id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kibibytes * 1_024)
    }
}

fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_colloquy"))
}

/// The URL with another host and port.
pub(super) fn with_address(url: &str, address: SocketAddr) -> String {
    let mut url = Url::parse(url).unwrap();
    url.set_ip_host(address.ip()).unwrap();
    url.set_port(Some(address.port())).unwrap();
    url.into()
}
