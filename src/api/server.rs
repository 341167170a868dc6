//! The HTTP server: accepts connections within their limits and ends them in order.
//!
//! HTTP/1.1, with upgrades, and HTTP/2 with prior knowledge. Each connection runs in a task of its own
//! ([`connection`]), which closes it when its peer is too slow or when the process drains.

mod activity;
mod connection;
mod connections;
mod stream;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(in crate::api) use activity::Activity;
use connection::{Connection, Timeouts};
use connections::Connections;

use crate::api::client_address::TrustedProxies;
use crate::config::ApiConfig;

/// Pause after an error of `accept`, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves requests until `stop`, then lets connections finish the requests that they have begun, within
/// `Timeouts::drain`.
pub async fn serve(listener: TcpListener, router: Router, config: &ApiConfig, stop: CancellationToken) {
    let connections = Connections::new(&config.connections, TrustedProxies::new(&config.trusted_proxies));
    serve_within(listener, router, connections, Timeouts::default(), stop).await;
}

async fn serve_within(
    listener: TcpListener,
    router: Router,
    connections: Connections,
    timeouts: Timeouts,
    stop: CancellationToken,
) {
    let connections = Arc::new(connections);
    let tasks = TaskTracker::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let Some((stream, peer)) = usable(accepted).await else { continue };
        let Some(admitted) = connections.admit(peer.ip()) else {
            tracing::debug!("connection was refused: too many are open");
            continue;
        };
        let connection =
            Connection { stream, peer, admitted, router: router.clone(), timeouts, stop: stop.clone() };
        tasks.spawn(connection.run());
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

/// The accepted connection; `None` if the peer has closed it, or if the system has no resources for it.
async fn usable(accepted: io::Result<(TcpStream, SocketAddr)>) -> Option<(TcpStream, SocketAddr)> {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    let (stream, peer) = match accepted {
        Ok(accepted) => accepted,
        Err(error) if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) => {
            return None;
        }
        Err(error) => {
            tracing::warn!(%error, "no connection was accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            return None;
        }
    };
    // Events of streams are small; without this option the system delays them.
    stream.set_nodelay(true).ok()?;
    Some((stream, SocketAddr::new(unmapped(peer.ip()), peer.port())))
}

/// The IPv4 address of a client that reached an IPv6 socket by IPv4.
fn unmapped(address: IpAddr) -> IpAddr {
    address.to_canonical()
}
