//! Determines the client of each request, and limits what one client has in progress through a trusted proxy.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::Response;
use axum::middleware::Next;
use axum::response::IntoResponse as _;

use crate::api::client_address::{Client, TrustedProxies, network};
use crate::api::limits::{Limits, Permit};
use crate::api::problem::Problem;

/// A request without a valid token that came through a trusted proxy. It counts for its client until a valid
/// token is found, as a connection does for its peer.
#[derive(Debug, Clone)]
pub(in crate::api) struct AnonymousRequest(Arc<Mutex<Option<Permit<IpAddr>>>>);

impl AnonymousRequest {
    /// Notes that the request has a valid token.
    pub(in crate::api) fn authenticate(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Adds the [`Client`] to a request.
pub(super) async fn determine(
    State(proxies): State<TrustedProxies>,
    mut request: Request,
    next: Next,
) -> Response<Body> {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let client = proxies.client(peer.ip(), request.headers());
        request.extensions_mut().insert(client);
    }
    next.run(request).await
}

/// Refuses a request through a trusted proxy if its client has too many in progress. The limits of
/// connections see the proxy alone.
pub(super) async fn limit(
    State(limits): State<Arc<Limits>>,
    mut request: Request,
    next: Next,
) -> Response<Body> {
    let client = request.extensions().get::<Client>().filter(|client| client.is_forwarded);
    let Some(client) = client else { return next.run(request).await };
    let anonymous = match limits.anonymous_requests.take(network(client.address)) {
        Ok(permit) => AnonymousRequest(Arc::new(Mutex::new(Some(permit)))),
        Err(exhausted) => return Problem::from(exhausted).into_response(),
    };
    request.extensions_mut().insert(anonymous.clone());
    let response = next.run(request).await;
    // The permit lasts until here, though extractors may have dropped the request.
    drop(anonymous);
    response
}
