//! `DELETE /v1/me` and `GET /v1/erasures/{receipt}`: to be forgotten, and to see that one is.

use aggregates::account::{AccountCommand, AccountPhase};
use aggregates::{ReceiptId, UserId};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::Api;
use crate::api::caller::metadata;
use crate::api::identity::{Caller, Unauthenticated};
use crate::api::middleware::layers::Trace;
use crate::api::problem::Problem;
use crate::api::reads::query::path_id;
use crate::runtime::subscription::{Delivery, Subscription};
use store::{self, ExecuteError};

/// What an erasure is followed by.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Receipt {
    /// Keep it: it is the only way to ask about the erasure once the account is gone.
    receipt: Uuid,
}

/// How far an erasure is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErasureState {
    /// Its receipt.
    receipt: Uuid,
    /// When it was asked for.
    requested_at: DateTime<Utc>,
    /// When nothing was left; `null` before.
    finished_at: Option<DateTime<Utc>>,
    /// What is done so far, in order.
    stores: Vec<StoreErased>,
}

/// A store that holds nothing of the person any more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoreErased {
    /// Which: `keys`, `caches`, `read_models`, `passages`, `files`, `live_stream`, `accounts`.
    store: String,
    /// When.
    erased_at: DateTime<Utc>,
}

/// Erase the caller's account and everything kept about them. Cannot be undone.
#[utoipa::path(delete, path = "/v1/me", operation_id = "erase_me", tag = "Privacy",
    responses((status = 202, body = Receipt), (status = 401), (status = 503)), security(("bearer" = [])))]
pub(crate) async fn erase(
    State(api): State<Api>,
    Extension(trace): Extension<Trace>,
    caller: Erasable,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Receipt>), Problem> {
    check_live(&api, &caller.0, &headers).await?;
    let user = caller.0.user;
    let receipt = ReceiptId::new(Uuid::new_v4());
    let command = (user, AccountCommand::RequestErasure { receipt });
    let metadata = metadata(user, Some(&trace));
    let executed = api.store.accounts().execute(user.uuid(), command, &metadata, None);
    let executed = executed.await.map_err(|error| match error {
        ExecuteError::Refused(_) => Problem::not_found(),
        ExecuteError::Store(error) => error.into(),
    })?;
    // Whoever asks again is given the receipt of the first time.
    let receipt = match executed.aggregate.phase() {
        AccountPhase::Erasing { receipt } | AccountPhase::Erased { receipt } => receipt,
        AccountPhase::Unopened | AccountPhase::Open => return Err(Problem::internal()),
    };
    api.store.begin_erasure(receipt, user).await?;
    api.wake.notify();
    api.forget(user);
    if let Err(error) = api.nats.publish(api.live.subjects().erasing(), Bytes::from(user.to_string())).await {
        tracing::debug!(%error, "an erasure could not be announced; it is found by looking");
    }
    Ok((StatusCode::ACCEPTED, Json(Receipt { receipt: receipt.uuid() })))
}

/// How far an erasure is. The receipt is all it takes: there is no account any more.
#[utoipa::path(get, path = "/v1/erasures/{receipt}", operation_id = "get_erasure", tag = "Privacy",
    params(("receipt" = Uuid, Path)),
    responses((status = 200, body = ErasureState), (status = 404)))]
pub(crate) async fn state(
    State(api): State<Api>,
    Path(receipt): Path<String>,
) -> Result<Json<ErasureState>, Problem> {
    let receipt: ReceiptId = path_id(&receipt, "receipt")?;
    let erasure = api.store.erasure(receipt).await?.ok_or_else(Problem::not_found)?;
    let stores = api.store.erased_stores(erasure.owner).await?;
    Ok(Json(ErasureState {
        receipt: receipt.uuid(),
        requested_at: erasure.requested_at,
        finished_at: erasure.finished_at,
        stores: stores.into_iter().map(|(store, erased_at)| StoreErased { store, erased_at }).collect(),
    }))
}

/// Whoever can ask for an erasure: anybody with a good token, also one whose account is being erased already.
pub(crate) struct Erasable(Caller);

impl axum::extract::FromRequestParts<Api> for Erasable {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, api: &Api) -> Result<Self, Problem> {
        match Caller::from_request_parts(parts, api).await {
            Ok(caller) => Ok(Self(caller)),
            Err(problem) if problem.says_erasing() => {
                Ok(Self(api.identity.authenticate(&parts.headers).await?))
            }
            Err(problem) => Err(problem),
        }
    }
}

/// A token may outlive its session; an erasure is taken from a session that is alive at this moment alone.
async fn check_live(api: &Api, caller: &Caller, headers: &HeaderMap) -> Result<(), Problem> {
    let live = match caller.session {
        Some(session) => store::is_session_live(&api.accounts, caller.user, session).await?,
        None => api.identity.ask_anew(headers).await?.user == caller.user,
    };
    if live { Ok(()) } else { Err(Unauthenticated::Invalid.into()) }
}

impl Api {
    /// Forgets what this process holds of somebody who is being erased.
    pub(crate) fn forget(&self, user: UserId) {
        self.opened.remove(&user);
        self.erasing.insert(user, ());
        self.live.forget(user);
    }

    /// Comes true when somebody is erased, at once if that has begun: their streams end with it.
    pub(crate) fn erased(&self, user: UserId) -> impl Future<Output = ()> + Send + use<> {
        let erased = self.live.erased(user);
        let begun = self.erasing.contains_key(&user);
        async move {
            if !begun {
                erased.await;
            }
        }
    }

    /// Forgets every user whose erasure is announced, for ever.
    pub async fn follow_erasures(&self) {
        let mut announced = Subscription::new(self.nats.clone(), self.live.subjects().erasing());
        loop {
            let Delivery::Message(message) = announced.next().await else { continue };
            let user = std::str::from_utf8(&message.payload).ok().and_then(|id| id.parse().ok());
            if let Some(user) = user {
                self.forget(user);
            }
        }
    }
}
