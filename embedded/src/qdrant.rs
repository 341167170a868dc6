//! The server of the Qdrant engine (`embedded/qdrant`, in Python), with its data below the data directory.

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::data_dir::make_dir;
use crate::{DataDir, Error, Parts, Program, Readiness, Result, Service, repository};

/// A running server of the Qdrant engine.
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
    /// Starts the server with its collections in `data`.
    pub async fn start(parts: &Parts, data: &DataDir) -> Result<Self> {
        let store = data.path().join("qdrant");
        make_dir(&store)?;
        let python_path = python_path(parts)?;
        let server = |address| server(parts, &python_path, &store, address);
        let service = Service::on_free_port(data, server).await?;
        Ok(Self { service, store })
    }

    /// The URL for gRPC clients.
    pub fn url(&self) -> String {
        format!("http://{}", self.service.address())
    }

    /// Kills the server, removes all collections, and starts it again at the same address.
    pub async fn wipe(&self) -> Result<()> {
        self.service.kill().await?;
        fs::remove_dir_all(&self.store).map_err(Error::io("removed", &self.store))?;
        make_dir(&self.store)?;
        self.service.start().await
    }
}

/// The folders of the server's package and of the packages that it uses.
fn python_path(parts: &Parts) -> Result<OsString> {
    let mut path = repository()?.join("embedded").into_os_string();
    path.push(":");
    path.push(&parts.qdrant_python_path);
    Ok(path)
}

fn server(parts: &Parts, python_path: &OsString, store: &Path, address: SocketAddr) -> Program {
    Program::new("qdrant", &parts.python, address, Readiness::Prints("listening on"))
        .argument("-m")
        .argument("qdrant")
        .argument("--listen")
        .argument(address.to_string())
        .argument("--data")
        .argument(store)
        .variable("PYTHONPATH", python_path)
}
