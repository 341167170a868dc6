//! nats-server with JetStream, its store below the data directory.

use std::fs;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::data_dir::make_dir;
use crate::{DataDir, Error, Parts, Program, Readiness, Result, Service};

/// JetStream reserves the maximum size of each stream, not its present size, and each test creates its own
/// streams. With the default limits, the ninth test would get no storage.
const LIMITS: &str = "jetstream { max_memory_store: 1TB, max_file_store: 1TB }\n";

/// A running NATS server.
#[derive(Debug)]
pub struct Nats {
    service: Service,
    store: PathBuf,
}

impl Deref for Nats {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

impl Nats {
    /// Starts the server with its store in `data`.
    pub async fn start(parts: &Parts, data: &DataDir) -> Result<Self> {
        let store = data.path().join("nats");
        make_dir(&store)?;
        let limits = data.path().join("nats.conf");
        fs::write(&limits, LIMITS).map_err(Error::io("written", &limits))?;
        let service = Service::on_free_port(data, |address| server(parts, &limits, &store, address)).await?;
        Ok(Self { service, store })
    }

    /// The URL for clients.
    pub fn url(&self) -> String {
        format!("nats://{}", self.service.address())
    }

    /// The folder of JetStream's data.
    pub fn store(&self) -> &Path {
        &self.store
    }

    /// Kills the server, removes all streams and consumers, and starts it again at the same address.
    pub async fn wipe(&self) -> Result<()> {
        self.service.kill().await?;
        fs::remove_dir_all(&self.store).map_err(Error::io("removed", &self.store))?;
        make_dir(&self.store)?;
        self.service.start().await
    }
}

fn server(parts: &Parts, limits: &Path, store: &Path, address: SocketAddr) -> Program {
    Program::new("nats", &parts.nats_server, address, Readiness::NatsWithJetStream)
        .argument("--config")
        .argument(limits)
        .argument("--addr")
        .argument(address.ip().to_string())
        .argument("--port")
        .argument(address.port().to_string())
        .argument("--jetstream")
        .argument("--store_dir")
        .argument(store)
}
