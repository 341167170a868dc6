//! `/livez`, `/readyz` and `/metrics` for operators.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use aggregates::operation::DeadLetterKind;
use async_nats::Client;
use async_nats::connection::State as Connection;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use nats::Problems;
use projections::quarantine::{self, ReadModelCount};
use rag::error_chain::ErrorChain;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::account_service::AccountService;
use crate::api::live::Live;
use crate::api::middleware::metrics::RequestMetrics;
use crate::api::problem::with_causes;
use crate::api::state::Knowledge;
use crate::runtime::erasure_check::ErasureCheck;
use store::{Store, StoreError};

/// Longest wait for the answer of Postgres, and of Qdrant.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// State of each dependency, and what works only in part.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Readiness {
    postgres: Reachability,
    nats: Reachability,
    qdrant: Reachability,
    /// The account service.
    accounts: Reachability,
    /// The reasons why a dependency cannot be used until an operator corrects them, such as a refused login.
    problems: Vec<String>,
    /// The condition that the check of erasures since a backup waits for; `null` once the check is done.
    /// Requests of users are refused before.
    #[schema(required)]
    erasures_wait_for: Option<String>,
    /// Aggregates of which an event cannot be applied to a read model; `null` while Postgres does not answer.
    /// A conversation in several read models counts in each.
    #[schema(required)]
    quarantined: Option<u64>,
    /// Answers and documents that workers gave up; `null` while Postgres does not answer.
    #[schema(required)]
    dead_letters: Option<u64>,
    /// Failures for some users, in words for an operator.
    degraded: Vec<String>,
}

/// Kinds and counts of the work that waits for an operator.
#[derive(Debug, Default)]
struct SetAside {
    quarantined: Vec<ReadModelCount>,
    dead_letters: Vec<(DeadLetterKind, u64)>,
}

impl SetAside {
    /// `None` if Postgres does not answer.
    async fn read(store: &Store) -> Option<Self> {
        let reading = async {
            let quarantined =
                quarantine::counts(store.read_models()).await.map_err(StoreError::from_query)?;
            Ok::<_, StoreError>(Self { quarantined, dead_letters: store.count_dead_letters().await? })
        };
        match tokio::time::timeout(CHECK_TIMEOUT, reading).await {
            Ok(Ok(set_aside)) => Some(set_aside),
            Ok(Err(error)) => {
                tracing::warn!(error = with_causes(error), "the quarantine could not be counted");
                None
            }
            Err(_) => None,
        }
    }

    fn quarantined(&self) -> u64 {
        self.quarantined.iter().map(|count| count.aggregates).sum()
    }

    fn dead_letters(&self) -> u64 {
        self.dead_letters.iter().map(|(_, letters)| letters).sum()
    }

    fn reasons(&self) -> Vec<String> {
        let quarantined = self.quarantined.iter().filter(|count| count.aggregates > 0).map(|count| {
            format!(
                "{} aggregates are quarantined in the read model {}",
                count.aggregates,
                count.model.name()
            )
        });
        let letters = self.dead_letters.iter().filter(|(_, letters)| *letters > 0);
        let letters = letters.map(|(kind, letters)| format!("{letters} dead letters of the kind {kind}"));
        quarantined.chain(letters).collect()
    }

    /// The counts in the text format of Prometheus.
    fn text(&self) -> String {
        let mut text = String::from("# TYPE colloquy_quarantined_aggregates gauge\n");
        for ReadModelCount { model, aggregates } in &self.quarantined {
            let name = model.name();
            let _ = writeln!(text, "colloquy_quarantined_aggregates{{read_model=\"{name}\"}} {aggregates}");
        }
        text.push_str("# TYPE colloquy_dead_letters gauge\n");
        for (kind, letters) in &self.dead_letters {
            let _ = writeln!(text, "colloquy_dead_letters{{kind=\"{kind}\"}} {letters}");
        }
        text
    }
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
/// Names each dependency. The status is 503 while Postgres does not answer, while NATS or Qdrant has a
/// problem that an operator has to correct, and until the erasures since the backup that the database may
/// have been restored from are known. While NATS, Qdrant or the account service is away, most requests still
/// succeed: this does not change the status. Nor do aggregates in quarantine and dead letters, which
/// `degraded` names.
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
    let (postgres, qdrant, accounts, set_aside) =
        tokio::join!(postgres, qdrant, account_service.is_reachable(), SetAside::read(&store));
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
        quarantined: set_aside.as_ref().map(SetAside::quarantined),
        dead_letters: set_aside.as_ref().map(SetAside::dead_letters),
        degraded: set_aside.unwrap_or_default().reasons(),
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
    if let Some(set_aside) = SetAside::read(&store).await {
        text.push_str(&set_aside.text());
    }
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
            quarantined: Some(1),
            dead_letters: Some(0),
            degraded: vec!["1 aggregates are quarantined in the read model messages".to_owned()],
        };
        assert_json("readiness", &readiness);
    }
}
