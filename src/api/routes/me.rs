//! `GET /v1/me` and `GET /v1/usage`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use projections::accounts;
use projections::usage::{self as usage_days, UsageDay};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::identity::{Caller, Role};
use crate::api::problem::Problem;
use crate::api::reads::ReadModels;
use crate::api::reads::params::{Day, QueryParams};

/// The caller's account.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Me {
    /// Id of the user.
    id: uuid::Uuid,
    /// Role of the user.
    role: Role,
    /// Time of the first request; `null` until it is recorded.
    #[schema(required)]
    opened_at: Option<DateTime<Utc>>,
}

/// Range of days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct UsageParams {
    /// The first day.
    #[param(value_type = Option<NaiveDate>)]
    from: Option<Day>,
    /// The last day.
    #[param(value_type = Option<NaiveDate>)]
    to: Option<Day>,
}

/// Tokens and answers by day and model, newest day first.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Usage {
    /// One item for each day and model.
    items: Vec<UsageDay>,
}

/// Get the caller's account
#[utoipa::path(get, path = "/v1/me", tag = "Account", responses((status = 200, body = Me)), security(("bearer" = [])))]
pub(in crate::api) async fn me(
    State(reads): State<Arc<ReadModels>>,
    caller: Caller,
) -> Result<Json<Me>, Problem> {
    let account = accounts::get(reads.store().read_models(), caller.user).await?;
    let opened_at = match account {
        Some(account) => Some(account.opened_at),
        // The read model does not have it yet, or not for now.
        None => reads.store().account_opened_at(caller.user).await?,
    };
    Ok(Json(Me { id: caller.user.uuid(), role: caller.role, opened_at }))
}

/// Get the caller's usage
#[utoipa::path(get, path = "/v1/usage", tag = "Account", params(UsageParams),
    responses((status = 200, body = Usage)), security(("bearer" = [])))]
pub(in crate::api) async fn usage(
    State(reads): State<Arc<ReadModels>>,
    caller: Caller,
    QueryParams(params): QueryParams<UsageParams>,
) -> Result<Json<Usage>, Problem> {
    let (from, to) = (params.from.map(|day| day.0), params.to.map(|day| day.0));
    let items = usage_days::days(reads.store().read_models(), caller.user, from, to).await?;
    Ok(Json(Usage { items }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::snapshots::{assert_json, id, time};

    #[test]
    fn responses_match_their_snapshots() {
        assert_json("me", &Me { id: id(5), role: Role::Auditor, opened_at: Some(time()) });
        let day = UsageDay {
            day: time().date_naive(),
            model: "a-model".to_owned(),
            answers: 2,
            prompt_tokens: 240,
            completion_tokens: 18,
        };
        assert_json("usage", &Usage { items: vec![day] });
    }
}
