//! `/livez` and `/readyz` of a process without the api role, on an address of their own.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use async_nats::Client;
use async_nats::connection::State as Connection;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use store::Store;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::routes::health::livez;
use crate::config::ApiConfig;

/// Longest wait for the answer of Postgres.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// A listener for probes, and what they look at.
#[derive(Debug)]
pub struct Probes {
    listener: TcpListener,
    store: Store,
    nats: Client,
    config: ApiConfig,
}

#[derive(Clone)]
struct Dependencies {
    store: Store,
    nats: Client,
}

impl Probes {
    /// Listens on an address, with the limits of connections of the api.
    pub async fn listen(
        address: SocketAddr,
        store: Store,
        nats: Client,
        config: ApiConfig,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("address {address} of ADMIN_LISTEN is not available"))?;
        Ok(Self { listener, store, nats, config })
    }

    /// Answers probes until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let Self { listener, store, nats, config } = self;
        let router = Router::new()
            .route("/livez", get(livez))
            .route("/readyz", get(readyz))
            .with_state(Dependencies { store, nats });
        super::serve(listener, router, &config, stop).await;
    }
}

/// 503 while Postgres does not answer or NATS is not connected: without one of them a process can do no work
/// of its roles.
async fn readyz(State(Dependencies { store, nats }): State<Dependencies>) -> (StatusCode, Json<Value>) {
    let postgres = tokio::time::timeout(CHECK_TIMEOUT, store.is_available()).await == Ok(true);
    let nats = nats.connection_state() == Connection::Connected;
    let status = if postgres && nats { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = |answers| if answers { "ok" } else { "away" };
    (status, Json(json!({ "postgres": word(postgres), "nats": word(nats) })))
}
