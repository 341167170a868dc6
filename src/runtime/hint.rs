//! Hints over core NATS: messages that save time and may be lost.

use std::time::Duration;

use async_nats::Client;
use bytes::Bytes;
use rag::error_chain::ErrorChain;

/// Hands a hint to the connection, within a time limit. A failure is logged only: every receiver also looks
/// on its own.
pub async fn send_hint(nats: &Client, subject: String, payload: Bytes, limit: Duration) {
    match tokio::time::timeout(limit, nats.publish(subject.clone(), payload)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(error = %ErrorChain(&error), subject, "a hint was not sent"),
        Err(_) => tracing::debug!(subject, "sending a hint timed out"),
    }
}
