//! Determines the client of each request, and limits what one client has in progress through a trusted proxy.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{ConnectInfo, Request};

use super::wrap::Middleware;
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
#[derive(Debug, Clone)]
pub(super) struct DetermineClient(pub(super) TrustedProxies);

impl Middleware for DetermineClient {
    type Kept = ();

    fn before(&self, request: &mut Request) -> Result<(), Problem> {
        if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
            let client = self.0.client(peer.ip(), request.headers());
            request.extensions_mut().insert(client);
        }
        Ok(())
    }
}

/// Refuses a request through a trusted proxy if its client has too many in progress. The limits of
/// connections see the proxy alone.
#[derive(Debug, Clone)]
pub(super) struct LimitClient(pub(super) Arc<Limits>);

impl Middleware for LimitClient {
    /// The permit, which lasts until the response though extractors may have dropped the request.
    type Kept = Option<AnonymousRequest>;

    fn before(&self, request: &mut Request) -> Result<Self::Kept, Problem> {
        let client = request.extensions().get::<Client>().filter(|client| client.is_forwarded);
        let Some(client) = client else { return Ok(None) };
        let permit = self.0.anonymous_requests.take(network(client.address))?;
        let anonymous = AnonymousRequest(Arc::new(Mutex::new(Some(permit))));
        request.extensions_mut().insert(anonymous.clone());
        Ok(Some(anonymous))
    }
}
