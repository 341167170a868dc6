//! The connection to NATS: made in the background, kept for ever.

use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event};

/// The URL cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("connect to NATS: {0}")]
pub struct ConnectError(#[from] async_nats::ConnectError);

/// Connects, now or as soon as the server is there, and reconnects for ever. A server that is away is no error here:
/// publishing and subscribing wait or fail by their own time-outs.
pub async fn connect(url: &str, name: &str) -> Result<Client, ConnectError> {
    let client = ConnectOptions::new()
        .name(name)
        .retry_on_initial_connect()
        .max_reconnects(None)
        .connection_timeout(Duration::from_secs(3))
        .request_timeout(Some(Duration::from_secs(5)))
        .ping_interval(Duration::from_secs(10))
        .subscription_capacity(4_096)
        .reconnect_delay_callback(|attempts| {
            Duration::from_millis(50 << attempts.min(6)).min(Duration::from_secs(2))
        })
        .event_callback(|event| async move {
            match event {
                Event::Connected => tracing::info!("connected to NATS"),
                Event::Disconnected => tracing::warn!("lost the connection to NATS"),
                other => tracing::debug!(event = %other, "NATS"),
            }
        })
        .connect(url)
        .await?;
    Ok(client)
}
