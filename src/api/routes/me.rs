//! `GET /v1/me` and `GET /v1/usage`.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, NaiveDate, Utc};
use projections::accounts;
use projections::usage::{self as usage_days, UsageDay};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::Api;
use crate::api::identity::Caller;
use crate::api::problem::Problem;
use crate::api::reads::query::Params;

/// The account as this service knows it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// The user's id.
    id: uuid::Uuid,
    /// `user`, `auditor` or `admin`.
    role: &'static str,
    /// When the first request came; `null` for a moment after it.
    opened_at: Option<DateTime<Utc>>,
}

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageParams {
    /// The first day.
    from: Option<NaiveDate>,
    /// The last day.
    to: Option<NaiveDate>,
}

/// Tokens and answers by day and model, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    /// The days.
    items: Vec<UsageDay>,
}

/// The caller's account.
#[utoipa::path(get, path = "/v1/me", tag = "Account", responses((status = 200, body = Me)), security(("bearer" = [])))]
pub(crate) async fn me(State(api): State<Api>, caller: Caller) -> Result<Json<Me>, Problem> {
    let account = accounts::get(api.store.pool(), caller.user).await?;
    let opened_at = account.map(|account| account.opened_at);
    Ok(Json(Me { id: caller.user.uuid(), role: caller.role.name(), opened_at }))
}

/// What the caller's answers cost.
#[utoipa::path(get, path = "/v1/usage", tag = "Account", params(UsageParams),
    responses((status = 200, body = Usage)), security(("bearer" = [])))]
pub(crate) async fn usage(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<UsageParams>,
) -> Result<Json<Usage>, Problem> {
    let items = usage_days::days(api.store.pool(), caller.user, params.from, params.to).await?;
    Ok(Json(Usage { items }))
}
