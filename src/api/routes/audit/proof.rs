//! `GET /v1/audit/checkpoint` and `GET /v1/audit/keys`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{AccessLog, Auditor};
use crate::api::problem::Problem;
use crate::audit::Checkpoint;
use crate::audit::{AuditKey, CheckpointSigner};

/// Public keys of checkpoints.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Keys {
    /// The key in use, then the retired keys.
    items: Vec<AuditKey>,
}

/// Get a checkpoint
///
/// The head of the hash chain, signed.
#[utoipa::path(get, path = "/v1/audit/checkpoint", operation_id = "audit_checkpoint", tag = "Audit",
    responses((status = 200, body = Checkpoint), (status = 403)), security(("bearer" = [])))]
pub(in crate::api) async fn checkpoint(
    State(signer): State<CheckpointSigner>,
    State(access_log): State<AccessLog>,
    auditor: Auditor,
) -> Result<Json<Checkpoint>, Problem> {
    access_log.record(&auditor, "checkpoint", json!({})).await?;
    Ok(Json(signer.checkpoint().await?))
}

/// List the public keys of checkpoints
#[utoipa::path(get, path = "/v1/audit/keys", operation_id = "audit_keys", tag = "Audit",
    responses((status = 200, body = Keys), (status = 403)), security(("bearer" = [])))]
pub(in crate::api) async fn keys(
    State(signer): State<CheckpointSigner>,
    State(access_log): State<AccessLog>,
    auditor: Auditor,
) -> Result<Json<Keys>, Problem> {
    access_log.record(&auditor, "keys", json!({})).await?;
    Ok(Json(Keys { items: signer.keys().await? }))
}
