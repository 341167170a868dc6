//! `/v1/audit`: the ledger, for auditors. Each access is recorded before the response.

mod conversation;
mod events;
mod follow;
mod params;
mod proof;

pub(in crate::api) use conversation::{__path_conversation, conversation};
pub(in crate::api) use events::{__path_events, events};
pub(in crate::api) use follow::{__path_follow, follow};
pub(in crate::api) use proof::{__path_checkpoint, __path_keys, checkpoint, keys};

use aggregates::Actor;
use aggregates::audit_trail::Through;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use serde_json::Value;

use crate::api::ApiState;
use crate::api::caller::command_metadata;
use crate::api::identity::{Caller, Role};
use crate::api::middleware::trace::Trace;
use crate::api::problem::Problem;
use crate::audit::{Access, record_access};
use crate::runtime::wake::SequencerWake;
use store::Store;

/// A caller whose role permits access to the ledger.
pub(in crate::api) struct Auditor {
    caller: Caller,
    trace: Trace,
}

impl FromRequestParts<ApiState> for Auditor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        match caller.role {
            Role::Auditor | Role::Admin => Ok(Self { caller, trace: Trace::of(parts) }),
            Role::User => Err(Problem::not_an_auditor()),
        }
    }
}

/// Records accesses of auditors.
#[derive(Debug, Clone)]
pub(in crate::api) struct AccessLog {
    store: Store,
    wake: SequencerWake,
}

impl FromRef<ApiState> for AccessLog {
    fn from_ref(state: &ApiState) -> Self {
        Self { store: Store::from_ref(state), wake: SequencerWake::from_ref(state) }
    }
}

impl AccessLog {
    /// Records an access durably.
    async fn record(&self, auditor: &Auditor, resource: &'static str, filter: Value) -> Result<(), Problem> {
        let user = auditor.caller.user;
        let mut metadata = command_metadata(user, &auditor.trace);
        metadata.actor = Actor::Auditor(user);
        let access = Access { what: resource, filter, through: Through::Api };
        Ok(record_access(&self.store, &self.wake, access, &metadata).await?)
    }
}
