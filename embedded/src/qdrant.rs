//! The Qdrant engine behind Qdrant's gRPC (`colloquy-qdrant`), its collections below the data directory.

use std::fs;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::data_dir::make_dir;
use crate::{DataDir, Error, Program, Readiness, Result, Service, binary_beside_this};

/// A Qdrant engine of our own.
#[derive(Debug)]
pub struct Qdrant {
    service: Service,
    store: PathBuf,
}

impl Deref for Qdrant {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

impl Qdrant {
    /// Starts the engine with its collections in `data`.
    pub async fn start(data: &DataDir) -> Result<Self> {
        let program = binary_beside_this("colloquy-qdrant")?;
        let store = data.path().join("qdrant");
        make_dir(&store)?;
        let service = Service::on_free_port(data, |address| server(&program, &store, address)).await?;
        Ok(Self { service, store })
    }

    /// Where gRPC clients connect to.
    pub fn url(&self) -> String {
        format!("http://{}", self.service.address())
    }

    /// Stops the engine, forgets every collection, and starts it again at the same address.
    pub async fn wipe(&self) -> Result<()> {
        self.service.kill().await?;
        fs::remove_dir_all(&self.store).map_err(Error::io("remove", &self.store))?;
        make_dir(&self.store)?;
        self.service.start().await
    }
}

fn server(program: &Path, store: &Path, address: SocketAddr) -> Program {
    Program::new("qdrant", program, address, Readiness::Prints("listening on"))
        .argument("--listen")
        .argument(address.to_string())
        .argument("--data")
        .argument(store)
}
