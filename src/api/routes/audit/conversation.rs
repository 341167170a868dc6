//! `GET /v1/audit/conversations/{id}`.

use aggregates::ConversationId;
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type};

use super::{AccessLog, Auditor};
use crate::api::problem::Problem;
use crate::api::reads::params::{QueryParams, parse_id};
use crate::audit::{AsOf, ReplayedConversation, replay};
use store::Store;

/// The moment to replay to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct AsOfParams {
    /// A position of the ledger, or a time in RFC 3339; by default the end of the ledger.
    #[param(schema_with = as_of_schema)]
    as_of: Option<String>,
}

fn as_of_schema() -> Schema {
    let position = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(i64::MAX));
    let time = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    let now = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["now"]));
    OneOfBuilder::new().item(position).item(time).item(now).build().into()
}

/// Replay a conversation
///
/// The state of a conversation at a position or a time, replayed from its events.
#[utoipa::path(get, path = "/v1/audit/conversations/{conversation_id}", operation_id = "audit_conversation", tag = "Audit",
    params(("conversation_id" = uuid::Uuid, Path), AsOfParams),
    responses((status = 200, body = ReplayedConversation), (status = 403), (status = 404)), security(("bearer" = [])))]
pub(in crate::api) async fn conversation(
    State(store): State<Store>,
    State(access_log): State<AccessLog>,
    auditor: Auditor,
    Path(id): Path<String>,
    QueryParams(params): QueryParams<AsOfParams>,
) -> Result<Json<ReplayedConversation>, Problem> {
    let id: ConversationId = parse_id(&id, "conversation_id")?;
    let as_of: AsOf = params.as_of.as_deref().unwrap_or("now").parse().map_err(|_| {
        Problem::invalid_field("as_of", "The value must be a position of the ledger, or a time in RFC 3339.")
    })?;
    let filter = json!({ "conversation": id, "as_of": as_of });
    access_log.record(&auditor, "conversation", filter).await?;
    replay(&store, id, as_of).await?.map(Json).ok_or_else(Problem::no_such_conversation)
}

#[cfg(test)]
mod tests {
    use aggregates::conversation::AnswerStatus;
    use aggregates::{Position, UserId};

    use super::*;
    use crate::api::snapshots::{answer, assert_json, conversation_row, id, question, time};

    #[test]
    fn the_response_matches_its_snapshot() {
        let replayed = ReplayedConversation {
            conversation: Some(conversation_row()),
            messages: vec![question(), answer(AnswerStatus::Completed)],
            owner: UserId::new(id(5)),
            deleted: false,
            erased: false,
            version: 4,
            position: Position(12),
            at: Some(time()),
            first_position: Position(3),
            last_position: Position(12),
        };
        assert_json("audit_conversation", &replayed);
    }
}
