//! nats-server with JetStream, its store below the data directory: one server, or a cluster of three.

use std::fs;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::data_dir::{make_dir, write_private};
use crate::{DataDir, Error, Parts, Program, Readiness, Result, Service, free_port};

/// JetStream reserves the maximum size of each stream, not its present size, and each test creates its own
/// streams. With the default limits, the ninth test would get no storage.
const LIMITS: &str = "jetstream { max_memory_store: 1PB, max_file_store: 1PB }\n";

/// Servers of a cluster: the fewest that go on when one is lost.
const CLUSTER_SERVERS: usize = 3;

/// A running NATS server.
#[derive(Debug)]
pub struct Nats {
    service: Service,
    store: PathBuf,
    configuration: PathBuf,
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
        Self::configured(parts, data, LIMITS).await
    }

    /// Starts the server with the text of a configuration file, which has to leave out address and store.
    pub async fn configured(parts: &Parts, data: &DataDir, text: &str) -> Result<Self> {
        let store = data.path().join("nats");
        make_dir(&store)?;
        let configuration = data.path().join("nats.conf");
        write_private(&configuration, text)?;
        let server = |address| server(parts, &configuration, &store, address);
        let service = Service::on_free_port(data, server).await?;
        Ok(Self { service, store, configuration })
    }

    /// Restarts the server with another configuration.
    pub async fn reconfigure(&self, text: &str) -> Result<()> {
        write_private(&self.configuration, text)?;
        self.service.restart().await
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

fn server(parts: &Parts, configuration: &Path, store: &Path, address: SocketAddr) -> Program {
    Program::new("nats", &parts.nats_server, address, Readiness::NatsWithJetStream)
        .argument("--config")
        .argument(configuration)
        .argument("--addr")
        .argument(address.ip().to_string())
        .argument("--port")
        .argument(address.port().to_string())
        .argument("--jetstream")
        .argument("--store_dir")
        .argument(store)
}

/// A cluster of three NATS servers, named `n1`, `n2` and `n3`, each with a temporary data directory.
#[derive(Debug)]
pub struct NatsCluster {
    servers: Vec<(String, Nats)>,
}

impl NatsCluster {
    /// Starts the servers. Their election may still be under way.
    pub async fn start(parts: &Parts) -> Result<Self> {
        let mut members = Vec::new();
        for number in 1..=CLUSTER_SERVERS {
            members.push((format!("n{number}"), free_port()?));
        }
        let routes: Vec<_> = members.iter().map(|(_, address)| format!("nats://{address}")).collect();
        let mut servers = Vec::new();
        for (name, address) in members {
            let text = format!(
                "server_name: {name}\n{LIMITS}cluster {{ name: test, listen: \"{address}\", routes: {routes:?} }}\n"
            );
            let server = Nats::configured(parts, &DataDir::temporary()?, &text).await?;
            servers.push((name, server));
        }
        Ok(Self { servers })
    }

    /// The URLs of all servers, separated by commas.
    pub fn urls(&self) -> String {
        let urls: Vec<_> = self.servers.iter().map(|(_, server)| server.url()).collect();
        urls.join(",")
    }

    /// The server with this name.
    pub fn server(&self, name: &str) -> Option<&Nats> {
        self.servers.iter().find(|(other, _)| other == name).map(|(_, server)| server)
    }
}
