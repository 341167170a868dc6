//! The caller of a request, as an argument of its handler.

use aggregates::account::{AccountCommand, AccountRefused};
use aggregates::{Actor, Metadata, UserId};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use uuid::Uuid;

use crate::api::Api;
use crate::api::identity::Caller;
use crate::api::middleware::layers::Trace;
use crate::api::problem::Problem;
use store::{ExecuteError, StoreError};

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    /// Checks the token, and opens the account at its first request.
    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let caller = api.identity.authenticate(&parts.headers).await?;
        if api.erasing.get(&caller.user).is_some() {
            return Err(Problem::account_is_being_erased());
        }
        if api.opened.get(&caller.user).is_none() {
            open_account(api, caller.user, parts.extensions.get()).await?;
        }
        Ok(caller)
    }
}

/// A user whose key is there has an account.
async fn open_account(api: &Api, user: UserId, trace: Option<&Trace>) -> Result<(), Problem> {
    if api.store.keyring().user(user).await?.is_none() {
        let metadata = metadata(user, trace);
        let command = (user, AccountCommand::Open);
        match api.store.accounts().execute(user.uuid(), command, &metadata, None).await {
            Ok(_) => api.wake.notify(),
            Err(ExecuteError::Refused(AccountRefused::Erasing)) => {
                return Err(Problem::account_is_being_erased());
            }
            Err(ExecuteError::Refused(AccountRefused::NotFound | AccountRefused::NotErasing)) => {
                return Err(Problem::internal());
            }
            Err(ExecuteError::Store(error)) => return Err(StoreError::into(error)),
        }
    }
    api.opened.insert(user, ());
    Ok(())
}

/// The circumstances of a user's command.
pub(crate) fn metadata(user: UserId, trace: Option<&Trace>) -> Metadata {
    Metadata {
        owner: user,
        actor: Actor::User(user),
        correlation_id: trace.map_or_else(Uuid::now_v7, |trace| trace.request_id),
        causation_id: None,
        traceparent: trace.map(Trace::traceparent),
    }
}
