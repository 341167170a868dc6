//! `/livez`, `/readyz`, `/metrics`: for whoever runs the service.

use std::fmt::Write as _;
use std::time::Duration;

use async_nats::connection::State as Connection;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::api::Api;

/// How long a dependency may take to show that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// The process is there.
#[utoipa::path(get, path = "/livez", tag = "Running it", responses((status = 200)))]
pub(crate) async fn livez() -> &'static str {
    "ok\n"
}

/// Each dependency by name; 503 while the store is away. Without NATS or the account service much still works, so that they
/// are reported and do not take the process out of service.
#[utoipa::path(get, path = "/readyz", tag = "Running it", responses((status = 200), (status = 503)))]
pub(crate) async fn readyz(State(api): State<Api>) -> (StatusCode, Json<Value>) {
    let (postgres, accounts) = tokio::join!(postgres(&api), accounts(&api));
    let nats = api.nats.connection_state() == Connection::Connected;
    let word = |up: bool| if up { "ok" } else { "away" };
    let status = if postgres { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({"postgres": word(postgres), "nats": word(nats), "accounts": word(accounts)})))
}

async fn postgres(api: &Api) -> bool {
    matches!(tokio::time::timeout(PATIENCE, api.store.is_there()).await, Ok(true))
}

async fn accounts(api: &Api) -> bool {
    let url = format!("{}/api/auth/ok", api.config.auth_url);
    matches!(
        tokio::time::timeout(PATIENCE, api.proxy.get(url).send()).await,
        Ok(Ok(response)) if response.status().is_success()
    )
}

/// Figures for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "Running it", responses((status = 200)))]
pub(crate) async fn metrics(State(api): State<Api>) -> impl IntoResponse {
    let mut text = api.metrics.text();
    let pool = api.store.pool();
    let _ = write!(
        text,
        "# TYPE colloquy_read_position gauge\ncolloquy_read_position {}\n\
         # TYPE colloquy_store_connections gauge\ncolloquy_store_connections {}\n\
         # TYPE colloquy_store_connections_idle gauge\ncolloquy_store_connections_idle {}\n",
        *api.live.read_position().borrow(),
        pool.size(),
        pool.num_idle(),
    );
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}
