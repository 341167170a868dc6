//! Extracts the caller of a request from its token.

use std::sync::Arc;

use aggregates::{Actor, Metadata, UserId};
use axum::extract::{FromRef as _, FromRequestParts};
use axum::http::request::Parts;

use crate::api::ApiState;
use crate::api::accounts::Accounts;
use crate::api::client_address::Client;
use crate::api::identity::{Caller, Identity, Role};
use crate::api::limits::Limits;
use crate::api::middleware::client::AnonymousRequest;
use crate::api::middleware::trace::Trace;
use crate::api::middleware::writes::RequestWrites;
use crate::api::problem::Problem;
use crate::api::reads::ReadModels;
use crate::api::server::Activity;

impl FromRequestParts<ApiState> for Caller {
    type Rejection = Problem;

    /// Checks the token and counts the request. Opens the account at its first request. Notes a write.
    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let address = parts.extensions.get::<Client>().map(|client| client.address);
        let caller = Arc::<Identity>::from_ref(state).authenticate(&parts.headers, address).await?;
        if let Some(connection) = parts.extensions.get::<Arc<Activity>>() {
            connection.authenticate();
        }
        if let Some(request) = parts.extensions.get::<AnonymousRequest>() {
            request.authenticate();
        }
        Arc::<Limits>::from_ref(state).requests.count(&caller.user)?;
        Arc::<Accounts>::from_ref(state).admit(caller.user, &Trace::of(parts)).await?;
        if let Some(writes) = parts.extensions.get::<RequestWrites>() {
            let reads = Arc::<ReadModels>::from_ref(state);
            reads.until_accepting().await?;
            writes.hold(reads.begin_write(caller.user));
            if caller.role == Role::Admin {
                writes.hold(reads.begin_write(UserId::SHARED));
            }
        }
        Ok(caller)
    }
}

/// An authenticated user who reads: the read models show what the user's accepted commands have changed.
pub(in crate::api) struct Reader(pub(in crate::api) Caller);

impl FromRequestParts<ApiState> for Reader {
    type Rejection = Problem;

    /// Authenticates, then waits for the read models up to 2 s. An administrator also
    /// writes shared documents.
    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let reads = Arc::<ReadModels>::from_ref(state);
        reads.show_writes_of(caller.user).await?;
        if caller.role == Role::Admin {
            reads.show_writes_of(UserId::SHARED).await?;
        }
        Ok(Self(caller))
    }
}

/// Metadata of the events that a user's command leads to.
pub(in crate::api) fn command_metadata(user: UserId, trace: &Trace) -> Metadata {
    Metadata {
        owner: user,
        actor: Actor::User(user),
        correlation_id: trace.request_id(),
        causation_id: None,
        traceparent: Some(trace.traceparent()),
    }
}
