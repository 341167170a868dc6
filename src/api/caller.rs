//! Extracts the caller of a request from its token.

use std::sync::Arc;

use aggregates::{Actor, Metadata, UserId};
use axum::extract::{FromRef as _, FromRequestParts};
use axum::http::request::Parts;

use crate::api::ApiState;
use crate::api::accounts::Accounts;
use crate::api::identity::{Caller, Identity};
use crate::api::limits::Limits;
use crate::api::middleware::trace::Trace;
use crate::api::problem::Problem;
use crate::api::server::Activity;

impl FromRequestParts<ApiState> for Caller {
    type Rejection = Problem;

    /// Checks the token and counts the request. Opens the account at its first request.
    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let caller = Arc::<Identity>::from_ref(state).authenticate(&parts.headers).await?;
        if let Some(connection) = parts.extensions.get::<Arc<Activity>>() {
            connection.authenticate();
        }
        Arc::<Limits>::from_ref(state).requests.count(&caller.user)?;
        Arc::<Accounts>::from_ref(state).admit(caller.user, &Trace::of(parts)).await?;
        Ok(caller)
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
