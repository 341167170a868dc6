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
    scheme: &'static str,
}

/// Protection of a server.
#[derive(Debug, Clone, Default)]
pub struct Protection {
    /// The API key that calls need.
    pub api_key: Option<String>,
    /// PEM files with the certificate and its private key, for TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
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
        Self::protected(parts, data, &Protection::default()).await
    }

    /// Starts the server with an API key or TLS.
    pub async fn protected(parts: &Parts, data: &DataDir, protection: &Protection) -> Result<Self> {
        let store = data.path().join("qdrant");
        make_dir(&store)?;
        let python_path = python_path(parts)?;
        let server = |address| protect(server(parts, &python_path, &store, address), protection);
        let service = Service::on_free_port(data, server).await?;
        let scheme = if protection.tls.is_some() { "https" } else { "http" };
        Ok(Self { service, store, scheme })
    }

    /// The URL for gRPC clients.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.service.address())
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

fn protect(program: Program, protection: &Protection) -> Program {
    let program = match &protection.api_key {
        Some(key) => program.variable("QDRANT__SERVICE__API_KEY", key),
        None => program,
    };
    match &protection.tls {
        Some((certificate, key)) => {
            program.argument("--tls-certificate").argument(certificate).argument("--tls-key").argument(key)
        }
        None => program,
    }
}
