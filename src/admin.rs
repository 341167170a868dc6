//! The operator's port of a process with any roles: liveness, readiness, metrics, the log filter
//! and the tasks.
//!
//! It has no login, and listens on loopback unless `ADMIN_LISTEN` says otherwise. Nothing on it shows texts
//! of users.

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::ApiConfig;
use crate::health::{Health, Readiness};
use crate::runtime::tasks::RuntimeState;
use crate::{api, telemetry};

/// The address where none is configured.
const DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9090);
/// The most bytes of a log filter.
const FILTER_BYTES: usize = 4_096;

/// Listens on the configured address; where none is configured, on port 9090 of loopback, or on a free port
/// if another process has that one.
pub async fn listen(address: Option<SocketAddr>) -> anyhow::Result<TcpListener> {
    if let Some(address) = address {
        let listening = TcpListener::bind(address).await;
        return listening.with_context(|| format!("address {address} of ADMIN_LISTEN is not available"));
    }
    if let Ok(listener) = TcpListener::bind(DEFAULT).await {
        return Ok(listener);
    }
    let listener = TcpListener::bind(SocketAddr::new(DEFAULT.ip(), 0)).await;
    let listener = listener.context("no address is available for the operator's port")?;
    tracing::info!(address = %listener.local_addr()?, "the operator's port has a free address; ADMIN_LISTEN names one");
    Ok(listener)
}

/// Answers until `stop`, with the limits of connections of the api.
pub async fn serve(listener: TcpListener, health: Health, config: ApiConfig, stop: CancellationToken) {
    api::serve(listener, router(health), &config, stop).await;
}

fn router(health: Health) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/log", get(log).put(set_log))
        .route("/tasks", get(tasks))
        .with_state(health)
}

async fn index() -> &'static str {
    "GET /livez    whether the process answers\n\
     GET /readyz   whether it can do the work of its roles, and what works only in part\n\
     GET /metrics  metrics for Prometheus\n\
     GET /log      the filter of the log; PUT changes it until the process ends\n\
     GET /tasks    the named tasks of the process\n"
}

/// 503 only while the process cannot do the work of its roles.
async fn readyz(State(health): State<Health>) -> (StatusCode, Json<Readiness>) {
    let readiness = health.readiness().await;
    let status = if readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness::clone(&readiness)))
}

async fn metrics(State(health): State<Health>) -> Response {
    match health.metrics() {
        Some(metrics) => {
            ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics).into_response()
        }
        None => (StatusCode::NOT_FOUND, "the process records no metrics: METRICS is off\n").into_response(),
    }
}

async fn log() -> (StatusCode, String) {
    match telemetry::filter() {
        Some(filter) => (StatusCode::OK, format!("{filter}\n")),
        None => (StatusCode::NOT_FOUND, "the process has no log that can be changed\n".to_owned()),
    }
}

/// The body is a filter, such as `info,store=debug`.
async fn set_log(filter: String) -> (StatusCode, String) {
    let filter = filter.trim();
    if filter.len() > FILTER_BYTES || filter.is_empty() {
        return (StatusCode::BAD_REQUEST, "the body must be a filter of the log\n".to_owned());
    }
    match telemetry::set_filter(filter) {
        Ok(()) => {
            tracing::info!(filter, "the filter of the log was changed");
            (StatusCode::OK, format!("{filter}\n"))
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error:#}\n")),
    }
}

async fn tasks(State(health): State<Health>) -> Json<Value> {
    Json(json!({ "runtime": RuntimeState::now(), "tasks": health.stages().tasks().states() }))
}
