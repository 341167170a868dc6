//! Slows refusals: those by a limit of a person for each token, the others
//! for each address.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{Response, StatusCode};
use axum::middleware::Next;

use crate::api::client_address::{Client, network};
use crate::api::limits::{BY_ADDRESS, Limits};
use crate::api::problem::Problem;

/// Delays the refusals of whoever goes on in spite of many.
pub(super) async fn slow(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response<Body> {
    static HASHES: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    let address = request.extensions().get::<Client>().map(|client| network(client.address));
    let token = request.headers().get(AUTHORIZATION).cloned();
    let response = next.run(request).await;
    let limit = response.extensions().get::<Problem>().and_then(Problem::limit);
    let is_of_person = limit.is_some_and(|limit| !BY_ADDRESS.contains(&limit));
    match (response.status(), token, address) {
        (StatusCode::TOO_MANY_REQUESTS, Some(token), _) if is_of_person => {
            limits.refused_tokens.wait(&HASHES.hash_one(token.as_bytes())).await;
        }
        (StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED, _, Some(address)) => {
            limits.refused_addresses.wait(&address).await;
        }
        _ => {}
    }
    response
}
