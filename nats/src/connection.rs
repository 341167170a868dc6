//! The connection to NATS, which is made in the background and reconnects without end.

use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event};

/// The connection to NATS cannot be set up, for example because the URL is not valid.
#[derive(Debug, thiserror::Error)]
#[error("the connection to NATS cannot be set up")]
pub struct ConnectError(#[from] async_nats::ConnectError);

/// Connects to NATS in the background and reconnects without end. An unreachable server is not an error here:
/// each later publication or request waits or fails by its own time limit.
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
                Event::Disconnected => tracing::warn!("connection to NATS was lost"),
                other => tracing::debug!(event = %other, "event of the connection to NATS"),
            }
        })
        .connect(url)
        .await?;
    Ok(client)
}
