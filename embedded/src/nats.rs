//! nats-server with JetStream, its store below the data directory.

use std::fs;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::data_dir::make_dir;
use crate::{DataDir, Error, Parts, Program, Readiness, Result, Service};

/// JetStream counts what streams may grow to, not what they hold, and each test has streams of its own: without this the
/// disk would be full after nine of them.
const LIMITS: &str = "jetstream { max_memory_store: 1TB, max_file_store: 1TB }\n";

/// A NATS server of our own.
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
        fs::write(&limits, LIMITS).map_err(Error::io("write", &limits))?;
        let service = Service::on_free_port(data, |address| server(parts, &limits, &store, address)).await?;
        Ok(Self { service, store })
    }

    /// Where clients connect to.
    pub fn url(&self) -> String {
        format!("nats://{}", self.service.address())
    }

    /// The folder JetStream writes to.
    pub fn store(&self) -> &Path {
        &self.store
    }

    /// Stops the server, forgets every stream, consumer and message, and starts it again at the same address.
    pub async fn wipe(&self) -> Result<()> {
        self.service.kill().await?;
        fs::remove_dir_all(&self.store).map_err(Error::io("remove", &self.store))?;
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
