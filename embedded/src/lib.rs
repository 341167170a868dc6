//! The real services for development and tests: PostgreSQL, nats-server, the Qdrant engine, Better Auth and,
//! on request, llama.cpp and a reverse proxy. Each has a free loopback port and a readiness check; data and
//! logs are below one [`DataDir`].
//!
//! Each service can be started, stopped, restarted and killed alone ([`Service`]), as tests need it. This
//! crate knows nothing about Colloquy, and the product must not depend on it.
//!
//! A test that restarts or kills a service starts its own:
//!
//! ```no_run
//! # async fn example() -> Result<(), embedded::Error> {
//! let data = embedded::DataDir::temporary()?;
//! let parts = embedded::Parts::locate(embedded::WithModel::No).await?;
//! let postgres = embedded::Postgres::start(&parts, &data).await?;
//! let database_url = postgres.create_database("ask_and_restart").await?;
//! postgres.restart().await?;
//! # Ok(()) }
//! ```

mod auth;
mod data_dir;
mod error;
mod http;
mod llama;
mod nats;
mod parts;
mod pooler;
mod port;
mod postgres;
mod privileges;
mod program;
mod qdrant;
mod random;
mod readiness;
mod reverse_proxy;
mod service;
mod service_log;
mod services;
mod spawner;

pub use auth::{Auth, AuthOptions, RateLimit};
pub use data_dir::DataDir;
pub use error::{Error, Result};
pub use http::get;
pub use llama::Llama;
pub use nats::{Nats, NatsCluster};
pub use parts::{Parts, WithModel, binary_beside_this, repository};
pub use pooler::Pooler;
pub use port::free_port;
pub use postgres::Postgres;
pub use program::{Environment, Program};
pub use qdrant::{Protection, Qdrant};
pub use random::hex_secret;
pub use readiness::Readiness;
pub use reverse_proxy::ReverseProxy;
pub use service::Service;
pub use services::{Kind, Options, Services};
