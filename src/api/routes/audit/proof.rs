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

#[cfg(test)]
mod tests {
    use aggregates::Position;

    use super::*;
    use crate::api::snapshots::{assert_json, time};

    #[test]
    fn responses_match_their_snapshots() {
        let checkpoint = Checkpoint {
            position: Position(7),
            root: "ab".repeat(32),
            signature: "c2lnbmF0dXJl".to_owned(),
            key_id: "0123456789abcdef".to_owned(),
            at: "2026-11-18T11:06:40.123456Z".to_owned(),
        };
        assert_json("audit_checkpoint", &checkpoint);
        let key = AuditKey {
            key_id: "0123456789abcdef".to_owned(),
            algorithm: "ed25519",
            public_key: "cHVibGljIGtleQ==".to_owned(),
            created_at: time(),
            retired_at: None,
        };
        assert_json("audit_keys", &Keys { items: vec![key] });
    }
}
