//! `/livez`, `/readyz` and `/metrics` for operators.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State as Connection;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::account_service::AccountService;
use crate::api::live::Live;
use crate::api::middleware::metrics::RequestMetrics;
use crate::runtime::erasure_check::ErasureCheck;
use store::Store;

/// Longest wait for the answer of Postgres.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// State of each dependency.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Readiness {
    postgres: Reachability,
    nats: Reachability,
    /// The account service.
    accounts: Reachability,
    /// The condition that the check of erasures since a backup waits for; `null` once the check is done. Requests
    /// of users are refused before.
    #[schema(required)]
    erasures_wait_for: Option<String>,
}

/// Whether a dependency answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum Reachability {
    /// The dependency answers.
    Ok,
    /// The dependency does not answer.
    Away,
}

impl Reachability {
    const fn of(answers: bool) -> Self {
        if answers { Self::Ok } else { Self::Away }
    }
}

/// Check that the process runs
#[utoipa::path(get, path = "/livez", tag = "Operation",
    responses((status = 200, content_type = "text/plain", body = String)))]
pub(in crate::api) async fn livez() -> &'static str {
    "ok\n"
}

/// Check that the process can serve requests
///
/// Names each dependency. The status is 503 while Postgres does not answer, and until the erasures since the
/// backup that the database may have been restored from are known. Without NATS or the account service most
/// requests still succeed, so these two do not change the status.
#[utoipa::path(get, path = "/readyz", tag = "Operation",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub(in crate::api) async fn readyz(
    State(store): State<Store>,
    State(nats): State<Client>,
    State(account_service): State<Arc<AccountService>>,
    State(erasure_check): State<ErasureCheck>,
) -> (StatusCode, Json<Readiness>) {
    let postgres = tokio::time::timeout(CHECK_TIMEOUT, store.is_available());
    let (postgres, accounts) = tokio::join!(postgres, account_service.is_reachable());
    let postgres = Reachability::of(matches!(postgres, Ok(true)));
    let nats = Reachability::of(nats.connection_state() == Connection::Connected);
    let erasures_wait_for = erasure_check.waits_for().map(|reason| reason.to_string());
    let status = match (postgres, &erasures_wait_for) {
        (Reachability::Ok, None) => StatusCode::OK,
        (Reachability::Ok, Some(_)) | (Reachability::Away, _) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let accounts = Reachability::of(accounts);
    (status, Json(Readiness { postgres, nats, accounts, erasures_wait_for }))
}

/// Metrics for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "Operation", responses((status = 200, content_type = "text/plain", body = String)))]
pub(in crate::api) async fn metrics(
    State(metrics): State<Arc<RequestMetrics>>,
    State(store): State<Store>,
    State(live): State<Arc<Live>>,
    State(account_service): State<Arc<AccountService>>,
) -> impl IntoResponse {
    let mut text = metrics.text();
    text.push_str(&account_service.sign_ins().text());
    let connections = store.connections();
    let _ = write!(
        text,
        "# TYPE colloquy_read_position gauge\ncolloquy_read_position {}\n\
         # TYPE colloquy_store_connections gauge\ncolloquy_store_connections {}\n\
         # TYPE colloquy_store_connections_idle gauge\ncolloquy_store_connections_idle {}\n",
        *live.read_position().borrow(),
        connections.open,
        connections.idle,
    );
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::snapshots::assert_json;

    #[test]
    fn the_response_matches_its_snapshot() {
        let readiness = Readiness {
            postgres: Reachability::Ok,
            nats: Reachability::Away,
            accounts: Reachability::Ok,
            erasures_wait_for: Some("the tombstones in NATS cannot be read".to_owned()),
        };
        assert_json("readiness", &readiness);
    }
}
