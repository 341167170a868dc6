//! A database for one check, dropped afterwards.

use secrecy::SecretString;
use sqlx::ConnectOptions as _;
use uuid::Uuid;

use super::{connect, options, run};
use crate::StoreError;

/// A database of a name of its own on a server.
#[derive(Debug)]
pub struct ScratchDatabase {
    server: SecretString,
    name: String,
    /// The connection string of the database.
    pub url: SecretString,
}

impl ScratchDatabase {
    /// Creates a database on the server of a connection string, whose role may create databases.
    pub async fn create(server: &SecretString) -> Result<Self, StoreError> {
        let name = format!("colloquy_scratch_{}", Uuid::new_v4().simple());
        let url = options(server)?.database(&name).to_url_lossy().to_string().into();
        run(&mut connect(server).await?, &format!("CREATE DATABASE {name} TEMPLATE template0")).await?;
        Ok(Self { server: server.clone(), name, url })
    }

    /// The name of the database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Drops the database, whoever uses it.
    pub async fn drop(self) -> Result<(), StoreError> {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        run(&mut connect(&self.server).await?, &statement).await
    }
}
