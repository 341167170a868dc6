//! Tries every connection of the configuration once, each within a time limit. Changes nothing, but for one
//! small file in the file store, which it deletes.

mod databases;
mod others;

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use serde::Serialize;

use crate::config::Config;

/// Time limit of one attempt.
const LIMIT: Duration = Duration::from_secs(10);
/// Time limit of an attempt that loads or asks a model.
const MODEL_LIMIT: Duration = Duration::from_mins(1);

/// The outcome of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The tried connection.
    pub name: &'static str,
    /// The settings that decide about it.
    pub settings: &'static str,
    /// Whether it works.
    pub ok: bool,
    /// Finding, or the reason of the failure.
    pub message: String,
}

/// Tries all connections at the same time. The attempts are in the order of the documentation.
pub async fn try_all(config: &Config) -> Vec<Attempt> {
    let attempts = [
        attempt("database", "DATABASE_URL", LIMIT, databases::pooled(config)),
        attempt("database for migrations", "DATABASE_DIRECT_URL", LIMIT, databases::direct(config)),
        attempt("master key", "MASTER_KEY, MASTER_KEY_PREVIOUS", LIMIT, databases::master_key(config)),
        attempt("accounts database", "AUTH_DATABASE_URL, AUTH_SCHEMA", LIMIT, databases::accounts(config)),
        attempt("NATS", "NATS_URL", LIMIT, others::nats(config)),
        attempt("Qdrant", "QDRANT_URL, QDRANT_API_KEY", LIMIT, others::qdrant(config)),
        attempt("account service", "AUTH_URL", LIMIT, others::account_service(config)),
        attempt(
            "language model",
            "MODEL_URL, MODEL_NAME, MODEL_API_KEY",
            MODEL_LIMIT,
            others::language_model(config),
        ),
        attempt(
            "embedding model",
            "EMBEDDING_URL, EMBEDDING_NAME, EMBEDDING_MODEL_DIR, ORT_DYLIB_PATH",
            MODEL_LIMIT,
            others::embedding(config),
        ),
        attempt("file store", "FILES_URL", LIMIT, others::files(config)),
    ];
    join_all(attempts).await
}

fn attempt<'a>(
    name: &'static str,
    settings: &'static str,
    limit: Duration,
    work: impl Future<Output = anyhow::Result<String>> + Send + 'a,
) -> BoxFuture<'a, Attempt> {
    async move {
        let (ok, message) = match tokio::time::timeout(limit, work).await {
            Ok(Ok(found)) => (true, found),
            // On one line, whatever the cause says.
            Ok(Err(error)) => (false, format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ")),
            Err(_) => (false, format!("no answer within {} s", limit.as_secs())),
        };
        Attempt { name, settings, ok, message }
    }
    .boxed()
}
