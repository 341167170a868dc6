//! Slows refusals: those by a limit of a person for each token, the others
//! for each address.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderValue, Response, StatusCode};

use super::wrap::Middleware;
use crate::api::client_address::{Client, network};
use crate::api::limits::{BY_ADDRESS, Limits};
use crate::api::problem::Problem;

/// Delays the refusals of whoever goes on in spite of many.
#[derive(Debug, Clone)]
pub(super) struct SlowRefusals(pub(super) Arc<Limits>);

/// Whose request it is.
#[derive(Debug)]
pub(super) struct Origin {
    address: Option<IpAddr>,
    token: Option<HeaderValue>,
}

impl Middleware for SlowRefusals {
    type Kept = Origin;

    fn before(&self, request: &mut Request) -> Result<Origin, Problem> {
        let address = request.extensions().get::<Client>().map(|client| network(client.address));
        Ok(Origin { address, token: request.headers().get(AUTHORIZATION).cloned() })
    }

    async fn after(self, Origin { address, token }: Origin, response: Response<Body>) -> Response<Body> {
        static HASHES: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let limit = response.extensions().get::<Problem>().and_then(Problem::limit);
        let is_of_person = limit.is_some_and(|limit| !BY_ADDRESS.contains(&limit));
        match (response.status(), token, address) {
            (StatusCode::TOO_MANY_REQUESTS, Some(token), _) if is_of_person => {
                self.0.refused_tokens.wait(&HASHES.hash_one(token.as_bytes())).await;
            }
            (StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED, _, Some(address)) => {
                self.0.refused_addresses.wait(&address).await;
            }
            _ => {}
        }
        response
    }
}
