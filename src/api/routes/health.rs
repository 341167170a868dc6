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
use nats::Problems;
use rag::error_chain::ErrorChain;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::account_service::AccountService;
use crate::api::live::Live;
use crate::api::middleware::metrics::RequestMetrics;
use crate::api::state::Knowledge;
use crate::runtime::erasure_check::ErasureCheck;
use store::Store;

/// Longest wait for the answer of Postgres, and of Qdrant.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// State of each dependency.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Readiness {
    postgres: Reachability,
    nats: Reachability,
    qdrant: Reachability,
    /// The account service.
    accounts: Reachability,
    /// The reasons why a dependency cannot be used until an operator corrects them, such as a refused login.
    problems: Vec<String>,
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

impl Readiness {
    fn status(&self) -> StatusCode {
        match (self.postgres, self.problems.is_empty(), &self.erasures_wait_for) {
            (Reachability::Ok, true, None) => StatusCode::OK,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
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
/// Names each dependency. The status is 503 while Postgres does not answer, while NATS or Qdrant has a problem that
/// an operator has to correct, and until the erasures since the backup that the database may have been restored
/// from are known. While NATS, Qdrant or the account service is away, most requests still succeed: this does not
/// change the status.
#[utoipa::path(get, path = "/readyz", tag = "Operation",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub(in crate::api) async fn readyz(
    State(store): State<Store>,
    State(nats): State<Client>,
    State(nats_problems): State<Problems>,
    State(knowledge): State<Knowledge>,
    State(account_service): State<Arc<AccountService>>,
    State(erasure_check): State<ErasureCheck>,
) -> (StatusCode, Json<Readiness>) {
    let postgres = tokio::time::timeout(CHECK_TIMEOUT, store.is_available());
    let qdrant = tokio::time::timeout(CHECK_TIMEOUT, knowledge.index.check());
    let (postgres, qdrant, accounts) = tokio::join!(postgres, qdrant, account_service.is_reachable());
    let refused = match &qdrant {
        Ok(Err(error)) if error.is_misconfiguration() => Some(ErrorChain(error).to_string()),
        _ => None,
    };
    let readiness = Readiness {
        postgres: Reachability::of(matches!(postgres, Ok(true))),
        nats: Reachability::of(nats.connection_state() == Connection::Connected),
        qdrant: Reachability::of(matches!(qdrant, Ok(Ok(())))),
        accounts: Reachability::of(accounts),
        problems: nats_problems.first().into_iter().chain(refused).collect(),
        erasures_wait_for: erasure_check.waits_for().map(|reason| reason.to_string()),
    };
    (readiness.status(), Json(readiness))
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
            qdrant: Reachability::Ok,
            accounts: Reachability::Ok,
            problems: vec!["the server refuses the login".to_owned()],
            erasures_wait_for: Some("the tombstones in NATS cannot be read".to_owned()),
        };
        assert_json("readiness", &readiness);
    }
}
