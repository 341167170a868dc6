//! `/livez` and `/readyz` for balancers. The operator's port says more.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::health::Health;

/// Whether the process takes requests.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Ready {
    status: ReadyStatus,
}

/// Whether the process takes requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum ReadyStatus {
    /// The process takes requests.
    Ready,
    /// The process cannot serve requests now.
    NotReady,
}

/// Check that the process runs
#[utoipa::path(get, path = "/livez", tag = "Operation",
    responses((status = 200, content_type = "text/plain", body = String)))]
pub(in crate::api) async fn livez() -> &'static str {
    "ok\n"
}

/// Check that the process can serve requests
///
/// 503 while the process cannot serve requests: while Postgres does not answer, NATS refuses it, or the
/// erasures since a backup are not known yet, and while it ends.
#[utoipa::path(get, path = "/readyz", tag = "Operation",
    responses((status = 200, body = Ready), (status = 503, body = Ready)))]
pub(in crate::api) async fn readyz(State(health): State<Health>) -> (StatusCode, Json<Ready>) {
    if health.readiness().await.is_ready() {
        (StatusCode::OK, Json(Ready { status: ReadyStatus::Ready }))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(Ready { status: ReadyStatus::NotReady }))
    }
}
