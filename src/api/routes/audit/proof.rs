//! `GET /v1/audit/checkpoint` and `GET /v1/audit/keys`: what an export is checked against.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::Auditor;
use crate::api::Api;
use crate::api::problem::Problem;
use crate::audit::AuditKey;
use crate::audit::Checkpoint;

/// Keys.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Keys {
    /// The one in use first, then those that were.
    items: Vec<AuditKey>,
}

/// The head of the hash chain, signed.
#[utoipa::path(get, path = "/v1/audit/checkpoint", operation_id = "audit_checkpoint", tag = "Audit",
    responses((status = 200, body = Checkpoint), (status = 403)), security(("bearer" = [])))]
pub(crate) async fn checkpoint(
    State(api): State<Api>,
    auditor: Auditor,
) -> Result<Json<Checkpoint>, Problem> {
    auditor.record_access(&api, "checkpoint", json!({})).await?;
    Ok(Json(api.signer.checkpoint().await?))
}

/// The public keys that sign checkpoints, and those that did.
#[utoipa::path(get, path = "/v1/audit/keys", operation_id = "audit_keys", tag = "Audit",
    responses((status = 200, body = Keys), (status = 403)), security(("bearer" = [])))]
pub(crate) async fn keys(State(api): State<Api>, auditor: Auditor) -> Result<Json<Keys>, Problem> {
    auditor.record_access(&api, "keys", json!({})).await?;
    Ok(Json(Keys { items: api.signer.keys().await? }))
}
