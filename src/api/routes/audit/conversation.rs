//! `GET /v1/audit/conversations/{id}`: a conversation as it stood.

use aggregates::ConversationId;
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::Auditor;
use crate::api::Api;
use crate::api::problem::Problem;
use crate::api::reads::query::{Params, path_id};
use crate::audit::{AsOf, ReplayedConversation, replay};

/// When.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AsOfParams {
    /// A position of the ledger, or a time in RFC 3339; now when not given.
    as_of: Option<String>,
}

/// A conversation as it stood at a position or a time, replayed from its events.
#[utoipa::path(get, path = "/v1/audit/conversations/{conversation_id}", operation_id = "audit_conversation", tag = "Audit",
    params(("conversation_id" = uuid::Uuid, Path), AsOfParams),
    responses((status = 200, body = ReplayedConversation), (status = 403), (status = 404)), security(("bearer" = [])))]
pub(crate) async fn conversation(
    State(api): State<Api>,
    auditor: Auditor,
    Path(id): Path<String>,
    Params(params): Params<AsOfParams>,
) -> Result<Json<ReplayedConversation>, Problem> {
    let id: ConversationId = path_id(&id, "conversation_id")?;
    let as_of: AsOf = params.as_of.as_deref().unwrap_or("").parse().map_err(|_| {
        Problem::invalid_field("as_of", "It must be a position of the ledger, or a time in RFC 3339.")
    })?;
    auditor.record_access(&api, "conversation", json!({ "conversation": id, "as_of": as_of })).await?;
    replay(&api.store, id, as_of).await?.map(Json).ok_or_else(Problem::no_such_conversation)
}
