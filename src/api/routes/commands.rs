//! `POST /v1/conversations/{id}/commands`: executes one command durably before the response.

mod body;
mod choice;
mod execute;
mod instruct;

use std::sync::Arc;

use aggregates::conversation::ConversationCommand;
use aggregates::{Actor, AnswerId, AnswerRef, ConversationId, Version};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use chrono::Utc;
use sealing::MasterKey;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::BODY_LIMIT_BYTES;
use crate::api::caller::command_metadata;
use crate::api::identity::Caller;
use crate::api::limits::Limits;
use crate::api::middleware::trace::Trace;
use crate::api::problem::Problem;
use crate::api::reads::params::{Counter, parse_id};
pub(in crate::api) use body::{Command, parse_fields, parse_object};
use execute::{CommandOutcome, ConversationCommands};
pub(in crate::api) use instruct::Instruct;
use store::IdempotencyKey;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const MAX_VERSION_DIGITS: usize = 18;
const MAX_IDEMPOTENCY_KEY_BYTES: usize = 255;

/// The result of a command, sent when its events are durable.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Accepted {
    /// Id of the conversation.
    #[schema(value_type = uuid::Uuid)]
    conversation_id: ConversationId,
    /// Version of the conversation after the command.
    version: u64,
    /// Types of the command's events; empty if the command changed nothing.
    events: Vec<String>,
}

/// Send a command
///
/// A repeated command (same ids) gets the same response and writes nothing.
#[utoipa::path(post, path = "/v1/conversations/{conversation_id}/commands",
    operation_id = "send_command", tag = "Commands",
    params(("conversation_id" = uuid::Uuid, Path, description = "Made by the client, as UUIDv7"),
           ("If-Match" = Option<String>, Header, pattern = r#"^(\*|"[0-9]{1,18}")$"#,
            description = "The version that the conversation must have, in quotation marks"),
           ("Idempotency-Key" = Option<String>, Header, max_length = 255, pattern = r"^[!-~]([ -~]*[!-~])?$",
            description = "Makes a command without an id of its own repeatable")),
    request_body = Command,
    responses((status = 202, body = Accepted, headers(("ETag" = String))), (status = 409), (status = 413),
              (status = 422), (status = 429), (status = 503)),
    security(("bearer" = [])))]
pub(in crate::api) async fn command(
    State(commands): State<ConversationCommands>,
    State(limits): State<Arc<Limits>>,
    trace: Trace,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let conversation_id: ConversationId = parse_id(&id, "conversation_id")?;
    limits.commands.count(&caller.user)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(BODY_LIMIT_BYTES),
        _ => Problem::malformed("The body is not complete."),
    })?;
    check_content_type(&headers)?;
    let expected = expected_version(&headers)?;
    let new_answer = AnswerId::new(Uuid::now_v7());
    let so_far =
        |answer_id| commands.text_so_far(AnswerRef { owner: caller.user, conversation_id, answer_id });
    let parsed = Command::parse(&body)?;
    let _in_flight = limits.commands_in_flight.enter()?;
    let tags = parsed.document_tags();
    let mut intent = parsed.into_intent(new_answer, so_far);
    let known_model = commands.models().check(&intent);
    commands.unless_repeated(caller.user, conversation_id, &intent, known_model).await?;
    let key = idempotency_key(commands.master_key(), &headers, conversation_id, &body)?;
    commands.choose_documents(caller.user, conversation_id, &mut intent, tags).await?;
    let command = ConversationCommand { by: Actor::User(caller.user), at: Utc::now(), expected, intent };
    commands.check_pending(&limits.pending_answers, caller.user, conversation_id, &command.intent).await?;
    let (budgets, owner) = (&limits.budgets, caller.user);
    commands.check_budgets(budgets, owner, conversation_id, &command.intent).await?;
    let metadata = command_metadata(caller.user, &trace);
    let CommandOutcome { version, events } =
        commands.execute(conversation_id, command, &metadata, key.as_ref()).await?;
    let etag = [(ETAG, format!("\"{version}\""))];
    let accepted = Accepted { conversation_id, version: version.0, events };
    Ok((StatusCode::ACCEPTED, etag, axum::Json(accepted)).into_response())
}

/// Whether a body is a command.
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::api) fn is_command(body: &[u8]) -> bool {
    Command::parse(body).is_ok()
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let is_json = essence.eq_ignore_ascii_case("application/json")
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    if is_json { Ok(()) } else { Err(Problem::unsupported_media_type()) }
}

/// The version of `If-Match: "<version>"`; `None` without the header and for `*`.
fn expected_version(headers: &HeaderMap) -> Result<Option<Version>, Problem> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let value = value.to_str().unwrap_or_default().trim();
    if value == "*" {
        return Ok(None);
    }
    let version = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let version = version.filter(|text| text.len() <= MAX_VERSION_DIGITS);
    let Some(version) = version.and_then(|text| text.parse::<Counter>().ok()) else {
        let detail = "The value must be a version in quotation marks, as in the header ETag.";
        return Err(Problem::invalid_field("If-Match", detail));
    };
    Ok(Some(version.version()))
}

fn idempotency_key(
    master: &MasterKey,
    headers: &HeaderMap,
    conversation: ConversationId,
    body: &[u8],
) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let value = value.to_str().unwrap_or_default().trim();
    if value.is_empty() || value.len() > MAX_IDEMPOTENCY_KEY_BYTES {
        let detail = "The value must be 1 to 255 printable ASCII characters.";
        return Err(Problem::invalid_field("Idempotency-Key", detail));
    }
    let command = [conversation.uuid().as_bytes(), body].concat();
    Ok(Some(IdempotencyKey::new(master, value, &command)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::snapshots::{assert_json, id};

    fn if_match(value: &str) -> Result<Option<Version>, ()> {
        expected_version(&HeaderMap::from_iter([(IF_MATCH, value.parse().unwrap())])).map_err(|_| ())
    }

    #[test]
    fn the_response_matches_its_snapshot() {
        let events = ["ConversationStarted", "QuestionAsked", "AnswerRequested"].map(str::to_owned);
        let accepted =
            Accepted { conversation_id: ConversationId::new(id(1)), version: 3, events: events.to_vec() };
        assert_json("command_accepted", &accepted);
    }

    #[test]
    fn a_condition_is_a_version_in_quotation_marks() {
        assert_eq!(if_match("\"3\""), Ok(Some(Version(3))));
        assert_eq!(if_match("*"), Ok(None));
        assert_eq!(if_match("3"), Err(()));
        assert_eq!(if_match("\"1000000000000000000\""), Err(()));
        assert_eq!(if_match("W/\"3\""), Err(()));
    }
}
