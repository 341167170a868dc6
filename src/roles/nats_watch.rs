//! The NATS watch: brings the streams to their settings, and reports what keeps the service from using NATS
//! although waiting does not help.

use std::time::Duration;

use async_nats::{Client, jetstream};
use nats::{ProblemArea, Problems, Subjects, apply_settings};
use rag::error_chain::ErrorChain;

use crate::runtime::backoff::Backoff;
use crate::runtime::subscription::{connection_number, connection_replaced};

/// Delays while the streams are not as they should be.
const RETRY: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
/// Time after which a connection that lacks a permission is replaced. Subscriptions that the server refused
/// are made again only on a new connection.
const RENEW_AFTER: Duration = Duration::from_secs(30);

/// Watches for ever: the streams once for each connection and again while they have a problem.
pub async fn run(nats: Client, subjects: Subjects, problems: Problems) {
    let jetstream = jetstream::new(nats.clone());
    loop {
        let connection = connection_number(&nats);
        let watching = async {
            apply(&jetstream, &subjects, &problems).await;
            renew(&nats, &problems).await;
        };
        tokio::select! {
            () = watching => {}
            () = connection_replaced(&nats, connection) => {}
        }
    }
}

/// Brings the streams to their settings, however long that takes.
async fn apply(jetstream: &jetstream::Context, subjects: &Subjects, problems: &Problems) {
    let mut retry = RETRY;
    while let Err(error) = apply_settings(jetstream, subjects).await {
        if let Some(problem) = error.problem() {
            problems.report(ProblemArea::Streams, problem);
        } else {
            tracing::debug!(error = %ErrorChain(&error), "the streams are not ready");
        }
        retry.wait().await;
    }
    problems.clear(ProblemArea::Streams);
}

/// Replaces connections that lack a permission. Never ends.
async fn renew(nats: &Client, problems: &Problems) {
    loop {
        tokio::time::sleep(RENEW_AFTER).await;
        if problems.is_reported(ProblemArea::Permissions) {
            tracing::debug!("the connection to NATS is replaced, because it lacks a permission");
            let _ = nats.force_reconnect().await;
        }
    }
}
