//! `DELETE /v1/me` and `GET /v1/erasures/{receipt}`.

use std::sync::Arc;
use std::time::Duration;

use aggregates::account::{AccountCommand, AccountPhase, ErasureTarget};
use aggregates::{ReceiptId, UserId};
use async_nats::Client;
use axum::Json;
use axum::extract::{FromRef as _, FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::ApiState;
use crate::api::account_service::AccountService;
use crate::api::accounts::Accounts;
use crate::api::caller::command_metadata;
use crate::api::identity::{Caller, Identity};
use crate::api::live::Live;
use crate::api::middleware::trace::Trace;
use crate::api::problem::Problem;
use crate::api::reads::params::parse_id;
use crate::runtime::hint::send_hint;
use crate::runtime::wake::SequencerWake;
use store::{ErasedStore, ExecuteError, Store};

/// Time limit for handing one hint to the connection.
const HINT_TIMEOUT: Duration = Duration::from_secs(1);

/// Receipt of an erasure.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Receipt {
    /// Identifies the erasure. Once the account is gone, only the receipt gives access to its progress.
    receipt: Uuid,
}

/// Progress of an erasure.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ErasureState {
    /// Receipt of the request.
    receipt: Uuid,
    /// Time of the request.
    requested_at: DateTime<Utc>,
    /// Time when all stores were erased; `null` before.
    #[schema(required)]
    finished_at: Option<DateTime<Utc>>,
    /// The stores that are erased, in order of time.
    stores: Vec<StoreErased>,
    /// Attempts that could not erase every store. The next one follows by itself.
    failed_attempts: u32,
    /// The store that the last of them could not erase.
    #[schema(required, value_type = Option<ErasureTarget>)]
    waits_for: Option<String>,
}

/// A store without any data of the user.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct StoreErased {
    /// Name of the store.
    #[schema(value_type = ErasureTarget)]
    store: String,
    /// Time of the erasure.
    erased_at: DateTime<Utc>,
}

impl From<ErasedStore> for StoreErased {
    fn from(ErasedStore { store, erased_at }: ErasedStore) -> Self {
        Self { store: store.name().to_owned(), erased_at }
    }
}

/// Carries out requests for erasure.
#[derive(Debug, Clone)]
pub(in crate::api) struct Erasures {
    store: Store,
    wake: SequencerWake,
    nats: Client,
    live: Arc<Live>,
    accounts: Arc<Accounts>,
}

impl axum::extract::FromRef<ApiState> for Erasures {
    fn from_ref(state: &ApiState) -> Self {
        Self {
            store: Store::from_ref(state),
            wake: SequencerWake::from_ref(state),
            nats: Client::from_ref(state),
            live: Arc::from_ref(state),
            accounts: Arc::from_ref(state),
        }
    }
}

impl Erasures {
    /// Requests the erasure of an account. A repeated request returns the receipt of the first one.
    async fn request(&self, user: UserId, trace: &Trace) -> Result<ReceiptId, Problem> {
        let command = (user, AccountCommand::RequestErasure { receipt: ReceiptId::new(Uuid::new_v4()) });
        let metadata = command_metadata(user, trace);
        let executed = self.store.accounts().execute(user.uuid(), command, &metadata, None);
        let executed = executed.await.map_err(|error| match error {
            ExecuteError::Refused(_) => Problem::not_found(),
            ExecuteError::Store(error) => error.into(),
        })?;
        let receipt = match executed.aggregate.phase() {
            AccountPhase::Erasing { receipt } | AccountPhase::Erased { receipt } => receipt,
            AccountPhase::Unopened | AccountPhase::Open => return Err(Problem::internal()),
        };
        self.store.begin_erasure(receipt, user).await?;
        self.wake.notify();
        self.accounts.forget(user);
        // Without the hint, other processes find the erasure in the store.
        let subject = self.live.subjects().erasing();
        send_hint(&self.nats, subject, Bytes::from(user.to_string()), HINT_TIMEOUT).await;
        Ok(receipt)
    }
}

/// Erase the caller's account and all data of the user
///
/// Cannot be undone. The token must belong to a session that exists at this moment.
#[utoipa::path(delete, path = "/v1/me", operation_id = "erase_me", tag = "Privacy",
    responses((status = 202, body = Receipt), (status = 401), (status = 503)), security(("bearer" = [])))]
pub(in crate::api) async fn erase(
    State(erasures): State<Erasures>,
    State(account_service): State<Arc<AccountService>>,
    trace: Trace,
    OpenOrErasing(caller): OpenOrErasing,
) -> Result<(StatusCode, Json<Receipt>), Problem> {
    account_service.require_live_session(&caller).await?;
    let receipt = erasures.request(caller.user, &trace).await?;
    Ok((StatusCode::ACCEPTED, Json(Receipt { receipt: receipt.uuid() })))
}

/// Get the progress of an erasure
///
/// Needs no token, because the account is gone when the erasure ends.
#[utoipa::path(get, path = "/v1/erasures/{receipt}", operation_id = "get_erasure", tag = "Privacy",
    params(("receipt" = Uuid, Path)),
    responses((status = 200, body = ErasureState), (status = 404)))]
pub(in crate::api) async fn state(
    State(store): State<Store>,
    Path(receipt): Path<String>,
) -> Result<Json<ErasureState>, Problem> {
    let receipt: ReceiptId = parse_id(&receipt, "receipt")?;
    let erasure = store.erasure(receipt).await?.ok_or_else(Problem::not_found)?;
    let stores = store.erased_stores(erasure.owner).await?;
    Ok(Json(ErasureState {
        receipt: receipt.uuid(),
        requested_at: erasure.requested_at,
        finished_at: erasure.finished_at,
        stores: stores.into_iter().map(StoreErased::from).collect(),
        failed_attempts: erasure.attempts.unsigned_abs(),
        waits_for: erasure.waits_for.map(|store| store.name().to_owned()),
    }))
}

/// A caller with a valid token, also if the account is being erased.
pub(in crate::api) struct OpenOrErasing(Caller);

impl FromRequestParts<ApiState> for OpenOrErasing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        match Caller::from_request_parts(parts, state).await {
            Ok(caller) => Ok(Self(caller)),
            Err(problem) if problem.is_account_being_erased() => {
                let identity = Arc::<Identity>::from_ref(state);
                Ok(Self(identity.authenticate(&parts.headers, None).await?))
            }
            Err(problem) => Err(problem),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::snapshots::{assert_json, id, time};

    #[test]
    fn responses_match_their_snapshots() {
        assert_json("erasure_receipt", &Receipt { receipt: id(6) });
        let stores = ErasureTarget::ALL
            .iter()
            .map(|target| StoreErased { store: target.name().to_owned(), erased_at: time() })
            .collect();
        let state = ErasureState {
            receipt: id(6),
            requested_at: time(),
            finished_at: Some(time()),
            stores,
            failed_attempts: 1,
            waits_for: None,
        };
        assert_json("erasure", &state);
    }
}
